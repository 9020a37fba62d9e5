package collector

import (
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/coverage"
)

// ReportedTasks is the maximum number of tasks in Report.NewestTasks.
const ReportedTasks = 10

// Report holds everything that follows from a snapshot at a given time. NewReport is the only
// place where these facts are derived; the metrics, the status page and the check command
// render them. All times are in the account's time zone.
type Report struct {
	// Summary counts the tasks and names the newest ones.
	Summary coverage.Summary
	// NewestSuccessAge is the time since Summary.NewestSuccess. It is at least 0, even if this
	// machine's clock is behind the API's.
	NewestSuccessAge time.Duration
	// Unlisted is the number of tasks that the API counts but does not list.
	Unlisted int
	// Malformed is the number of tasks with a malformed time, which is ignored.
	Malformed int
	// UnrecoveredFailures is the number of failed tasks that no success has replaced.
	UnrecoveredFailures int
	// OldestPending is the creation time of the oldest pending task that no success has
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
	// Expectations are the export's expectations, in the order of the configuration.
	Expectations []ExpectationReport
	// NewestTasks are the newest tasks, at most ReportedTasks, the newest first.
	NewestTasks []apiclient.Task
	// Problems are at most 20 problems of each kind, then the number of the others of that
	// kind.
	Problems []Problem
}

// ExpectationReport says whether the expected exports exist.
type ExpectationReport struct {
	coverage.Expectation
	// Unmatched tells whether TaskName is set and matches no listed task of any status.
	Unmatched bool
	// Missing are the missing exports, the oldest first. Some may not be due yet.
	Missing []coverage.Needed
	// Next is the export of the current period.
	Next coverage.Needed
	// Due is when the oldest missing export is due, or the next export if none is missing.
	Due time.Time
	// Overdue tells whether the oldest missing export was due before now.
	Overdue bool
}

// NewReport derives the Report of a snapshot at the time now.
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

// addUnreplaced sets UnrecoveredFailures and OldestPending. It returns the problems of failed
// and of stuck tasks.
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
