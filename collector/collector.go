// Package collector keeps snapshots of the lists of export tasks and exposes what
// they say as Prometheus metrics. Refresh reads the lists that are due; Collect
// only reads memory.
package collector

import (
	"context"
	"slices"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"alicdn_export_exporter/apiclient"
)

// Client reads one account's lists; *apiclient.Client is one.
type Client interface {
	// List reads a whole list, or fails. previous are the ids of the last listing.
	List(ctx context.Context, export apiclient.Export, previous []string) (*apiclient.Listing, error)
	// RateLimit is the number of calls a second allowed just now.
	RateLimit() float64
	// ClockSkew is our clock minus the API's; false where it is not known.
	ClockSkew() (time.Duration, bool)
}

// Account is one set of credentials and what to watch with it.
type Account struct {
	Name    string
	Client  Client
	Exports []apiclient.Export
	// TimeZone is where the account's months, weeks and days begin; UTC when nil.
	TimeZone     *time.Location
	Expectations []Expectation
}

// Config says how snapshots are kept.
type Config struct {
	// TTL is the least time between the end of a refresh and the next one.
	TTL time.Duration
	// MaxStale is the age of a snapshot past which its tasks are not shown any more.
	MaxStale time.Duration
	// RefreshTimeout bounds one refresh.
	RefreshTimeout time.Duration
	// TaskInfo is the number of the newest tasks that are shown one by one.
	TaskInfo int
	Logger   log.Logger
}

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
		if account.TimeZone == nil {
			account.TimeZone = time.UTC
		}
		w := watched{Account: account}
		for _, export := range account.Exports {
			w.refreshers = append(w.refreshers, &refresher{
				lister:  account.Client,
				export:  export,
				expect:  account.expectations(export),
				newest:  config.TaskInfo,
				ttl:     config.TTL,
				timeout: config.RefreshTimeout,
				logger:  log.With(config.Logger, "account", account.Name, "export", export),
			})
		}
		c.accounts = append(c.accounts, w)
	}
	return c
}

// expectations are those of one export.
func (a Account) expectations(export apiclient.Export) []Expectation {
	return slices.DeleteFunc(slices.Clone(a.Expectations), func(e Expectation) bool { return e.Export != export })
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
			if state.snapshot != nil && state.snapshot.age(now) <= c.maxStale {
				collectTasks(ch, state.snapshot, now, labels)
				collectCoverage(ch, r, state.snapshot, now.In(account.TimeZone), labels)
				collectTaskInfo(ch, state.snapshot.Newest, labels)
			}
		}
	}
}
