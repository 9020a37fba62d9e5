package coverage

import (
	"time"

	"alicdn_export_exporter/apiclient"
)

// Expectation is an export that should exist for every calendar month, week or day
// of an account's time zone.
type Expectation struct {
	// Name is the value of the label expectation. No other expectation of the account may
	// have it.
	Name string `yaml:"name"`
	// Export is the list that must have the export. It must be one of the account's exports.
	Export apiclient.Export `yaml:"export"`
	// TaskName is a regular expression in Go's syntax for the whole name of the tasks that
	// count. Without it, all tasks count.
	TaskName Pattern `yaml:"task_name"`
	// Every is the period that each export covers. Weeks begin on Monday.
	Every Interval `yaml:"every"`
	// Grace is the time after a period's end within which the export may be made, at most
	// 45d.
	Grace Duration `yaml:"grace"`
	// Since is the first day whose usage is expected. Without it, all usage is expected.
	Since Date `yaml:"since"`
}

// Needed is the export that an expectation needs next.
type Needed struct {
	Period
	// Missing tells whether the period has ended and is not covered.
	Missing bool
	// TooEarly tells whether it is missing only because its export was made before the
	// usage was complete.
	TooEarly bool
	// Due is when the export is due.
	Due time.Time
}

// Next returns the oldest period that has ended and is not covered by the matching
// successful tasks, as far as it is judged. If there is none, Next returns the current
// period, or the first one that Since does not exclude. now is in the account's time
// zone.
func (e Expectation) Next(exported Exported, rules Rules, now time.Time) Needed {
	if since := e.Since.In(now.Location()); since.After(rules.Since) {
		rules.Since = since
	}
	current := e.Every.Period(now, 0)
	judged := Period{rules.judgedFrom(now), current.Start}
	next := Needed{Period: current}
	if gap, missing := exported.Covered.firstGap(judged); missing {
		next.Period = e.Every.Period(gap.Time().In(now.Location()), 0)
		next.Missing, next.TooEarly = true, exported.TooEarly(next.from(judged.Start))
	} else if rules.Since.After(now) {
		next.Period = e.Every.Period(rules.Since.In(now.Location()), 0)
	}
	next.Due = next.End.Time().Add(max(time.Duration(e.Grace), rules.UsageDelay)).In(now.Location())
	return next
}
