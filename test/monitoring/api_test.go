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

// api is a simulated API whose scenario can change.
type api struct {
	*httptest.Server
	handler atomic.Pointer[http.Handler]
}

func newAPI(t *testing.T, s scenario) *api {
	t.Helper()
	a := new(api)
	a.become(t, s)
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		(*a.handler.Load()).ServeHTTP(w, r)
	}))
	t.Cleanup(a.Close)
	return a
}

// become lets the API tell another story from the next call on.
func (a *api) become(t *testing.T, s scenario) {
	t.Helper()
	server, err := simscenario.New(cmp.Or(s.name, s.account), simulator.Options{Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	var handler http.Handler = server
	if s.pretend != nil {
		handler = s.pretend(handler)
	}
	a.handler.Store(&handler)
}

// pretense makes something else of an API.
type pretense func(http.Handler) http.Handler

// afterAWhile answers late, but within the exporter's patience.
func afterAWhile(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(9 * time.Second):
			h.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	})
}

// rewriting changes the bodies of an API's answers.
func rewriting(change func(body []byte) []byte) pretense {
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

// countMore is a page whose list has so many tasks more.
func countMore(body []byte, more int) []byte {
	return totalCount.ReplaceAllFunc(body, func(found []byte) []byte {
		n, _ := strconv.Atoi(string(totalCount.FindSubmatch(found)[1])) // It is digits.
		return []byte(`"TotalCount":` + strconv.Itoa(n+more))
	})
}

var (
	nothingListed = rewriting(func([]byte) []byte {
		return []byte(`{"UsageDataPerPage":{"PageSize":50,"PageNumber":1,"TotalCount":0,"Data":{"DataItem":[]}}}`)
	})
	oneMoreCounted = rewriting(func(body []byte) []byte { return countMore(body, 1) })
	// The simulator's lists of these scenarios have one page, which is not full.
	oneOfAnUnknownStatus = rewriting(func(body []byte) []byte {
		return bytes.Replace(countMore(body, 1), []byte(`"DataItem":[`), []byte(`"DataItem":[{"TaskId":"1","TaskName":"odd","Status":"archived"},`), 1)
	})
)
