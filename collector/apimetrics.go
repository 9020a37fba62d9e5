package collector

import (
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"

	"alicdn_export_exporter/apiclient"
)

// APIMetrics counts what the exporter asks of the API for one account, whose
// client it observes. It is a prometheus.Collector.
type APIMetrics struct {
	account string
	logger  log.Logger

	requests  *prometheus.CounterVec
	errors    *errorCounters
	durations *prometheus.HistogramVec
	waits     *prometheus.CounterVec
	restarts  *prometheus.CounterVec
}

// NewAPIMetrics returns an account's metrics; all their series exist, at 0.
func NewAPIMetrics(account string, exports []apiclient.Export, logger log.Logger) *APIMetrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	}
	m := &APIMetrics{
		account: account,
		logger:  log.With(logger, "account", account),
		requests: counter("api_requests_total",
			"Attempts to call the API, retries included, also those that ended before they were sent.", "account", "export"),
		errors: newErrorCounters(account, exports),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace,
			Name:      "api_request_duration_seconds",
			Help:      "Time from sending a request to the API until its answer was read.",
			Buckets:   []float64{.025, .05, .1, .25, .5, 1, 2.5, 5, 10},

			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  100,
			NativeHistogramMinResetDuration: time.Hour,
		}, []string{"account", "export"}),
		waits: counter("api_rate_limit_wait_seconds_total",
			"Time spent waiting for the rate limit, over all attempts.", "account"),
		restarts: counter("listing_restarts_total",
			"Walks over all pages that could not be proven to hold the whole list.", "account", "export"),
	}
	m.waits.WithLabelValues(account)
	for _, export := range exports {
		m.requests.WithLabelValues(account, string(export))
		m.durations.WithLabelValues(account, string(export))
		m.restarts.WithLabelValues(account, string(export))
	}
	return m
}

// Describe sends every metric's description.
func (m *APIMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range m.all() {
		c.Describe(ch)
	}
}

// Collect sends the metrics as they are.
func (m *APIMetrics) Collect(ch chan<- prometheus.Metric) {
	for _, c := range m.all() {
		c.Collect(ch)
	}
}

func (m *APIMetrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.requests, m.errors, m.durations, m.waits, m.restarts}
}

// Attempted counts an attempt.
func (m *APIMetrics) Attempted(a apiclient.Attempt) {
	export := string(a.Export)
	m.requests.WithLabelValues(m.account, export).Inc()
	m.waits.WithLabelValues(m.account).Add(a.RateLimitWait.Seconds())
	if a.Sent {
		m.durations.WithLabelValues(m.account, export).Observe(a.Duration.Seconds())
	}
	logger := log.With(level.Debug(m.logger), "export", export, "page", a.Page, "duration", a.Duration, "rate_limit_wait", a.RateLimitWait)
	if a.Err == nil {
		_ = logger.Log("msg", "API call ended")
		return
	}
	m.errors.count(a.Export, a.Err.Code)
	_ = logger.Log("msg", "API call failed", "err", a.Err)
}

// WalkRestarted counts a walk that was not proven.
func (m *APIMetrics) WalkRestarted(export apiclient.Export, reason string) {
	m.restarts.WithLabelValues(m.account, string(export)).Inc()
	_ = level.Info(m.logger).Log("msg", "Reading of the list was not proven to be whole", "export", export, "reason", reason)
}
