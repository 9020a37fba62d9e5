package collector

import (
	"cmp"
	"slices"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"

	"alicdn_export_exporter/apiclient"
)

// vector declares a metric of APIMetrics. Each account has its own instance.
type vector struct {
	name, help string
	labels     []string
}

func (v vector) desc() *prometheus.Desc { return newDesc(v.name, v.help, v.labels) }

func (v vector) newCounterVec() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: v.name, Help: v.help}, v.labels)
}

var (
	apiRequests = vector{
		"api_requests_total",
		"Attempts to call the API, including retries and attempts that ended before they were sent.",
		[]string{"account", "export"},
	}
	apiErrors = vector{
		"api_errors_total",
		"Failed attempts to call the API, by error code and by class, which says who has to act.",
		[]string{"account", "export", "code", "class"},
	}
	apiRequestDuration = vector{
		"api_request_duration_seconds",
		"Time from sending a request to the API until its response was read.",
		[]string{"account", "export"},
	}
	apiRateLimitWait = vector{
		"api_rate_limit_wait_seconds_total",
		"Time that attempts waited for the rate limit.",
		[]string{"account"},
	}
	listingRestarts = vector{
		"listing_restarts_total",
		"Walks over all pages of a list that were not proven complete.",
		[]string{"account", "export"},
	}

	apiDescs = []*prometheus.Desc{
		apiRequests.desc(),
		apiErrors.desc(),
		apiRequestDuration.desc(),
		apiRateLimitWait.desc(),
		listingRestarts.desc(),
	}
)

// APIMetrics counts the API calls of one account. It is the Observer of the account's client,
// and a prometheus.Collector.
type APIMetrics struct {
	account string
	logger  log.Logger

	requests  *prometheus.CounterVec
	errors    *prometheus.CounterVec
	durations *prometheus.HistogramVec
	waits     *prometheus.CounterVec
	restarts  *prometheus.CounterVec

	// sortedErrors are the error counters, sorted as a registry sorts them. They are half of
	// all series. Sorting those of 1,000 accounts would take a third of a scrape's CPU time.
	sortedErrors []prometheus.Counter
}

// errorKinds are all pairs of code and class in api_errors_total, sorted by class, then by
// code.
var errorKinds = slices.SortedFunc(slices.Values(apiclient.ErrorKinds()), func(a, b apiclient.ErrorKind) int {
	return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(a.Code, b.Code))
})

// NewAPIMetrics returns an account's metrics. All their series exist from the start, with the
// value 0.
func NewAPIMetrics(account string, exports []apiclient.Export, logger log.Logger) *APIMetrics {
	m := &APIMetrics{
		account:  account,
		logger:   log.With(logger, "account", account),
		requests: apiRequests.newCounterVec(),
		errors:   apiErrors.newCounterVec(),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace,
			Name:      apiRequestDuration.name,
			Help:      apiRequestDuration.help,
			Buckets:   []float64{.025, .05, .1, .25, .5, 1, 2.5, 5, 10},

			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  100,
			NativeHistogramMinResetDuration: time.Hour,
		}, apiRequestDuration.labels),
		waits:    apiRateLimitWait.newCounterVec(),
		restarts: listingRestarts.newCounterVec(),
	}
	m.waits.WithLabelValues(account)
	for _, export := range exports {
		m.requests.WithLabelValues(account, string(export))
		m.durations.WithLabelValues(account, string(export))
		m.restarts.WithLabelValues(account, string(export))
	}
	for _, code := range errorKinds {
		for _, export := range slices.Sorted(slices.Values(exports)) {
			m.sortedErrors = append(m.sortedErrors, m.errorCounter(export, code))
		}
	}
	return m
}

// Describe sends the description of every metric.
func (m *APIMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range apiDescs {
		ch <- desc
	}
}

// Collect sends the metrics.
func (m *APIMetrics) Collect(ch chan<- prometheus.Metric) {
	for _, c := range []prometheus.Collector{m.requests, m.durations, m.waits, m.restarts} {
		c.Collect(ch)
	}
	for _, counter := range m.sortedErrors {
		ch <- counter
	}
}

// Attempted counts an attempt, and logs it at level debug.
func (m *APIMetrics) Attempted(a apiclient.Attempt) {
	export := string(a.Export)
	m.requests.WithLabelValues(m.account, export).Inc()
	m.waits.WithLabelValues(m.account).Add(a.RateLimitWait.Seconds())
	if a.Sent {
		m.durations.WithLabelValues(m.account, export).Observe(a.Duration.Seconds())
	}
	logger := log.With(level.Debug(m.logger),
		"export", export, "page", a.Page, "duration", a.Duration, "rate_limit_wait", a.RateLimitWait)
	if a.Err == nil {
		_ = logger.Log("msg", "API call ended")
		return
	}
	kind := a.Err.Kind()
	if !slices.Contains(errorKinds, kind) {
		kind = apiclient.ErrorKind{Code: apiclient.CodeOther, Class: apiclient.ClassServer}
	}
	m.errorCounter(a.Export, kind).Inc()
	_ = logger.Log("msg", "API call failed", "err", a.Err)
}

func (m *APIMetrics) errorCounter(export apiclient.Export, code apiclient.ErrorKind) prometheus.Counter {
	return m.errors.WithLabelValues(m.account, string(export), code.Code, string(code.Class))
}

// WalkRestarted counts a walk that was not proven complete, and logs the reason.
func (m *APIMetrics) WalkRestarted(export apiclient.Export, reason string) {
	m.restarts.WithLabelValues(m.account, string(export)).Inc()
	_ = level.Info(m.logger).Log("msg", "List not proven complete", "export", export, "reason", reason)
}
