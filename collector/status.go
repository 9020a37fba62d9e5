package collector

import (
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/coverage"
)

// What a Status holds at most of each.
const (
	shownTasks     = 10
	shownRefreshes = 10
	shownMonths    = 3
)

// Status is what is known of one export of an account, for people: what the metrics
// say, with the names and reasons that do not belong into labels.
type Status struct {
	Account  string
	Export   apiclient.Export
	TimeZone *time.Location
	// Up tells whether the last refresh succeeded.
	Up bool
	// Refreshes are the last ones, the newest first; empty before the first has ended.
	Refreshes []Refreshed
	// Refreshing tells whether a refresh is in flight or waits for its turn.
	Refreshing bool
	// Began is when the reading of the last good listing began; zero without one.
	Began time.Time
	// Facts are what that listing says; nil without one, and where it is too old to be shown.
	Facts *Facts
}

// Refreshed is a refresh that has ended.
type Refreshed struct {
	Ended    time.Time
	Duration time.Duration
	// Tasks is the length of the list that was read.
	Tasks int
	// Err is why it failed, without secrets; nil where it succeeded.
	Err error
}

// Facts are what a listing says at a moment.
type Facts struct {
	Summary     coverage.Summary
	Unlisted    int
	Unrecovered int
	// Months are the last complete calendar months, the latest first; empty for
	// exports whose list does not say what they cover.
	Months []MonthCovered
	// Expected are the expectations, in the order of the configuration.
	Expected []Expected
	// Newest are the newest tasks.
	Newest []apiclient.Task
}

// MonthCovered is the share of a calendar month that successes cover.
type MonthCovered struct {
	Begin time.Time
	Ratio float64
}

// Expected is an expectation and when its oldest missing export was due, or else
// its next one will be.
type Expected struct {
	Name string
	Due  time.Time
}

// Statuses are those of all exports of all accounts, in the order of the
// configuration. It calls no API.
func (c *Collector) Statuses(now time.Time) []Status {
	var statuses []Status
	for _, account := range c.watching() {
		for _, r := range account.refreshers {
			r.mu.Lock()
			state, refreshing := r.state, r.running != nil
			r.mu.Unlock()
			status := Status{
				Account: account.Name, Export: r.export, TimeZone: account.TimeZone,
				Up: state.succeeded, Refreshes: state.last, Refreshing: refreshing,
			}
			if state.snapshot != nil {
				status.Began = state.snapshot.Began
				if state.snapshot.age(now) <= c.config.MaxStale {
					status.Facts = r.facts(state.snapshot, now.In(account.TimeZone))
				}
			}
			statuses = append(statuses, status)
		}
	}
	return statuses
}

// facts are what a snapshot says now, a moment in the account's time zone.
func (r *refresher) facts(snapshot *Snapshot, now time.Time) *Facts {
	f := &Facts{
		Summary: snapshot.Summary, Unlisted: snapshot.Unlisted, Unrecovered: snapshot.Unrecovered,
		Newest: snapshot.newest(shownTasks),
	}
	for i, expectation := range r.expect {
		next, _ := expectation.Next(snapshot.Expected[i], now)
		f.Expected = append(f.Expected, Expected{expectation.Name, expectation.Due(next)})
	}
	if r.export == apiclient.Usage {
		for ago := 1; ago <= shownMonths; ago++ {
			month := coverage.Month.Period(now, ago)
			f.Months = append(f.Months, MonthCovered{month.Start.Time().In(now.Location()), snapshot.Covered.Ratio(month)})
		}
	}
	return f
}

// newest are the n newest tasks, or as many as there are.
func (s *Snapshot) newest(n int) []apiclient.Task { return s.Newest[:min(n, len(s.Newest))] }

// withNewest returns the refreshes with a new one before them. The old ones are not
// touched: a Status may hold them.
func withNewest(last []Refreshed, newest Refreshed) []Refreshed {
	return append([]Refreshed{newest}, last[:min(len(last), shownRefreshes-1)]...)
}
