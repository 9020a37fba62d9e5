package monitoring

import (
	"bytes"
	"cmp"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"alicdn_export_exporter/internal/simulator"
	simscenario "alicdn_export_exporter/internal/simulator/scenario"
)

// api is a simulated API whose scenario can be replaced.
type api struct {
	*httptest.Server
	handler atomic.Pointer[http.Handler]
}

func newAPI(t *testing.T, s scenario) *api {
	t.Helper()
	a := new(api)
	a.setScenario(t, s)
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		(*a.handler.Load()).ServeHTTP(w, r)
	}))
	t.Cleanup(a.Close)
	return a
}

// setScenario replaces the scenario for the following calls.
func (a *api) setScenario(t *testing.T, s scenario) {
	t.Helper()
	server, err := simscenario.New(cmp.Or(s.name, s.account), simulator.Options{Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	var handler http.Handler = server
	if s.change != nil {
		handler = s.change(handler)
	}
	a.handler.Store(&handler)
}

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
