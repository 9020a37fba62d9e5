package web_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"alicdn_export_exporter/internal/view"
	"alicdn_export_exporter/internal/web"
)

// refreshFunc is a Refresher.
type refreshFunc func(context.Context)

func (f refreshFunc) Refresh(ctx context.Context) { f(ctx) }

// collectFunc is an unchecked collector.
type collectFunc func(chan<- prometheus.Metric)

func (f collectFunc) Describe(chan<- *prometheus.Desc)    {}
func (f collectFunc) Collect(ch chan<- prometheus.Metric) { f(ch) }

// setting returns a working configuration with two gauges. A refresh fails the test.
func setting(t testing.TB) web.Config {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "data", Help: "Data."}))
	registry.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "exporter", Help: "Exporter."}))
	return web.Config{
		TelemetryPath:       "/metrics",
		ScrapeTimeoutOffset: 500 * time.Millisecond,
		Registry:            registry,
		Refresher: refreshFunc(func(context.Context) {
			t.Error("a refresh was requested")
		}),
		Document: func(now time.Time) view.Document { return view.Document{Time: now} },
		Logger:   log.NewNopLogger(),
	}
}

// scraped returns a setting whose refreshes do nothing.
func scraped(t *testing.T) web.Config {
	t.Helper()
	config := setting(t)
	config.Refresher = refreshFunc(func(context.Context) {})
	return config
}

func newHandler(t testing.TB, config web.Config) http.Handler {
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

func TestProbes(t *testing.T) {
	handler := newHandler(t, setting(t)) // Its refresher fails the test.
	for path, text := range map[string]string{"/-/healthy": "healthy", "/-/ready": "ready"} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			answer := ask(handler, method, path)
			contentType := answer.Header().Get("Content-Type")
			if answer.Code != http.StatusOK || !strings.HasPrefix(contentType, "text/plain") {
				t.Errorf("%s %s: answer %d of the type %q", method, path, answer.Code, contentType)
			}
			if !strings.Contains(answer.Body.String(), text) {
				t.Errorf("%s %s: the body is %q", method, path, answer.Body)
			}
		}
	}
}

func TestNotFound(t *testing.T) {
	handler := newHandler(t, setting(t)) // Its refresher fails the test.
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
		t.Run(name, func(t *testing.T) {
			if answer := ask(handler, tc.method, tc.path); answer.Code != tc.want {
				t.Errorf("answer %d, want %d", answer.Code, tc.want)
			}
		})
	}
}

func TestReload(t *testing.T) {
	for name, tc := range map[string]struct {
		enabled bool
		err     error
		method  string
		status  int
		text    string
		loads   int
	}{
		"it is loaded": {true, nil, http.MethodPost, http.StatusOK, "The configuration was loaded.\n", 1},
		"it has mistakes": {
			true, errors.New("a.yml:2: name: is empty\na.yml:3: x: is not a known key"),
			http.MethodPost, http.StatusInternalServerError, "Reload failed, keeping the current configuration:\n" +
				"a.yml:2: name: is empty\na.yml:3: x: is not a known key\n", 1,
		},
		"it is disabled":        {false, nil, http.MethodPost, http.StatusForbidden, "--web.enable-lifecycle", 0},
		"a GET does not reload": {true, nil, http.MethodGet, http.StatusMethodNotAllowed, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			config := setting(t)
			loads := 0
			config.EnableLifecycle = tc.enabled
			config.Reload = func() error { loads++; return tc.err }
			answer := ask(newHandler(t, config), tc.method, "/-/reload")
			if answer.Code != tc.status || !strings.Contains(answer.Body.String(), tc.text) || loads != tc.loads {
				t.Errorf("answer %d after %d loads: %s", answer.Code, loads, answer.Body)
			}
			if got := answer.Header().Get("Content-Type"); !strings.HasPrefix(got, "text/plain") {
				t.Errorf("the type is %q", got)
			}
		})
	}
}

func TestTelemetryPath(t *testing.T) {
	t.Run("a path that cannot be served is refused in one sentence", func(t *testing.T) {
		for _, path := range []string{
			"", "metrics", "http://host/metrics", "/-/", "/-/metrics", "/-/healthy",
			"/a b", "/{x}", "/{$}", "/{x...}", "//", "//metrics", "/a//b", "/a/../b", "/./metrics", "/..",
			"/metrics?x=1", "/metrics#x", "/a%2Fb", "/a\nb", "/a\x00b",
		} {
			config := setting(t)
			config.TelemetryPath = path
			handler, err := web.New(config)
			if err == nil || handler != nil {
				t.Errorf("%q is served", path)
				continue
			}
			if text := err.Error(); strings.ContainsAny(text, "\n\x00") || !strings.HasPrefix(text, "--web.telemetry-path: ") {
				t.Errorf("%q is refused with %q", path, text)
			}
		}
	})

	t.Run("any other path is served", func(t *testing.T) {
		for _, path := range []string{"/metrics", "/metrics/", "/", "/-", "/deep/down/", "/a.b_c~d-e", "/~user/metrics"} {
			config := scraped(t)
			config.TelemetryPath = path
			handler := newHandler(t, config)
			answer := ask(handler, http.MethodGet, path)
			if answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), "\ndata 0\n") {
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
	})
}
