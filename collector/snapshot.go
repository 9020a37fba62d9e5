package collector

import (
	"slices"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/coverage"
)

// Snapshot is the last good listing of one export of an account. It keeps what a Report is
// derived from, but not all tasks: while one long list replaces another, the two would take
// most of the memory.
type Snapshot struct {
	// Began is when reading of the list began.
	Began time.Time
	// TimeZone is the account's time zone.
	TimeZone *time.Location

	export       apiclient.Export
	exported     coverage.Exported // by all tasks
	rules        coverage.Rules
	limits       coverage.Limits
	ids          []string // of all tasks, for the next reading
	unlisted     int
	malformed    int
	summary      coverage.Summary
	unreplaced   []coverage.Unreplaced
	expectations []exportedExpectation
	newest       []apiclient.Task
}

// exportedExpectation is an expectation with the usage that its tasks export.
type exportedExpectation struct {
	coverage.Expectation
	exported  coverage.Exported
	unmatched bool // whether TaskName is set and no listed task has a matching name
}

// NewSnapshot returns the snapshot of a listing of an account's export. It keeps at
// most newest tasks.
func NewSnapshot(account Account, export apiclient.Export, listing *apiclient.Listing, newest int) *Snapshot {
	tasks, malformed := coverage.IgnoreMalformed(listing.Tasks, listing.Began)
	rules := account.rules()
	s := &Snapshot{
		Began:      listing.Began,
		TimeZone:   account.zone(),
		exported:   coverage.ExportedBy(tasks, coverage.Pattern{}, rules.UsageDelay),
		export:     export,
		rules:      rules,
		limits:     account.Limits,
		ids:        listing.IDs(),
		unlisted:   max(0, listing.TotalCount-len(tasks)),
		malformed:  malformed,
		summary:    coverage.Summarize(tasks),
		unreplaced: keepTasks(coverage.FindUnreplaced(export, tasks, rules), listing.Began),
		newest:     coverage.NewestTasks(tasks, newest),
	}
	for _, e := range account.Expectations {
		if e.Export == export {
			matches := func(task apiclient.Task) bool { return e.TaskName.Matches(task.Name) }
			s.expectations = append(s.expectations, exportedExpectation{
				Expectation: e,
				exported:    coverage.ExportedBy(tasks, e.TaskName, rules.UsageDelay),
				unmatched:   e.TaskName.String() != "" && !slices.ContainsFunc(tasks, matches),
			})
		}
	}
	return s
}

// keepTasks keeps the first tasks of each status that count, as many as a Report lists. It
// copies them, so that the list can be freed. It sets Task to nil for all others.
func keepTasks(unreplaced []coverage.Unreplaced, now time.Time) []coverage.Unreplaced {
	kept := make(map[apiclient.Status]int)
	for i := range unreplaced {
		u := &unreplaced[i]
		if kept[u.Status] == maxProblems || !u.Counts(now) {
			u.Task = nil
			continue
		}
		kept[u.Status]++
		task := *u.Task
		u.Task = &task
	}
	return unreplaced
}

// logMalformed logs the number of tasks with a malformed time if it has changed since the
// snapshot before, which may be nil.
func (s *Snapshot) logMalformed(logger log.Logger, before *Snapshot) {
	known := 0
	if before != nil {
		known = before.malformed
	}
	if s.malformed != known {
		_ = level.Warn(logger).Log("msg", "The number of tasks with a malformed time has changed; these times are ignored",
			"malformed_tasks", s.malformed, "before", known)
	}
}

// age returns the snapshot's age: the greater of the ages by the monotonic clock and by the
// wall clock. The monotonic clock may stop while the machine sleeps, and the wall clock may be
// set back.
func (s *Snapshot) age(now time.Time) time.Duration {
	return max(now.Sub(s.Began), now.Round(0).Sub(s.Began.Round(0)))
}

// newestTasks returns at most n of the newest tasks, the newest first.
func (s *Snapshot) newestTasks(n int) []apiclient.Task { return s.newest[:min(n, len(s.newest))] }
