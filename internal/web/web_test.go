package web_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	stdlog "log"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/web"
)

// refreshFunc is what a scrape does before it is answered.
type refreshFunc func(context.Context)

func (f refreshFunc) Refresh(ctx context.Context) { f(ctx) }

// collectFunc is an unchecked collector.
type collectFunc func(chan<- prometheus.Metric)

func (f collectFunc) Describe(chan<- *prometheus.Desc)    {}
func (f collectFunc) Collect(ch chan<- prometheus.Metric) { f(ch) }

// setting is a configuration that works, with two gauges.
func setting(t *testing.T) web.Config {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "data", Help: "Data."}))
	registry.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "exporter", Help: "Exporter."}))
	return web.Config{
		TelemetryPath:       "/metrics",
		ScrapeTimeoutOffset: 500 * time.Millisecond,
		Registry:            registry,
		Refresher: refreshFunc(func(context.Context) {
			t.Error("a refresh was asked for")
		}),
		Statuses: func(time.Time) []collector.ExportStatus { return nil },
		Logger:   log.NewNopLogger(),
	}
}

// scraped is a setting that may be scraped.
func scraped(t *testing.T) web.Config {
	t.Helper()
	config := setting(t)
	config.Refresher = refreshFunc(func(context.Context) {})
	return config
}

func newHandler(t *testing.T, config web.Config) http.Handler {
	t.Helper()
	handler, err := web.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

func ask(handler http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, path, http.NoBody)
	for pair := range slices.Chunk(header, 2) {
		request.Header.Set(pair[0], pair[1])
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder
}

func TestHowLongAScrapeMayWait(t *testing.T) {
	const none = "no header"
	for name, tc := range map[string]struct {
		header string
		offset time.Duration
		want   time.Duration
	}{
		"without a header Prometheus's default counts":    {none, 500 * time.Millisecond, 9500 * time.Millisecond},
		"an empty header is none":                         {"", 500 * time.Millisecond, 9500 * time.Millisecond},
		"five seconds":                                    {"5", 500 * time.Millisecond, 4500 * time.Millisecond},
		"thirty seconds":                                  {"30", 500 * time.Millisecond, 29500 * time.Millisecond},
		"a fraction, as Prometheus writes it":             {"12.5", 500 * time.Millisecond, 12 * time.Second},
		"an exponent, as Prometheus may write it":         {"1e+01", 500 * time.Millisecond, 9500 * time.Millisecond},
		"an offset longer than the timeout leaves half":   {"0.2", 500 * time.Millisecond, 100 * time.Millisecond},
		"an offset of most of the timeout leaves half":    {"1", 900 * time.Millisecond, 500 * time.Millisecond},
		"an offset longer than the default leaves half":   {none, time.Minute, 5 * time.Second},
		"no offset leaves all":                            {"5", 0, 5 * time.Second},
		"an hour is the most":                             {"3600", 0, time.Hour},
		"more than an hour is nonsense":                   {"3601", 0, 10 * time.Second},
		"not a number is nonsense":                        {"NaN", 0, 10 * time.Second},
		"infinity is nonsense":                            {"Inf", 0, 10 * time.Second},
		"minus infinity is nonsense":                      {"-Inf", 0, 10 * time.Second},
		"a negative number is nonsense":                   {"-1", 0, 10 * time.Second},
		"zero is nonsense":                                {"0", 0, 10 * time.Second},
		"more seconds than a duration holds are nonsense": {"1e300", 0, 10 * time.Second},
		"more seconds than a number holds are nonsense":   {"1e999", 0, 10 * time.Second},
		"a duration is nonsense":                          {"10s", 0, 10 * time.Second},
		"words are nonsense":                              {"soon", 0, 10 * time.Second},
		"a megabyte is nonsense":                          {strings.Repeat("9", 1<<20), 0, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config := setting(t)
				config.ScrapeTimeoutOffset = tc.offset
				config.Refresher = refreshFunc(func(ctx context.Context) {
					deadline, ok := ctx.Deadline()
					if got := time.Until(deadline); !ok || got != tc.want {
						t.Errorf("a refresh may take %s, want %s", got, tc.want)
					}
					<-ctx.Done()
				})
				var header []string
				if tc.header != none {
					header = []string{"X-Prometheus-Scrape-Timeout-Seconds", tc.header}
				}
				began := time.Now()
				answer := ask(newHandler(t, config), http.MethodGet, "/metrics", header...)
				if took := time.Since(began); took != tc.want || answer.Code != http.StatusOK {
					t.Errorf("answer %d after %s, want 200 after %s", answer.Code, took, tc.want)
				}
			})
		})
	}
}

// deadlineRecorder is a writer that knows write deadlines.
type deadlineRecorder struct {
	*httptest.ResponseRecorder
	deadline time.Time
}

func (r *deadlineRecorder) SetWriteDeadline(deadline time.Time) error {
	r.deadline = deadline
	return nil
}

func TestAScrapeThatWaitsLongHasAsLongToWriteItsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		recorder := &deadlineRecorder{ResponseRecorder: httptest.NewRecorder()}
		request := httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody)
		request.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "120")
		newHandler(t, scraped(t)).ServeHTTP(recorder, request)
		if got, want := time.Until(recorder.deadline), 119500*time.Millisecond+30*time.Second; got != want {
			t.Errorf("the answer may be written for %s, want %s", got, want)
		}
	})
}

func TestAScrapeThatIsCalledOffCallsOffItsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := setting(t)
		config.Refresher = refreshFunc(func(ctx context.Context) { <-ctx.Done() })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		newHandler(t, config).ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", http.NoBody))
		if took := time.Since(began); took != time.Second {
			t.Errorf("the wait ended after %s, want 1s", took)
		}
	})
}

func TestAScrapeRefreshesBeforeItGathers(t *testing.T) {
	var order []string
	happens := func(what string) { order = append(order, what) }
	config := scraped(t)
	config.Refresher = refreshFunc(func(context.Context) { happens("refresh") })
	config.Registry.MustRegister(collectFunc(func(chan<- prometheus.Metric) { happens("gather") }))
	order = nil // Registering may have collected.
	handler := newHandler(t, config)
	for range 5 {
		order = nil
		ask(handler, http.MethodGet, "/metrics")
		if diff := cmp.Diff([]string{"refresh", "gather"}, order); diff != "" {
			t.Fatalf("-want +got:\n%s", diff)
		}
	}
}

func TestTheFormatIsTheOneThatTheScraperAsksFor(t *testing.T) {
	handler := newHandler(t, scraped(t))
	for name, tc := range map[string]struct {
		accept, contentType string
		openMetrics         bool
	}{
		"text by default":              {"", "text/plain; version=0.0.4", false},
		"OpenMetrics 1.0":              {"application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3", "application/openmetrics-text; version=1.0.0", true},
		"the protobuf, for histograms": {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,text/plain;q=0.3", "application/vnd.google.protobuf", false},
	} {
		t.Run(name, func(t *testing.T) {
			answer := ask(handler, http.MethodGet, "/metrics", "Accept", tc.accept)
			if got := answer.Header().Get("Content-Type"); answer.Code != http.StatusOK || !strings.HasPrefix(got, tc.contentType) {
				t.Errorf("answer %d of the type %q, want %q", answer.Code, got, tc.contentType)
			}
			if got := strings.HasSuffix(answer.Body.String(), "# EOF\n"); got != tc.openMetrics {
				t.Errorf("it ends as OpenMetrics does: %t", got)
			}
			for _, family := range []string{"data", "exporter"} {
				if !strings.Contains(answer.Body.String(), family) {
					t.Errorf("%s is missing in\n%s", family, answer.Body)
				}
			}
		})
	}
}

func TestAnAnswerIsCompressedWhereTheScraperTakesIt(t *testing.T) {
	answer := ask(newHandler(t, scraped(t)), http.MethodGet, "/metrics", "Accept-Encoding", "gzip")
	unzipped, err := gzip.NewReader(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(unzipped)
	if err != nil || !bytes.Contains(text, []byte("\ndata 0\n")) {
		t.Errorf("%v in\n%s", err, text)
	}
}

func TestProbesAreAnsweredWithoutARefresh(t *testing.T) {
	handler := newHandler(t, setting(t)) // Its refresher fails the test.
	for path, text := range map[string]string{"/-/healthy": "healthy", "/-/ready": "ready"} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			answer := ask(handler, method, path)
			if answer.Code != http.StatusOK || !strings.HasPrefix(answer.Header().Get("Content-Type"), "text/plain") {
				t.Errorf("%s %s: answer %d of the type %q", method, path, answer.Code, answer.Header().Get("Content-Type"))
			}
			if !strings.Contains(answer.Body.String(), text) {
				t.Errorf("%s %s: the body is %q", method, path, answer.Body)
			}
		}
	}
}

func TestTheStatusPageLinksWhatThereIsAndNothingElse(t *testing.T) {
	for _, path := range []string{"/metrics", "/deep/down/metrics"} {
		config := setting(t)
		config.TelemetryPath = path
		handler := newHandler(t, config)
		answer := ask(handler, http.MethodGet, "/")
		if answer.Code != http.StatusOK || !strings.HasPrefix(answer.Header().Get("Content-Type"), "text/html") {
			t.Errorf("answer %d of the type %q", answer.Code, answer.Header().Get("Content-Type"))
		}
		var links []string
		for _, match := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(answer.Body.String(), -1) {
			links = append(links, match[1])
		}
		if diff := cmp.Diff([]string{path, "/-/healthy", "/-/ready"}, links); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}

func TestWhatIsNotThereIsRefused(t *testing.T) {
	handler := newHandler(t, setting(t)) // Nothing of this may cost a refresh.
	for name, tc := range map[string]struct {
		method, path string
		want         int
	}{
		"an unknown path":              {http.MethodGet, "/nothing", http.StatusNotFound},
		"below the metrics":            {http.MethodGet, "/metrics/more", http.StatusNotFound},
		"the metrics with a slash":     {http.MethodGet, "/metrics/", http.StatusNotFound},
		"pprof":                        {http.MethodGet, "/debug/pprof/", http.StatusNotFound},
		"an unknown probe":             {http.MethodGet, "/-/alive", http.StatusNotFound},
		"a POST of the metrics":        {http.MethodPost, "/metrics", http.StatusMethodNotAllowed},
		"a DELETE of the metrics":      {http.MethodDelete, "/metrics", http.StatusMethodNotAllowed},
		"a POST of a probe":            {http.MethodPost, "/-/healthy", http.StatusMethodNotAllowed},
		"a POST of the landing page":   {http.MethodPost, "/", http.StatusMethodNotAllowed},
		"a path of a hundred thousand": {http.MethodGet, "/" + strings.Repeat("x", 100_000), http.StatusNotFound},
	} {
		if answer := ask(handler, tc.method, tc.path); answer.Code != tc.want {
			t.Errorf("%s: answer %d, want %d", name, answer.Code, tc.want)
		}
	}
}

func TestTheConfigurationIsReloadedOnlyWhereThatIsEnabled(t *testing.T) {
	for name, tc := range map[string]struct {
		enabled bool
		err     error
		method  string
		status  int
		text    string
		loads   int
	}{
		"it is loaded":                {true, nil, http.MethodPost, http.StatusOK, "The configuration was loaded.\n", 1},
		"it is wrong":                 {true, errors.New("a.yml:2: name: is empty\na.yml:3: x: is not a known key"), http.MethodPost, http.StatusInternalServerError, "Reload failed, keeping the current configuration:\na.yml:2: name: is empty\na.yml:3: x: is not a known key\n", 1},
		"nobody may ask":              {false, nil, http.MethodPost, http.StatusForbidden, "--web.enable-lifecycle", 0},
		"a link or a crawler may not": {true, nil, http.MethodGet, http.StatusMethodNotAllowed, "", 0},
	} {
		config := setting(t)
		loads := 0
		config.EnableLifecycle = tc.enabled
		config.Reload = func() error { loads++; return tc.err }
		answer := ask(newHandler(t, config), tc.method, "/-/reload")
		if answer.Code != tc.status || !strings.Contains(answer.Body.String(), tc.text) || loads != tc.loads {
			t.Errorf("%s: answer %d after %d loads: %s", name, answer.Code, loads, answer.Body)
		}
		if got := answer.Header().Get("Content-Type"); !strings.HasPrefix(got, "text/plain") {
			t.Errorf("%s: the type is %q", name, got)
		}
	}
}

func TestATelemetryPathThatCannotBeServedIsRefusedInOneSentence(t *testing.T) {
	for _, path := range []string{
		"", "metrics", "http://host/metrics", "/-/", "/-/metrics", "/-/healthy",
		"/a b", "/{x}", "/{$}", "/{x...}", "//", "//metrics", "/a//b", "/a/../b", "/./metrics", "/..", "/metrics?x=1", "/metrics#x", "/a%2Fb", "/a\nb", "/a\x00b",
	} {
		config := setting(t)
		config.TelemetryPath = path
		handler, err := web.New(config)
		if err == nil || handler != nil {
			t.Errorf("%q is served", path)
			continue
		}
		if text := err.Error(); strings.ContainsAny(text, "\n\x00") || !strings.HasPrefix(text, "telemetry path ") {
			t.Errorf("%q is refused with %q", path, text)
		}
	}
}

func TestAnyPlainTelemetryPathIsServed(t *testing.T) {
	for _, path := range []string{"/metrics", "/metrics/", "/", "/-", "/deep/down/", "/a.b_c~d-e", "/~user/metrics"} {
		config := scraped(t)
		config.TelemetryPath = path
		handler := newHandler(t, config)
		if answer := ask(handler, http.MethodGet, path); answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), "\ndata 0\n") {
			t.Errorf("%s: answer %d:\n%s", path, answer.Code, answer.Body)
		}
		if answer := ask(handler, http.MethodGet, path+"x"); answer.Code != http.StatusNotFound {
			t.Errorf("%sx: answer %d, want 404", path, answer.Code)
		}
		for _, probe := range []string{"/-/healthy", "/-/ready"} {
			if answer := ask(handler, http.MethodGet, probe); answer.Code != http.StatusOK {
				t.Errorf("with the metrics at %s, %s answers %d", path, probe, answer.Code)
			}
		}
		if answer := ask(handler, http.MethodPost, path); answer.Code != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: answer %d, want 405", path, answer.Code)
		}
	}
}

func TestWhatGoesWrongIsLoggedAndNotShown(t *testing.T) {
	const secret = "the text of an error of the API"
	broken := prometheus.NewDesc("broken", "Broken.", nil, nil)
	for name, collect := range map[string]collectFunc{
		"a metric that is an error": func(ch chan<- prometheus.Metric) { ch <- prometheus.NewInvalidMetric(broken, errors.New(secret)) },
		"a collector that panics":   func(chan<- prometheus.Metric) { panic(secret) },
	} {
		t.Run(name, func(t *testing.T) {
			var logged bytes.Buffer
			config := scraped(t)
			config.Logger = log.NewLogfmtLogger(&logged)
			fails := false
			config.Registry.MustRegister(collectFunc(func(ch chan<- prometheus.Metric) {
				if fails {
					collect(ch)
				}
			}))
			handler := newHandler(t, config)
			fails = true
			answer := ask(handler, http.MethodGet, "/metrics")
			body := answer.Body.String()
			if answer.Code != http.StatusOK || !strings.Contains(body, "\ndata 0\n") || !strings.Contains(body, "\nexporter 0\n") {
				t.Errorf("answer %d without what is healthy:\n%s", answer.Code, body)
			}
			for _, leak := range []string{secret, "broken", "panic", "goroutine", ".go:"} {
				if strings.Contains(body, leak) {
					t.Errorf("the body holds %q:\n%s", leak, body)
				}
			}
			if !strings.Contains(logged.String(), secret) {
				t.Errorf("the log does not tell: %q", logged.String())
			}
			if again := ask(handler, http.MethodGet, "/metrics"); !strings.Contains(again.Body.String(), `promhttp_metric_handler_errors_total{cause="gathering"} 1`) {
				t.Errorf("the error is not counted:\n%s", again.Body)
			}
		})
	}
}

// serveHTTP serves the handler with the limits of a real server.
func serveHTTP(t *testing.T, waiting context.Context, config web.Config) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.Config = web.NewServer(waiting, newHandler(t, config), stdlog.New(io.Discard, "", 0))
	server.Start()
	t.Cleanup(server.Close)
	return server
}

// get asks over a real connection, the only one of its own client.
func get(t *testing.T, address string, header ...string) (status int, body string) {
	t.Helper()
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for pair := range slices.Chunk(header, 2) {
		request.Header.Set(pair[0], pair[1])
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
	}
	return response.StatusCode, string(text)
}

func TestScrapesThatWaitAreAnsweredWhenTheServerStopsWaiting(t *testing.T) {
	waiting, release := context.WithCancel(t.Context())
	defer release()
	arrived := make(chan struct{}, 3)
	config := setting(t)
	config.Refresher = refreshFunc(func(ctx context.Context) {
		arrived <- struct{}{}
		<-ctx.Done()
	})
	server := serveHTTP(t, waiting, config)
	var scrapes sync.WaitGroup
	for range 3 {
		scrapes.Go(func() {
			if status, body := get(t, server.URL+"/metrics", "X-Prometheus-Scrape-Timeout-Seconds", "600"); status != http.StatusOK || !strings.Contains(body, "\ndata 0\n") {
				t.Errorf("answer %d:\n%s", status, body)
			}
		})
	}
	for range 3 {
		<-arrived
	}
	release()
	scrapes.Wait()
}

func TestConcurrentScrapesAreAllAnswered(t *testing.T) {
	const scrapers = 20
	var all sync.WaitGroup
	all.Add(scrapers)
	config := setting(t)
	config.Refresher = refreshFunc(func(context.Context) { all.Done(); all.Wait() }) // Each waits for the last one.
	server := serveHTTP(t, t.Context(), config)
	var scrapes sync.WaitGroup
	for range scrapers {
		scrapes.Go(func() {
			if status, _ := get(t, server.URL+"/metrics"); status != http.StatusOK {
				t.Errorf("answer %d", status)
			}
		})
	}
	scrapes.Wait()
}

func TestAMegabyteOfHeaderOrAddressIsRefusedInAPlainSentence(t *testing.T) {
	server := serveHTTP(t, t.Context(), setting(t))
	long := strings.Repeat("x", 1<<20)
	for name, ask := range map[string]func() (int, string){
		"header":  func() (int, string) { return get(t, server.URL+"/metrics", "X-Long", long) },
		"address": func() (int, string) { return get(t, server.URL+"/metrics?"+long) },
	} {
		status, body := ask()
		if status != http.StatusRequestHeaderFieldsTooLarge || strings.Contains(body, "goroutine") || len(body) > 100 {
			t.Errorf("%s: answer %d: %q", name, status, body)
		}
	}
}

func TestEveryLimitOfTheServerIsSet(t *testing.T) {
	server := web.NewServer(t.Context(), http.NotFoundHandler(), nil)
	if server.ReadHeaderTimeout <= 0 || server.ReadTimeout <= 0 || server.WriteTimeout <= 0 || server.IdleTimeout <= 0 || server.MaxHeaderBytes <= 0 {
		t.Errorf("a slow or idle client is not bounded: %+v", server)
	}
}
