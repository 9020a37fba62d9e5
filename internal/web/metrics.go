package web

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	scrapeTimeoutHeader = "X-Prometheus-Scrape-Timeout-Seconds"
	// defaultScrapeTimeout is Prometheus's own default.
	defaultScrapeTimeout = 10 * time.Second
	// maxScrapeTimeout is the longest timeout that the header can set.
	maxScrapeTimeout = time.Hour
)

// newMetricsHandler serves the metrics. A scrape first waits for the refreshes that
// are due, but no longer than its own timeout allows. Then it waits for its turn to be
// rendered: no scrape is refused, because several Prometheus servers must each get a
// response.
func newMetricsHandler(config Config) http.Handler {
	metrics := newFrugal(promhttp.HandlerFor(config.Registry, promhttp.HandlerOpts{
		ErrorLog:          gatherLog{config.Logger},
		ErrorHandling:     promhttp.ContinueOnError,
		Registry:          config.Registry,
		EnableOpenMetrics: true,
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		timeout := scrapeTimeout(r.Header, config.ScrapeTimeoutOffset)
		// Ignore the error of a writer without deadlines.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(timeout + writeTimeout))
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		defer context.AfterFunc(draining(ctx), cancel)()
		config.Refresher.Refresh(ctx)
		if err := metrics.serve(w, r); err != nil {
			_ = level.Debug(config.Logger).Log("msg", "Scrape not answered, the client has gone or reads too slowly", "err", err)
		}
	})
}

// scrapeTimeout returns how long a scrape may wait: the header's seconds minus the
// offset, but at least half of them. An invalid or missing header means the default.
func scrapeTimeout(header http.Header, offset time.Duration) time.Duration {
	timeout := defaultScrapeTimeout
	seconds, err := strconv.ParseFloat(header.Get(scrapeTimeoutHeader), 64)
	if err == nil && seconds > 0 && seconds <= maxScrapeTimeout.Seconds() {
		timeout = time.Duration(seconds * float64(time.Second))
	}
	return max(timeout-offset, timeout/2)
}

// gatherLog logs the errors of gathering and encoding metrics.
type gatherLog struct{ logger log.Logger }

// Println implements promhttp.Logger.
func (l gatherLog) Println(v ...any) {
	_ = level.Warn(l.logger).Log("msg", "Gathering metrics failed", "err", strings.TrimSpace(fmt.Sprintln(v...)))
}
