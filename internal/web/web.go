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

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"alicdn_export_exporter/collector"
)

// Refresher reads the lists that are due, until ctx is done.
type Refresher interface {
	Refresh(context.Context)
}

// Config is what the handlers need.
type Config struct {
	// TelemetryPath is the path of the metrics, such as /metrics.
	TelemetryPath string
	// ScrapeTimeoutOffset is the part of a scrape's timeout reserved for the response.
	ScrapeTimeoutOffset time.Duration
	// Registry is gathered after the Refresher has returned, so that a scrape shows the
	// result of its own refresh.
	Registry  *prometheus.Registry
	Refresher Refresher
	// Statuses returns what the status page shows. It must not call the API.
	Statuses func(now time.Time) []collector.ExportStatus
	// EnableLifecycle allows clients to Reload the configuration. The response contains
	// the error, which must not contain secrets.
	EnableLifecycle bool
	Reload          func() error
	// Demo tells whether the accounts are simulated. The status page says so.
	Demo bool
	// Logger receives the errors that responses do not contain.
	Logger log.Logger
}

// New returns the handler for all paths.
func New(config Config) (http.Handler, error) {
	path := config.TelemetryPath
	if !validPath(path) || strings.HasPrefix(path, "/-/") {
		return nil, fmt.Errorf("telemetry path %q: must be a plain path, such as /metrics, and not below /-/", path)
	}
	mux := http.NewServeMux()
	pattern := "GET " + path
	if strings.HasSuffix(path, "/") {
		pattern += "{$}" // Not the paths below it.
	}
	mux.Handle(pattern, newMetricsHandler(config))
	if path != "/" {
		page, err := newStatusPage(config)
		if err != nil {
			return nil, fmt.Errorf("status page: %w", err)
		}
		mux.Handle("GET /{$}", page)
	}
	mux.HandleFunc("GET /-/healthy", respond("alicdn_export_exporter is healthy.\n"))
	mux.HandleFunc("GET /-/ready", respond("alicdn_export_exporter is ready.\n"))
	mux.Handle("POST /-/reload", newReloadHandler(config))
	return mux, nil
}

// validPath reports whether p is clean and needs no escaping, so that the mux serves
// exactly what clients request.
func validPath(p string) bool {
	clean := path.Clean(p)
	return strings.HasPrefix(p, "/") && (p == clean || p == clean+"/" && clean != "/") &&
		p == (&url.URL{Path: p}).EscapedPath()
}

// respond serves a text. Probes use it: they must make no API call, and an outage of
// the API must not restart the exporter.
func respond(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(text))
	}
}
