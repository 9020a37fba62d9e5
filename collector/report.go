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
	// UsageDelay is the account's setting: the time after which usage is complete.
	UsageDelay coverage.Duration
	// CoveredUntil is the end of the latest period that a successful task covers. It is
	// the zero time if there is none, and for usage_detail, whose list does not say
	// whose usage a task covers.
	CoveredUntil time.Time
	// Months are the last two complete calendar months that are judged, the older one
	// first. There are none for usage_detail.
	Months []coverage.MonthCoverage
	// LastMonthIncomplete tells whether part of the last month is not covered.
	LastMonthIncomplete bool
	// Expectations are those of the export, in the order of the configuration.
	Expectations []ExpectationReport
	// Overdue is the number of overdue Expectations.
	Overdue int
	// NewestTasks are the newest tasks, at most ReportedTasks, the newest first.
	NewestTasks []apiclient.Task
}

// ExpectationReport says whether an expected export exists.
type ExpectationReport struct {
	Name string
	// TaskName matches the names of the tasks that count.
	TaskName coverage.Pattern
	// Unmatched tells whether TaskName is set and no listed task, whatever its status, has
	// a matching name.
	Unmatched bool
	// Start and End bound the oldest period whose export is missing, or the period of
	// the next export if none is missing. Start is part of it, End is not.
	Start, End time.Time
	Missing    bool
	// TooEarly tells whether it is missing only because its export was made before the
	// usage was complete.
	TooEarly bool
	// Due is when the export of that period is due; Overdue reports whether Due is before now.
	Due     time.Time
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
		NewestTasks: s.newestTasks(ReportedTasks),
	}
	if !s.summary.NewestSuccess.IsZero() {
		r.NewestSuccessAge = max(0, now.Sub(s.summary.NewestSuccess))
	}
	r.addUnreplaced(s.unreplaced, now)
	for _, e := range s.expectations {
		expected := newExpectationReport(e, s.rules, now)
		if expected.Overdue {
			r.Overdue++
		}
		r.Expectations = append(r.Expectations, expected)
	}
	if s.export != apiclient.Usage {
		return r
	}
	if until := s.Exported.Covered.Until(); !until.IsZero() {
		r.CoveredUntil = until.In(s.TimeZone)
	}
	r.Months = coverage.Months(s.Exported, s.rules, now)
	for _, month := range r.Months {
		if month.Ago == 1 {
			r.LastMonthIncomplete = month.Ratio < 1
		}
	}
	return r
}

func (r *Report) addUnreplaced(unreplaced []coverage.Unreplaced, now time.Time) {
	var oldest apiclient.Timestamp
	for _, task := range unreplaced {
		switch {
		case !task.Counts(now):
		case task.Status == apiclient.Failed:
			r.UnrecoveredFailures++
		case task.Created != 0 && (oldest == 0 || task.Created < oldest):
			oldest = task.Created
		}
	}
	if oldest != 0 {
		r.OldestPending = oldest.Time().In(now.Location())
	}
}

func newExpectationReport(e exportedExpectation, rules coverage.Rules, now time.Time) ExpectationReport {
	next := e.Next(e.exported, rules, now)
	return ExpectationReport{
		Name:      e.Name,
		TaskName:  e.TaskName,
		Unmatched: e.unmatched,
		Start:     next.Start.Time().In(now.Location()),
		End:       next.End.Time().In(now.Location()),
		Missing:   next.Missing,
		TooEarly:  next.TooEarly,
		Due:       next.Due,
		Overdue:   next.Due.Before(now),
	}
}
