package collector

import (
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/coverage"
)

const (
	// ReportedTasks is the greatest number of tasks in a Report.
	ReportedTasks = 10
	// reportedMonths is the number of complete calendar months in a Report.
	reportedMonths = 2
)

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
	// UnrecoveredFailures is the number of failed tasks that no success has replaced.
	UnrecoveredFailures int
	// CoveredUntil is the end of the latest period that a successful task covers. It is
	// the zero time if there is none, and for usage_detail, whose list does not say
	// whose usage a task covers.
	CoveredUntil time.Time
	// Months are the last two complete calendar months, the older one first. There are
	// none for usage_detail.
	Months []MonthCoverage
	// LastMonthIncomplete tells whether part of the last month is not covered.
	LastMonthIncomplete bool
	// Expectations are those of the export, in the order of the configuration.
	Expectations []ExpectationReport
	// Overdue is the number of Expectations that are.
	Overdue int
	// NewestTasks are the newest tasks, at most ReportedTasks, the newest first.
	NewestTasks []apiclient.Task
}

// MonthCoverage says how much of a calendar month successful tasks cover.
type MonthCoverage struct {
	// Ago is 1 for the last complete month and 2 for the one before it.
	Ago int
	// Start is part of the month, End is the start of the next one.
	Start, End time.Time
	// Ratio is the covered share of the month, from 0 to 1.
	Ratio float64
}

// ExpectationReport says whether an expected export exists.
type ExpectationReport struct {
	Name string
	// TaskName matches the names of the tasks that count.
	TaskName coverage.Pattern
	// Start and End bound the oldest period whose export is missing, or the period of
	// the next export if none is missing. Start is part of it, End is not.
	Start, End time.Time
	Missing    bool
	// Due is when the export of that period is due; Overdue tells whether it was.
	Due     time.Time
	Overdue bool
}

// NewReport derives everything that a snapshot says at a moment.
func NewReport(s *Snapshot, now time.Time) *Report {
	now = now.In(s.TimeZone)
	r := &Report{
		Summary:             s.summary,
		Unlisted:            s.unlisted,
		UnrecoveredFailures: s.unrecovered,
		NewestTasks:         s.newestTasks(ReportedTasks),
	}
	if !s.summary.NewestSuccess.IsZero() {
		r.NewestSuccessAge = max(0, now.Sub(s.summary.NewestSuccess))
	}
	for _, e := range s.expectations {
		expected := newExpectationReport(e, now)
		if expected.Overdue {
			r.Overdue++
		}
		r.Expectations = append(r.Expectations, expected)
	}
	if s.export != apiclient.Usage {
		return r
	}
	if until := s.Covered.Until(); !until.IsZero() {
		r.CoveredUntil = until.In(s.TimeZone)
	}
	for ago := reportedMonths; ago >= 1; ago-- {
		month := coverage.Month.Period(now, ago)
		r.Months = append(r.Months, MonthCoverage{
			Ago:   ago,
			Start: month.Start.Time().In(s.TimeZone),
			End:   month.End.Time().In(s.TimeZone),
			Ratio: s.Covered.Ratio(month),
		})
	}
	r.LastMonthIncomplete = r.Months[reportedMonths-1].Ratio < 1
	return r
}

func newExpectationReport(e coveredExpectation, now time.Time) ExpectationReport {
	next, missing := e.Next(e.covered, now)
	due := e.Due(next).In(now.Location())
	return ExpectationReport{
		Name:     e.Name,
		TaskName: e.TaskName,
		Start:    next.Start.Time().In(now.Location()),
		End:      next.End.Time().In(now.Location()),
		Missing:  missing,
		Due:      due,
		Overdue:  due.Before(now),
	}
}
