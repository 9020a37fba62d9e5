package main

import (
	"context"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/view"
	"alicdn_export_exporter/internal/web"
)

// handlerSpec describes a server of the exporter's own metrics, without the Go and process collectors.
// API is the URL of its list.
type handlerSpec struct {
	API     string
	Scrapes int
}

// handler is the result for that server.
type handler struct {
	URL    string
	Series int
	// HeapGrowth, in bytes, and Goroutines are the increase over the scrapes.
	HeapGrowth int64
	Goroutines int
	Calls      int          `json:"-"`
	Served     []served     `json:"-"`
	Compared   []comparison `json:"-"`
}

// serveHandler is a child that first calls its handler directly, without a connection, and then serves.
func serveHandler(ctx context.Context, spec handlerSpec, stdin io.Reader, answer func(any) error) error {
	metrics, c, err := newHandler(spec.API)
	if err != nil {
		return err
	}
	defer c.Close()
	h := handler{Series: countSeries(ctx, metrics)}
	scrapeDirectly(ctx, metrics, 1000) // After that, pools and buffers no longer grow.
	heap, goroutines := memory().HeapAlloc, runtime.NumGoroutine()
	scrapeDirectly(ctx, metrics, spec.Scrapes)
	h.HeapGrowth, h.Goroutines = int64(memory().HeapAlloc)-int64(heap), runtime.NumGoroutine()-goroutines

	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/metrics", metrics)
	mux.Handle(gaugesPath, constGauges(h.Series))
	server := web.NewServer(ctx, mux, stdlog.New(io.Discard, "", 0))
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	h.URL = "http://" + listener.Addr().String() + "/metrics"
	if err := answer(h); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, stdin)
	return err
}

// newHandler returns the same handler as main, without the standard collectors.
func newHandler(api string) (http.Handler, *collector.Collector, error) {
	logger := log.NewNopLogger()
	exports := []apiclient.Export{apiclient.Usage}
	client, err := newClient(api, 8, 0)
	if err != nil {
		return nil, nil, err
	}
	c := collector.New(collector.Config{
		TTL: time.Hour, MaxStale: 2 * time.Hour, RefreshTimeout: time.Minute, Logger: logger,
	})
	c.SetAccounts([]collector.Account{{
		Name: "default", Client: client, Exports: exports, API: collector.NewAPIMetrics("default", exports, logger),
	}})
	registry := prometheus.NewRegistry()
	registry.MustRegister(c)
	h, err := web.New(web.Config{
		TelemetryPath: "/metrics", ScrapeTimeoutOffset: 500 * time.Millisecond,
		Registry: registry, Refresher: c, Logger: logger,
		Document: func(now time.Time) view.Document { return view.New(c.Statuses(now), now, false) },
	})
	return h, c, err
}

func scrapeRequest(ctx context.Context) *http.Request {
	return httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", http.NoBody)
}

// countSeries returns the number of samples in a scrape. This scrape also creates the snapshot.
func countSeries(ctx context.Context, h http.Handler) int {
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, scrapeRequest(ctx))
	n := 0
	for line := range strings.Lines(recorder.Body.String()) {
		if !strings.HasPrefix(line, "#") {
			n++
		}
	}
	return n
}

// scrapeDirectly calls the handler n times, from several goroutines.
func scrapeDirectly(ctx context.Context, h http.Handler, n int) {
	var done sync.WaitGroup
	for range connections {
		done.Go(func() {
			for range n / connections {
				h.ServeHTTP(discarding{make(http.Header)}, scrapeRequest(ctx))
			}
		})
	}
	done.Wait()
}

// discarding is a response writer that discards the body.
type discarding struct{ header http.Header }

// Header returns the response's header.
func (d discarding) Header() http.Header { return d.header }

// Write discards b.
func (discarding) Write(b []byte) (int, error) { return len(b), nil }

// WriteHeader does nothing.
func (discarding) WriteHeader(int) {}

// measureHandler measures a server of a handlerSpec.
func measureHandler(ctx context.Context, p plan, api *apiServer, progress io.Writer) (handler, error) {
	_, _ = io.WriteString(progress, "the handler without standard collectors\n")
	size := p.Sizes[short]
	var h handler
	process, err := startChild(ctx, childSpec{Handler: &handlerSpec{API: api.Plain[size], Scrapes: p.Scrapes}}, &h)
	if err != nil {
		return h, err
	}
	defer process.stop()
	h.Served, err = serve(ctx, "handler", h.URL, process.cmd.Process.Pid, p.Serving)
	if err != nil {
		return h, err
	}
	h.Compared, err = compareWithGauges(ctx, h.URL, process.cmd.Process.Pid, p.Serving)
	if err != nil {
		return h, err
	}
	taken, err := api.taken(ctx, size, 0)
	h.Calls = taken.Count - walkCalls(size) // Without those for the snapshot.
	return h, err
}
