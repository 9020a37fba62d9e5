package web_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"alicdn_export_exporter/internal/view"
	"alicdn_export_exporter/internal/web"
)

// gathering is a collector that counts, and can be held up.
type gathering struct {
	hold      chan struct{} // nil, or closed when gathering may end
	gathered  atomic.Int64
	atOnce    atomic.Int64
	concurred atomic.Bool // whether it gathered twice at the same time
	padding   string      // makes the response longer
}

func (g *gathering) Describe(chan<- *prometheus.Desc) {}

// Collect sends how many times it gathered.
func (g *gathering) Collect(ch chan<- prometheus.Metric) {
	if g.atOnce.Add(1) > 1 {
		g.concurred.Store(true)
	}
	defer g.atOnce.Add(-1)
	n := g.gathered.Add(1)
	if g.hold != nil {
		<-g.hold
	}
	desc := prometheus.NewDesc("gathered", "How many times it was gathered.", nil, nil)
	ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(n))
	if g.padding != "" {
		desc := prometheus.NewDesc("padding_info", "Padding.", []string{"text"}, nil)
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, 1, g.padding)
	}
}

// gatheringHandler returns a handler of g's metric. It has not gathered yet.
func gatheringHandler(t *testing.T, g *gathering, edits ...func(*web.Config)) http.Handler {
	t.Helper()
	config := scraped(t)
	hold := g.hold
	g.hold = nil
	config.Registry.MustRegister(g)
	g.hold = hold
	g.gathered.Store(0) // Registering may have collected.
	for _, edit := range edits {
		edit(&config)
	}
	return newHandler(t, config)
}

func TestRenderer(t *testing.T) {
	type scrape struct {
		path   string
		header []string
	}
	for name, tc := range map[string]struct {
		waiting  []scrape // during the first scrape
		gathered int64
	}{
		"scrapes that wait share a response": {waiting: slices.Repeat([]scrape{{"/metrics", nil}}, 50), gathered: 2},
		"formats take turns": {waiting: []scrape{
			{"/metrics", nil},
			{"/metrics", []string{"Accept", "text/plain"}},
			{"/metrics", []string{"Accept", "application/openmetrics-text"}},
		}, gathered: 4},
		"encodings take turns": {waiting: []scrape{
			{"/metrics", []string{"Accept-Encoding", "gzip"}},
			{"/metrics", []string{"Accept-Encoding", "identity"}},
			{"/metrics", []string{"Accept-Encoding", "gzip"}},
		}, gathered: 3},
		"selections take turns": {waiting: []scrape{
			{"/metrics?name[]=gathered", nil}, {"/metrics?name[]=data", nil}, {"/metrics?name[]=data", nil},
		}, gathered: 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := &gathering{hold: make(chan struct{})}
				handler := gatheringHandler(t, g)
				var scrapes sync.WaitGroup
				scrapes.Go(func() {
					if body := ask(handler, http.MethodGet, "/metrics").Body.String(); !strings.Contains(body, "\ngathered 1\n") {
						t.Errorf("the first scrape:\n%s", body)
					}
				})
				synctest.Wait()
				answers := make([]*httptest.ResponseRecorder, len(tc.waiting))
				for i, waiting := range tc.waiting {
					scrapes.Go(func() { answers[i] = ask(handler, http.MethodGet, waiting.path, waiting.header...) })
				}
				synctest.Wait()
				close(g.hold)
				scrapes.Wait()
				if got := g.gathered.Load(); got != tc.gathered || g.concurred.Load() {
					t.Errorf("gathered %d times, want %d; at the same time: %t", got, tc.gathered, g.concurred.Load())
				}
				for i, answer := range answers {
					body := answer.Body.String()
					if answer.Code != http.StatusOK || body == "" {
						t.Errorf("answer %d: %q", answer.Code, body)
					}
					if strings.Contains(body, "gathered 1\n") {
						t.Error("a scrape got a response that was begun before it")
					}
					asked := tc.waiting[i]
					encoding := answer.Header().Get("Content-Encoding")
					if compressed := encoding == "gzip"; compressed != slices.Contains(asked.header, "gzip") {
						t.Errorf("%q got the encoding %q", asked.header, encoding)
					}
					hasData, wantData := strings.Contains(body, "# HELP data"), !strings.HasSuffix(asked.path, "=gathered")
					if encoding == "" && hasData != wantData {
						t.Errorf("%s got\n%s", asked.path, body)
					}
				}
			})
		})
	}

	for name, arrive := range map[string]func(scrape func(context.Context), release func()){
		"nothing is rendered for a client that has gone": func(scrape func(context.Context), release func()) {
			release()
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			scrape(ctx)
		},
		"nothing is rendered for a client that goes while it waits": func(scrape func(context.Context), release func()) {
			ctx, cancel := context.WithCancel(context.Background())
			var waiting sync.WaitGroup
			waiting.Go(func() { scrape(ctx) })
			synctest.Wait()
			cancel()
			waiting.Wait()
			release()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var logged bytes.Buffer
				g := &gathering{hold: make(chan struct{})}
				handler := gatheringHandler(t, g, func(config *web.Config) { config.Logger = log.NewLogfmtLogger(&logged) })
				var first sync.WaitGroup
				first.Go(func() { ask(handler, http.MethodGet, "/metrics") })
				synctest.Wait()
				arrive(func(ctx context.Context) {
					recorder := httptest.NewRecorder()
					handler.ServeHTTP(recorder, httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", http.NoBody))
					if recorder.Body.Len() > 0 {
						t.Errorf("the body is\n%s", recorder.Body)
					}
				}, func() { close(g.hold); first.Wait() })
				if got := g.gathered.Load(); got != 1 {
					t.Errorf("gathered %d times, want once, for the first scrape", got)
				}
				if text := logged.String(); strings.Count(text, "\n") != 1 || !strings.HasPrefix(text, "level=debug ") {
					t.Errorf("want one line at debug:\n%s", text)
				}
			})
		})
	}
}

// The page and the JSON of a thousand accounts need as much memory as their metrics.
func TestDocumentsAreRenderedOneAtATime(t *testing.T) {
	for _, path := range []string{"/", "/api/v1/exports"} {
		t.Run(path, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config := scraped(t)
				hold := make(chan struct{})
				var atOnce, made atomic.Int64
				config.Document = func(time.Time) view.Document {
					if atOnce.Add(1) > 1 {
						t.Error("two documents are made at the same time")
					}
					defer atOnce.Add(-1)
					made.Add(1)
					<-hold
					return view.Document{Verdict: "all is well"}
				}
				handler := newHandler(t, config)
				var clients sync.WaitGroup
				for range 20 {
					clients.Go(func() {
						if answer := ask(handler, http.MethodGet, path); !strings.Contains(answer.Body.String(), "all is well") {
							t.Errorf("answer %d:\n%s", answer.Code, answer.Body)
						}
					})
					synctest.Wait()
				}
				close(hold)
				clients.Wait()
				if made.Load() != 2 {
					t.Errorf("%d documents, want one for the first request and one for those that waited", made.Load())
				}
			})
		})
	}
}
