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

// Needed is an export that an expectation needs.
type Needed struct {
	Period
	// TooEarly tells whether the export is missing only because it was made before the
	// usage was complete.
	TooEarly bool
	// Due is when the export is due.
	Due time.Time
}

// Next returns the export of the current period, or of the first one that Since does not
// exclude. now is in the account's time zone.
func (e Expectation) Next(rules Rules, now time.Time) Needed {
	if since := e.since(rules, now); since.After(now) {
		now = since.In(now.Location())
	}
	return e.needed(e.Every.Period(now, 0), rules, now)
}

// Missing returns the missing exports, the oldest first. These are the exports of the periods
// that have ended and whose judged part is not covered. exported is the usage in the files of
// the matching tasks. now is in the account's time zone.
func (e Expectation) Missing(exported Exported, rules Rules, now time.Time) []Needed {
	rules.Since = e.since(rules, now)
	judged := Period{rules.judgedFrom(now), e.Every.Period(now, 0).Start}
	var all []Needed
	for {
		gap, missing := exported.Covered.firstGap(judged)
		if !missing {
			return all
		}
		needed := e.needed(e.Every.Period(gap.Time().In(now.Location()), 0), rules, now)
		needed.TooEarly = exported.TooEarly(needed.from(judged.Start))
		all = append(all, needed)
		judged.Start = needed.End
	}
}

// since returns the first moment of usage that is judged, without regard to the horizon.
func (e Expectation) since(rules Rules, now time.Time) time.Time {
	if since := e.Since.In(now.Location()); since.After(rules.Since) {
		return since
	}
	return rules.Since
}

func (e Expectation) needed(period Period, rules Rules, now time.Time) Needed {
	due := period.End.Time().Add(max(time.Duration(e.Grace), rules.UsageDelay))
	return Needed{Period: period, Due: due.In(now.Location())}
}
