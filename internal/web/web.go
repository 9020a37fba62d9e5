// Package web holds the exporter's HTTP handlers: the metrics, the health
// endpoints, the reload, the status page, its data as JSON and the runbook.
package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"alicdn_export_exporter/internal/view"
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
	// Document returns what the status page and /api/v1/exports show. It must not call the
	// API.
	Document func(now time.Time) view.Document
	// EnableLifecycle allows clients to Reload the configuration. The response contains
	// the error, which must not contain secrets.
	EnableLifecycle bool
	Reload          func() error
	// Logger receives the errors that responses do not contain.
	Logger log.Logger
}

// reserved matches the exporter's other paths.
var reserved = regexp.MustCompile(`^(/-/.*|/api/.*|/runbook)$`)

// New returns the handler for all paths.
func New(config Config) (http.Handler, error) {
	path := config.TelemetryPath
	if !validPath(path) || reserved.MatchString(path) {
		return nil, fmt.Errorf(
			"--web.telemetry-path: must be a plain path, such as /metrics, and not one of the exporter's others (got %q)", path)
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
		mux.Handle("GET /{$}", newFrugal(page))
	}
	runbook, err := newRunbook()
	if err != nil {
		return nil, fmt.Errorf("runbook: %w", err)
	}
	mux.Handle("GET /runbook", runbook)
	mux.Handle("GET /api/v1/exports", newFrugal(newExportsHandler(config)))
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
