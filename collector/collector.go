// Package collector keeps snapshots of the lists of export tasks and exposes what
// they say as Prometheus metrics. Refresh reads the lists that are due; Collect
// only reads memory.
package collector

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/coverage"
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
	// API counts what the Client does; nil where nobody counts.
	API *APIMetrics
	// TimeZone is where the account's months, weeks and days begin; UTC when nil.
	TimeZone     *time.Location
	Expectations []coverage.Expectation
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
	config Config
	queue  queue

	mu       sync.Mutex
	accounts []*watched
}

// watched is an account with a refresher for each of its exports.
type watched struct {
	Account
	refreshers []*refresher
	// lifetime ends when the account is not watched any more.
	lifetime context.Context
	end      context.CancelFunc
}

// identity is what makes an account the same one when accounts are replaced.
type identity struct {
	name   string
	client Client
}

// New returns a Collector of accounts without snapshots. It reads nothing before
// Refresh.
func New(config Config, accounts ...Account) *Collector {
	c := &Collector{config: config, queue: newQueue()}
	c.Watch(accounts...)
	return c
}

// Watch replaces the accounts that are watched. One that is watched already, under
// the same Name and with the same Client, stays as it is, with all that is known of it. Watch returns when
// nothing reads the lists of the others any more.
func (c *Collector) Watch(accounts ...Account) {
	c.mu.Lock()
	before := c.accounts
	now := make([]*watched, 0, len(accounts))
	stays := make(map[*watched]bool)
	known := make(map[identity]*watched, len(before))
	for _, w := range before {
		known[identity{w.Name, w.Client}] = w
	}
	for _, account := range accounts {
		w := known[identity{account.Name, account.Client}]
		if w == nil {
			w = c.watch(account)
		}
		stays[w] = true
		now = append(now, w)
	}
	c.accounts = now
	c.mu.Unlock()

	gone := slices.DeleteFunc(slices.Clone(before), func(w *watched) bool { return stays[w] })
	for _, w := range gone {
		w.end()
	}
	for _, w := range gone {
		for _, r := range w.refreshers {
			r.wait()
		}
	}
}

func (c *Collector) watch(account Account) *watched {
	if account.TimeZone == nil {
		account.TimeZone = time.UTC
	}
	w := &watched{Account: account}
	// A refresh must outlive the scrape that began it; Watch and Close end it.
	w.lifetime, w.end = context.WithCancel(context.Background())
	for _, export := range account.Exports {
		w.refreshers = append(w.refreshers, &refresher{
			lister:  account.Client,
			export:  export,
			expect:  account.expectations(export),
			newest:  max(c.config.TaskInfo, shownTasks),
			ttl:     c.config.TTL,
			timeout: c.config.RefreshTimeout,
			queue:   c.queue,
			logger:  log.With(c.config.Logger, "account", account.Name, "export", export),
		})
	}
	return w
}

// watching are the accounts that are watched just now.
func (c *Collector) watching() []*watched {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.accounts
}

// expectations are those of one export.
func (a Account) expectations(export apiclient.Export) []coverage.Expectation {
	return slices.DeleteFunc(slices.Clone(a.Expectations), func(e coverage.Expectation) bool { return e.Export != export })
}

// Close calls off the refreshes in flight and waits for their end. Nothing is
// watched after it.
func (c *Collector) Close() { c.Watch() }

// Refresh brings every snapshot up to date that is due, and returns when that is
// done or when the context ends; what is not done by then goes on.
func (c *Collector) Refresh(ctx context.Context) {
	var inFlight []<-chan struct{}
	for _, account := range c.watching() {
		for _, r := range account.refreshers {
			if done := r.start(account.lifetime); done != nil {
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
	NewAPIMetrics("", nil, log.NewNopLogger()).Describe(ch)
}

// Collect sends the metrics of the snapshots there are. It calls no API.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	now := time.Now()
	// In the registry's own order there is nothing left for it to sort.
	inOrder := slices.SortedFunc(slices.Values(c.watching()), func(a, b *watched) int { return strings.Compare(a.Name, b.Name) })
	for _, account := range inOrder {
		if account.API != nil {
			account.API.Collect(ch)
		}
		ch <- rateLimit.metric(account.Client.RateLimit(), account.Name)
		if skew, known := account.Client.ClockSkew(); known {
			ch <- clockSkew.metric(skew.Seconds(), account.Name)
		}
		for _, r := range account.refreshers {
			labels := []string{account.Name, string(r.export)}
			state := r.current()
			collectHealth(ch, state, labels)
			if state.snapshot != nil && state.snapshot.age(now) <= c.config.MaxStale {
				collectTasks(ch, state.snapshot, now, labels)
				collectCoverage(ch, r, state.snapshot, now.In(account.TimeZone), labels)
				collectTaskInfo(ch, state.snapshot.newest(c.config.TaskInfo), labels)
			}
		}
	}
}
