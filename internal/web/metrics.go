package web

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	scrapeTimeoutHeader = "X-Prometheus-Scrape-Timeout-Seconds"
	// defaultScrapeTimeout is Prometheus's own default; longestScrapeTimeout
	// bounds what a header can make us wait.
	defaultScrapeTimeout = 10 * time.Second
	longestScrapeTimeout = time.Hour
)

// newMetricsHandler serves the metrics. A scrape first waits for the refreshes
// that are due, no longer than its own timeout allows, and then shows what there
// is. There is no bound on concurrent scrapes: they share the refreshes, and
// both of a pair of Prometheus servers are answered.
func newMetricsHandler(config Config) http.Handler {
	metrics := promhttp.HandlerFor(config.Registry, promhttp.HandlerOpts{
		ErrorLog:          config.ErrorLog,
		ErrorHandling:     promhttp.ContinueOnError,
		Registry:          config.Registry,
		EnableOpenMetrics: true,
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		timeout := scrapeTimeout(r.Header, config.ScrapeTimeoutOffset)
		// A writer that knows no deadlines has none to put off.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(timeout + writeTimeout))
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		config.Refresher.Refresh(ctx)
		metrics.ServeHTTP(w, r)
	})
}

// scrapeTimeout is how long a scrape may wait: the header's seconds, or the
// default where it has none or nonsense, minus the offset; half of the timeout
// where the offset would leave less.
func scrapeTimeout(header http.Header, offset time.Duration) time.Duration {
	timeout := defaultScrapeTimeout
	seconds, err := strconv.ParseFloat(header.Get(scrapeTimeoutHeader), 64)
	if err == nil && seconds > 0 && seconds <= longestScrapeTimeout.Seconds() {
		timeout = time.Duration(seconds * float64(time.Second))
	}
	return max(timeout-offset, timeout/2)
}
