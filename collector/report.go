package collector

import (
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/coverage"
)

// ReportedTasks is the greatest number of tasks in a Report.
const ReportedTasks = 10

// Report is everything that a snapshot says at a moment. NewReport is the only place
// where facts are derived from a snapshot; the metrics, the status page and the check
// command render them. All times are in the account's time zone.
type Report struct {
	// Summary counts the tasks and names the newest ones.
	Summary coverage.Summary
	// NewestSuccessAge is the time since Summary.NewestSuccess, at least 0: this
	// machine's clock may be behind the API's.
	NewestSuccessAge time.Duration
	// Unlisted is the number of tasks that the API counts but does not list.
	Unlisted int
	// Malformed is the number of tasks with a malformed time, which is ignored.
	Malformed int
	// UnrecoveredFailures is the number of failed tasks that no success has replaced.
	UnrecoveredFailures int
	// OldestPending is when the oldest pending task was created that no success has
	// replaced. It is the zero time if there is none.
	OldestPending time.Time
	// UsageDelay and Limits are the account's settings.
	UsageDelay coverage.Duration
	Limits     coverage.Limits
	// CoveredUntil is the end of the latest period that a successful task covers. It is
	// the zero time if there is none, and for usage_detail, whose list does not say
	// whose usage a task covers.
	CoveredUntil time.Time
	// Covered is the usage that successful tasks cover, for MonthCoverage.Days.
	Covered coverage.Union
	// Months are the last two complete calendar months that are judged, the older one
	// first. There are none for usage_detail.
	Months []coverage.MonthCoverage
	// Expectations are those of the export, in the order of the configuration.
	Expectations []ExpectationReport
	// NewestTasks are the newest tasks, at most ReportedTasks, the newest first.
	NewestTasks []apiclient.Task
	// Problems are what is wrong, at most 20 of a kind and then the number of the others.
	Problems []Problem
}

// ExpectationReport says whether the expected exports exist.
type ExpectationReport struct {
	coverage.Expectation
	// Unmatched tells whether TaskName is set and no listed task, whatever its status, has
	// a matching name.
	Unmatched bool
	// Missing are the exports that are missing, the oldest first. They are not all due yet.
	Missing []coverage.Needed
	// Next is the export of the current period.
	Next coverage.Needed
	// Due is when the oldest export that is missing was due, else when the next one is.
	Due time.Time
	// Overdue tells whether an export is missing that was due before now.
	Overdue bool
}

// NewReport derives everything that a snapshot says at a moment.
func NewReport(s *Snapshot, now time.Time) *Report {
	now = now.In(s.TimeZone)
	r := &Report{
		Summary:     s.summary,
		Unlisted:    s.unlisted,
		Malformed:   s.malformed,
		UsageDelay:  coverage.Duration(s.rules.UsageDelay),
		Limits:      s.limits,
		NewestTasks: s.newestTasks(ReportedTasks),
	}
	if !s.summary.NewestSuccess.IsZero() {
		r.NewestSuccessAge = max(0, now.Sub(s.summary.NewestSuccess))
	}
	failed, stuck := r.addUnreplaced(s, now)
	for _, e := range s.expectations {
		r.Expectations = append(r.Expectations, newExpectationReport(e, s.rules, now))
	}
	if s.export == apiclient.Usage {
		r.Covered = s.exported.Covered
		if until := r.Covered.Until(); !until.IsZero() {
			r.CoveredUntil = until.In(s.TimeZone)
		}
		r.Months = coverage.Months(s.exported, s.rules, now)
	}
	r.Problems = r.problems(failed, stuck, s.rules.Since, now)
	return r
}

// addUnreplaced adds what is known of the failed and pending tasks that no success has
// replaced. It returns the problems that they are.
func (r *Report) addUnreplaced(s *Snapshot, now time.Time) (failed, stuck writtenOut) {
	failed, stuck = writtenOut{kind: Failed}, writtenOut{kind: Stuck}
	var oldest apiclient.Timestamp
	for _, task := range s.unreplaced {
		switch {
		case !task.Counts(now):
		case task.Status == apiclient.Failed:
			r.UnrecoveredFailures++
			failed.addTask(task.Task, 0)
		case task.Created != 0:
			if oldest == 0 || task.Created < oldest {
				oldest = task.Created
			}
			age := now.Sub(task.Created.Time())
			if limit := time.Duration(s.limits.PendingAge); limit > 0 && age > limit {
				stuck.addTask(task.Task, age)
			}
		}
	}
	if oldest != 0 {
		r.OldestPending = oldest.Time().In(now.Location())
	}
	return failed, stuck
}

func newExpectationReport(e exportedExpectation, rules coverage.Rules, now time.Time) ExpectationReport {
	r := ExpectationReport{
		Expectation: e.Expectation,
		Unmatched:   e.unmatched,
		Missing:     e.Missing(e.exported, rules, now),
		Next:        e.Next(rules, now),
	}
	r.Due = r.Next.Due
	if len(r.Missing) > 0 {
		r.Due = r.Missing[0].Due
		r.Overdue = r.Due.Before(now)
	}
	return r
}
