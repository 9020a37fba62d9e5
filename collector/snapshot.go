package collector

import (
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/coverage"
)

// Snapshot is the last good listing of one export of an account. It keeps what a
// Report is derived from, but not the tasks: two long lists would take most of the
// memory while one replaces the other.
type Snapshot struct {
	// Began is when reading of the list began.
	Began time.Time
	// TimeZone is that of the account.
	TimeZone *time.Location
	// Covered is the usage that the successful tasks cover.
	Covered coverage.Union

	export       apiclient.Export
	ids          []string // of all tasks, for the next reading
	unlisted     int
	summary      coverage.Summary
	unrecovered  int
	expectations []coveredExpectation
	newest       []apiclient.Task
}

// coveredExpectation is an expectation and the usage that its tasks cover.
type coveredExpectation struct {
	coverage.Expectation
	covered coverage.Union
}

// NewSnapshot returns the snapshot of a listing of an account's export. It keeps the
// newest tasks, as many as newest says.
func NewSnapshot(account Account, export apiclient.Export, listing *apiclient.Listing, newest int) *Snapshot {
	covered := coverage.CoveredBy(listing.Tasks, coverage.Pattern{})
	s := &Snapshot{
		Began:       listing.Began,
		TimeZone:    account.zone(),
		Covered:     covered,
		export:      export,
		ids:         listing.IDs(),
		unlisted:    max(0, listing.TotalCount-len(listing.Tasks)),
		summary:     coverage.Summarize(listing.Tasks),
		unrecovered: coverage.UnrecoveredFailures(export, listing.Tasks, covered),
		newest:      coverage.NewestTasks(listing.Tasks, newest),
	}
	for _, e := range account.Expectations {
		if e.Export == export {
			covered := coverage.CoveredBy(listing.Tasks, e.TaskName)
			s.expectations = append(s.expectations, coveredExpectation{e, covered})
		}
	}
	return s
}

// age returns how old the snapshot is: the longer of what the two clocks say, since
// the monotonic one may stop while the machine sleeps and the wall clock may be set
// back.
func (s *Snapshot) age(now time.Time) time.Duration {
	return max(now.Sub(s.Began), now.Round(0).Sub(s.Began.Round(0)))
}

// newestTasks returns at most n of the newest tasks, the newest first.
func (s *Snapshot) newestTasks(n int) []apiclient.Task { return s.newest[:min(n, len(s.newest))] }
