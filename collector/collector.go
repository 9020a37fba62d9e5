// Package collector keeps a snapshot of each list of export tasks and exposes the snapshots as
// Prometheus metrics. Refresh reads the lists that are due. Collect makes no API call.
package collector

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/coverage"
)

// Client reads one account's lists. *apiclient.Client implements it.
type Client interface {
	// Read reads a complete list. Its error is an *apiclient.UnconfirmedError if the caller
	// must confirm what was read. previous are the sorted ids of the last listing.
	Read(ctx context.Context, export apiclient.Export, previous []string) (*apiclient.Listing, error)
	// RateLimit returns the number of calls per second that are currently allowed.
	RateLimit() float64
	// ClockSkew returns this machine's clock minus the API's. ok is false if the skew is
	// unknown.
	ClockSkew() (skew time.Duration, ok bool)
}

// Account is one set of credentials and the exports to read with it.
type Account struct {
	Name    string
	Client  Client
	Exports []apiclient.Export
	// API observes Client. It may be nil.
	API *APIMetrics
	// TimeZone is the time zone of the account's months, weeks and days; nil means UTC.
	TimeZone *time.Location
	// UsageDelay is the time after which the account's usage is complete.
	UsageDelay time.Duration
	// Since is the first day whose usage is judged. The zero Date excludes none.
	Since        coverage.Date
	Limits       coverage.Limits
	Expectations []coverage.Expectation
}

func (a Account) rules() coverage.Rules {
	return coverage.Rules{UsageDelay: a.UsageDelay, Since: a.Since.In(a.zone())}
}

func (a Account) zone() *time.Location {
	if a.TimeZone == nil {
		return time.UTC
	}
	return a.TimeZone
}

// Config holds the settings that all accounts share.
type Config struct {
	// TTL is the minimum time from the beginning of a refresh to the next one.
	TTL time.Duration
	// MaxStale is the age beyond which a snapshot's tasks are no longer exposed.
	MaxStale time.Duration
	// RefreshTimeout is the maximum time that a refresh spends reading.
	RefreshTimeout time.Duration
	// TaskInfo is how many of the newest tasks are exposed as task_info.
	TaskInfo int
	Logger   log.Logger
}

// Collector exposes the snapshots of accounts. It is safe for concurrent use.
type Collector struct {
	config Config
	slots  refreshSlots

	mu       sync.Mutex
	accounts []*accountState
}

// accountState is an account with a refresher for each of its exports.
type accountState struct {
	Account
	refreshers []*refresher
	// lifetime ends when the account is removed.
	lifetime context.Context
	remove   context.CancelFunc
}

// accountKey identifies an account. SetAccounts keeps an account whose key is unchanged.
type accountKey struct {
	name   string
	client Client
}

// New returns a Collector without accounts.
func New(config Config) *Collector { return &Collector{config: config, slots: newRefreshSlots()} }

// SetAccounts replaces the accounts. An existing account with the same Name and Client is kept
// with its snapshots. SetAccounts returns when the refreshes of all removed accounts have
// ended.
func (c *Collector) SetAccounts(accounts []Account) {
	c.mu.Lock()
	removed := make(map[accountKey]*accountState, len(c.accounts))
	for _, account := range c.accounts {
		removed[accountKey{account.Name, account.Client}] = account
	}
	next := make([]*accountState, 0, len(accounts))
	for _, account := range accounts {
		key := accountKey{account.Name, account.Client}
		kept, ok := removed[key]
		if !ok {
			kept = c.newAccountState(account)
		}
		delete(removed, key)
		next = append(next, kept)
	}
	c.accounts = next
	c.mu.Unlock()

	for _, account := range removed {
		account.remove()
	}
	for _, account := range removed {
		for _, r := range account.refreshers {
			r.wait()
		}
	}
}

func (c *Collector) newAccountState(account Account) *accountState {
	a := &accountState{Account: account}
	// A refresh must outlive the scrape that started it. SetAccounts and Close end it.
	a.lifetime, a.remove = context.WithCancel(context.Background())
	for _, export := range account.Exports {
		a.refreshers = append(a.refreshers, &refresher{
			account: account,
			export:  export,
			newest:  max(c.config.TaskInfo, ReportedTasks),
			ttl:     c.config.TTL,
			timeout: c.config.RefreshTimeout,
			slots:   c.slots,
			logger:  log.With(c.config.Logger, "account", account.Name, "export", export),
		})
	}
	return a
}

// accountStates returns the current accounts. The caller must not change the slice.
func (c *Collector) accountStates() []*accountState {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.accounts
}

// Close removes all accounts. It cancels running refreshes and waits for them to end.
func (c *Collector) Close() { c.SetAccounts(nil) }

// Refresh starts the refreshes that are due. It returns when no refresh is running, or
// when ctx is done; running refreshes then continue.
func (c *Collector) Refresh(ctx context.Context) {
	var running []<-chan struct{}
	for _, account := range c.accountStates() {
		for _, r := range account.refreshers {
			if done := r.start(account.lifetime); done != nil {
				running = append(running, done)
			}
		}
	}
	for _, done := range running {
		select {
		case <-done:
		case <-ctx.Done():
			return
		}
	}
}

// report returns the Report of a snapshot. It returns nil if there is no snapshot, or if it is
// older than MaxStale.
func (c *Collector) report(snapshot *Snapshot, now time.Time) *Report {
	if snapshot == nil || snapshot.age(now) > c.config.MaxStale {
		return nil
	}
	return NewReport(snapshot, now)
}

// ReadNew starts to read the lists that have never been read. It does not wait for them. A
// missing key or permission is then logged before the first scrape.
func (c *Collector) ReadNew() {
	for _, account := range c.accountStates() {
		for _, r := range account.refreshers {
			if r.current().refreshes == 0 {
				r.start(account.lifetime)
			}
		}
	}
}

// Describe sends the descriptions of all metrics, including those of APIMetrics.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range descs {
		ch <- d.desc
	}
	for _, desc := range apiDescs {
		ch <- desc
	}
}

// Collect sends the metrics of all accounts. It makes no API call.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	now := time.Now()
	// Sorting by name saves the registry some of its own sorting.
	byName := func(a, b *accountState) int { return cmp.Compare(a.Name, b.Name) }
	for _, account := range slices.SortedFunc(slices.Values(c.accountStates()), byName) {
		if account.API != nil {
			account.API.Collect(ch)
		}
		ch <- rateLimit.metric(account.Client.RateLimit(), account.Name)
		if skew, ok := account.Client.ClockSkew(); ok {
			ch <- clockSkew.metric(skew.Seconds(), account.Name)
		}
		for _, r := range account.refreshers {
			labels := []string{account.Name, string(r.export)}
			state := r.current()
			collectHealth(ch, state, labels)
			collectLimits(ch, account.Account, r.export, labels)
			if report := c.report(state.snapshot, now); report != nil {
				collectReport(ch, report, labels)
				collectTaskInfo(ch, state.snapshot.newestTasks(c.config.TaskInfo), labels)
			}
		}
	}
}
