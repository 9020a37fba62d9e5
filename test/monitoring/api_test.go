package monitoring

import (
	"bytes"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"time"
)

// middleware changes an API's responses.
type middleware func(http.Handler) http.Handler

// slow delays each response by less than the exporter's API timeout.
func slow(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(70 * time.Second):
			h.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	})
}

// rewriteBody changes the body of each response.
func rewriteBody(change func(body []byte) []byte) middleware {
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			recorder := httptest.NewRecorder()
			h.ServeHTTP(recorder, r)
			maps.Copy(w.Header(), recorder.Header())
			w.Header().Del("Content-Length")
			w.WriteHeader(recorder.Code)
			_, _ = w.Write(change(recorder.Body.Bytes()))
		})
	}
}

var totalCount = regexp.MustCompile(`"TotalCount":(\d+)`)

// addToTotalCount increases the TotalCount of a page by n.
func addToTotalCount(body []byte, n int) []byte {
	return totalCount.ReplaceAllFunc(body, func(found []byte) []byte {
		count, _ := strconv.Atoi(string(totalCount.FindSubmatch(found)[1])) // The pattern matches only digits.
		return []byte(`"TotalCount":` + strconv.Itoa(count+n))
	})
}

var (
	emptyList = rewriteBody(func([]byte) []byte {
		return []byte(`{"UsageDataPerPage":{"PageSize":50,"PageNumber":1,"TotalCount":0,"Data":{"DataItem":[]}}}`)
	})
	oneUnlisted = rewriteBody(func(body []byte) []byte { return addToTotalCount(body, 1) })
	// This works because the list has a single page that is not full.
	oneUnknownStatus = rewriteBody(func(body []byte) []byte {
		return bytes.Replace(addToTotalCount(body, 1), []byte(`"DataItem":[`),
			[]byte(`"DataItem":[{"TaskId":"1","TaskName":"odd","Status":"archived"},`), 1)
	})
)
