package web_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

func TestScrapeTimeout(t *testing.T) {
	const none = "no header"
	for name, tc := range map[string]struct {
		header string
		offset time.Duration
		want   time.Duration
	}{
		"without a header Prometheus's default applies":  {none, 500 * time.Millisecond, 9500 * time.Millisecond},
		"an empty header is a missing one":               {"", 500 * time.Millisecond, 9500 * time.Millisecond},
		"five seconds":                                   {"5", 500 * time.Millisecond, 4500 * time.Millisecond},
		"thirty seconds":                                 {"30", 500 * time.Millisecond, 29500 * time.Millisecond},
		"a fraction, as Prometheus writes it":            {"12.5", 500 * time.Millisecond, 12 * time.Second},
		"an exponent, as Prometheus may write it":        {"1e+01", 500 * time.Millisecond, 9500 * time.Millisecond},
		"an offset longer than the timeout leaves half":  {"0.2", 500 * time.Millisecond, 100 * time.Millisecond},
		"an offset of most of the timeout leaves half":   {"1", 900 * time.Millisecond, 500 * time.Millisecond},
		"an offset longer than the default leaves half":  {none, time.Minute, 5 * time.Second},
		"no offset leaves all":                           {"5", 0, 5 * time.Second},
		"an hour is the most":                            {"3600", 0, time.Hour},
		"more than an hour is invalid":                   {"3601", 0, 10 * time.Second},
		"not a number is invalid":                        {"NaN", 0, 10 * time.Second},
		"infinity is invalid":                            {"Inf", 0, 10 * time.Second},
		"minus infinity is invalid":                      {"-Inf", 0, 10 * time.Second},
		"a negative number is invalid":                   {"-1", 0, 10 * time.Second},
		"zero is invalid":                                {"0", 0, 10 * time.Second},
		"more seconds than a duration holds are invalid": {"1e300", 0, 10 * time.Second},
		"more seconds than a number holds are invalid":   {"1e999", 0, 10 * time.Second},
		"a duration is invalid":                          {"10s", 0, 10 * time.Second},
		"words are invalid":                              {"soon", 0, 10 * time.Second},
		"a megabyte is invalid":                          {strings.Repeat("9", 1<<20), 0, 10 * time.Second},
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

// deadlineRecorder is a writer with write deadlines.
type deadlineRecorder struct {
	*httptest.ResponseRecorder
	deadline time.Time
}

func (r *deadlineRecorder) SetWriteDeadline(deadline time.Time) error {
	r.deadline = deadline
	return nil
}

func TestScrape(t *testing.T) {
	t.Run("a scrape that may wait long has the time to write its response", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			recorder := &deadlineRecorder{ResponseRecorder: httptest.NewRecorder()}
			request := httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody)
			request.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "120")
			newHandler(t, scraped(t)).ServeHTTP(recorder, request)
			if got, want := time.Until(recorder.deadline), 119500*time.Millisecond+30*time.Second; got != want {
				t.Errorf("the answer may be written for %s, want %s", got, want)
			}
		})
	})

	t.Run("a canceled scrape stops waiting", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			config := setting(t)
			config.Refresher = refreshFunc(func(ctx context.Context) { <-ctx.Done() })
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			began := time.Now()
			request := httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", http.NoBody)
			newHandler(t, config).ServeHTTP(httptest.NewRecorder(), request)
			if took := time.Since(began); took != time.Second {
				t.Errorf("the wait ended after %s, want 1s", took)
			}
		})
	})

	t.Run("it refreshes before it gathers", func(t *testing.T) {
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
	})

	t.Run("the response is compressed if the scraper accepts that", func(t *testing.T) {
		answer := ask(newHandler(t, scraped(t)), http.MethodGet, "/metrics", "Accept-Encoding", "gzip")
		unzipped, err := gzip.NewReader(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(unzipped)
		if err != nil || !bytes.Contains(text, []byte("\ndata 0\n")) {
			t.Errorf("%v in\n%s", err, text)
		}
	})
}

func TestScrapeFormat(t *testing.T) {
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
			if got := answer.Header().
				Get("Content-Type"); answer.Code != http.StatusOK ||
				!strings.HasPrefix(got, tc.contentType) {
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

func TestScrapeErrors(t *testing.T) {
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
			if answer.Code != http.StatusOK || !strings.Contains(body, "\ndata 0\n") ||
				!strings.Contains(body, "\nexporter 0\n") {
				t.Errorf("answer %d without what is healthy:\n%s", answer.Code, body)
			}
			for _, leak := range []string{secret, "broken", "panic", "goroutine", ".go:"} {
				if strings.Contains(body, leak) {
					t.Errorf("the body holds %q:\n%s", leak, body)
				}
			}
			if !strings.Contains(logged.String(), secret) {
				t.Errorf("it is not logged: %q", logged.String())
			}
			again := ask(handler, http.MethodGet, "/metrics").Body.String()
			if !strings.Contains(again, `promhttp_metric_handler_errors_total{cause="gathering"} 1`) {
				t.Errorf("the error is not counted:\n%s", again)
			}
		})
	}
}
