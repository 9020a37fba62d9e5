// Package collector keeps snapshots of the lists of export tasks and exposes what
// they say as Prometheus metrics. Refresh reads the lists that are due; Collect
// only reads memory.
package collector

import (
	"context"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"alicdn_export_exporter/apiclient"
)

const namespace = "alicdn_export"

// Client reads one account's lists; *apiclient.Client is one.
type Client interface {
	// List reads a whole list, or fails. previous is the last listing, or nil.
	List(ctx context.Context, export apiclient.Export, previous *apiclient.Listing) (*apiclient.Listing, error)
	// RateLimit is the number of calls a second allowed just now.
	RateLimit() float64
	// ClockSkew is our clock minus the API's; false where it is not known.
	ClockSkew() (time.Duration, bool)
}

// Account is one set of credentials and the exports to watch with it.
type Account struct {
	Name    string
	Client  Client
	Exports []apiclient.Export
}

// Config says how snapshots are kept.
type Config struct {
	// TTL is the least time between the end of a refresh and the next one.
	TTL time.Duration
	// MaxStale is the age of a snapshot from which its tasks are not shown any more.
	MaxStale time.Duration
	// RefreshTimeout bounds one refresh.
	RefreshTimeout time.Duration
	Logger         log.Logger
}

// typedDesc is a metric's description together with its type.
type typedDesc struct {
	desc      *prometheus.Desc
	valueType prometheus.ValueType
}

func (d typedDesc) metric(value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d.desc, d.valueType, value, labels...)
}

func gauge(name, help string, labels ...string) typedDesc {
	return typedDesc{prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil), prometheus.GaugeValue}
}

func counter(name, help string, labels ...string) typedDesc {
	return typedDesc{prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil), prometheus.CounterValue}
}

var (
	tasks = gauge("tasks",
		"Tasks in the list, by status.", "account", "export", "status")
	newestSuccessAge = gauge("newest_success_age_seconds",
		"Time since the newest successful export was completed.", "account", "export")
	newestSuccess = gauge("newest_success_timestamp_seconds",
		"When the newest successful export was completed, in Unix time.", "account", "export")
	newestTaskStatus = gauge("newest_task_status",
		"1 for the status of the newest task, 0 for the others.", "account", "export", "status")
	newestFailure = gauge("newest_failure_timestamp_seconds",
		"When the newest failed export ended, in Unix time.", "account", "export")
	oldestPending = gauge("oldest_pending_created_timestamp_seconds",
		"When the oldest export that is still pending was created, in Unix time.", "account", "export")
	up = gauge("up",
		"1 if the last refresh of the list succeeded, 0 if it failed or none has ended yet.", "account", "export")
	snapshotTimestamp = gauge("snapshot_timestamp_seconds",
		"When the reading of the list that is shown began, in Unix time.", "account", "export")
	unlistedTasks = gauge("unlisted_tasks",
		"Tasks that the API counts but does not list.", "account", "export")
	refreshDuration = gauge("refresh_duration_seconds",
		"How long the last refresh of the list took.", "account", "export")
	refreshes = counter("refreshes_total",
		"Refreshes of the list that have ended.", "account", "export")
	refreshFailures = counter("refresh_failures_total",
		"Refreshes of the list that failed.", "account", "export")
	rateLimit = gauge("api_rate_limit_requests_per_second",
		"API calls a second that the exporter allows itself just now; throttling lowers it for a while.", "account")
	clockSkew = gauge("api_clock_skew_seconds",
		"This machine's clock minus the API's, to about a second.", "account")

	descs = []typedDesc{
		tasks, newestSuccessAge, newestSuccess, newestTaskStatus, newestFailure, oldestPending, up, snapshotTimestamp,
		unlistedTasks, refreshDuration, refreshes, refreshFailures, rateLimit, clockSkew,
	}
)

// Collector exposes the snapshots of accounts. It is safe for concurrent use.
type Collector struct {
	accounts []watched
	maxStale time.Duration

	lifetime context.Context
	end      context.CancelFunc
}

// watched is an account with a refresher for each of its exports.
type watched struct {
	Account
	refreshers []*refresher
}

// New returns a Collector without snapshots. It reads nothing before Refresh.
func New(config Config, accounts ...Account) *Collector {
	c := &Collector{maxStale: config.MaxStale}
	// A refresh must outlive the scrape that began it; Close ends it.
	c.lifetime, c.end = context.WithCancel(context.Background())
	for _, account := range accounts {
		w := watched{Account: account}
		for _, export := range account.Exports {
			w.refreshers = append(w.refreshers, &refresher{
				lister:  account.Client,
				export:  export,
				ttl:     config.TTL,
				timeout: config.RefreshTimeout,
				logger:  log.With(config.Logger, "account", account.Name, "export", export),
			})
		}
		c.accounts = append(c.accounts, w)
	}
	return c
}

// Close calls off the refreshes in flight and waits for their end. No refresh
// begins after it.
func (c *Collector) Close() {
	c.end()
	for _, account := range c.accounts {
		for _, r := range account.refreshers {
			r.wait()
		}
	}
}

// Refresh brings every snapshot up to date that is due, and returns when that is
// done or when the context ends; what is not done by then goes on.
func (c *Collector) Refresh(ctx context.Context) {
	var inFlight []<-chan struct{}
	for _, account := range c.accounts {
		for _, r := range account.refreshers {
			if done := r.start(c.lifetime); done != nil {
				inFlight = append(inFlight, done)
			}
		}
	}
	for _, done := range inFlight {
		select {
		case <-done:
		case <-ctx.Done():
			return
		}
	}
}

// Describe sends every description there is.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range descs {
		ch <- d.desc
	}
}

// Collect sends the metrics of the snapshots there are. It calls no API.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	now := time.Now()
	for _, account := range c.accounts {
		ch <- rateLimit.metric(account.Client.RateLimit(), account.Name)
		if skew, known := account.Client.ClockSkew(); known {
			ch <- clockSkew.metric(skew.Seconds(), account.Name)
		}
		for _, r := range account.refreshers {
			labels := []string{account.Name, string(r.export)}
			state := r.current()
			collectHealth(ch, state, labels)
			if state.snapshot != nil && now.Sub(state.snapshot.Listing.Began) <= c.maxStale {
				collectTasks(ch, state.snapshot, now, labels)
			}
		}
	}
}

// collectHealth sends what is true whether the API answers or not.
func collectHealth(ch chan<- prometheus.Metric, s state, labels []string) {
	ch <- up.metric(boolean(s.succeeded), labels...)
	ch <- refreshes.metric(float64(s.refreshes), labels...)
	ch <- refreshFailures.metric(float64(s.failures), labels...)
	if !s.ended.IsZero() {
		ch <- refreshDuration.metric(s.duration.Seconds(), labels...)
	}
	if s.snapshot != nil {
		ch <- snapshotTimestamp.metric(unixSeconds(s.snapshot.Listing.Began), labels...)
	}
}

// collectTasks sends what the listing says.
func collectTasks(ch chan<- prometheus.Metric, snapshot *Snapshot, now time.Time, labels []string) {
	summary := snapshot.Summary
	for _, status := range apiclient.Statuses() {
		withStatus := append(labels[:2:2], status.String())
		ch <- tasks.metric(float64(summary.Tasks[status]), withStatus...)
		if summary.HasTask {
			ch <- newestTaskStatus.metric(boolean(summary.NewestTask == status), withStatus...)
		}
	}
	ch <- unlistedTasks.metric(float64(snapshot.Listing.TotalCount-len(snapshot.Listing.Tasks)), labels...)
	if !summary.NewestSuccess.IsZero() {
		// A clock that is behind the API's must not make an export of the future.
		ch <- newestSuccessAge.metric(max(0, now.Sub(summary.NewestSuccess).Seconds()), labels...)
		ch <- newestSuccess.metric(unixSeconds(summary.NewestSuccess), labels...)
	}
	if !summary.NewestFailure.IsZero() {
		ch <- newestFailure.metric(unixSeconds(summary.NewestFailure), labels...)
	}
	if !summary.OldestPending.IsZero() {
		ch <- oldestPending.metric(unixSeconds(summary.OldestPending), labels...)
	}
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func unixSeconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
