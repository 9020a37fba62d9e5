// Package web holds the exporter's HTTP handlers: the metrics, the health
// endpoints, the reload and the status page.
package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"alicdn_export_exporter/collector"
)

// Refresher brings what will be gathered up to date, until the context ends.
type Refresher interface {
	Refresh(context.Context)
}

// Config is what the handlers need.
type Config struct {
	// TelemetryPath is where the metrics are, "/metrics" by default.
	TelemetryPath string
	// ScrapeTimeoutOffset is the part of a scrape's timeout left for the answer.
	ScrapeTimeoutOffset time.Duration
	// Registry is gathered after the Refresher is done, so that a scrape shows
	// what its own refresh came to.
	Registry  *prometheus.Registry
	Refresher Refresher
	// Statuses are what the status page shows of a moment. They cost no call of the API.
	Statuses func(now time.Time) []collector.Status
	// EnableLifecycle lets clients ask for a Reload of the configuration, whose
	// error is shown to them: it must hold nothing secret.
	EnableLifecycle bool
	Reload          func() error
	// ErrorLog is told what goes wrong when metrics are gathered.
	ErrorLog promhttp.Logger
}

// New returns the handler of all paths.
func New(config Config) (http.Handler, error) {
	path := config.TelemetryPath
	if !plain(path) || strings.HasPrefix(path, "/-/") {
		return nil, fmt.Errorf("telemetry path %q: must be a plain path, such as /metrics, and not below /-/", path)
	}
	mux := http.NewServeMux()
	exactly := path
	if strings.HasSuffix(path, "/") {
		exactly += "{$}"
	}
	mux.Handle("GET "+exactly, newMetricsHandler(config))
	if path != "/" {
		page, err := newStatusPage(config)
		if err != nil {
			return nil, fmt.Errorf("status page: %w", err)
		}
		mux.Handle("GET /{$}", page)
	}
	mux.HandleFunc("GET /-/healthy", answer("alicdn_export_exporter is healthy.\n"))
	mux.HandleFunc("GET /-/ready", answer("alicdn_export_exporter is ready.\n"))
	mux.Handle("POST /-/reload", newReloadHandler(config))
	return mux, nil
}

// plain tells whether the mux can serve a path and clients ask for it just as it
// is written.
func plain(p string) bool {
	clean := path.Clean(p)
	return strings.HasPrefix(p, "/") && (p == clean || p == clean+"/" && clean != "/") &&
		p == (&url.URL{Path: p}).EscapedPath()
}

// answer serves probes. They ask whether the process serves, never whether the
// API does: a probe must not cost calls, nor an outage restart the exporter.
func answer(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(text))
	}
}
