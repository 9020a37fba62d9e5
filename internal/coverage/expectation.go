package coverage

import (
	"time"

	"alicdn_export_exporter/apiclient"
)

// expectedFor is how long after its end a period's export is expected to be listed:
// the API lists a task for three calendar months, which is at least 89 days.
const expectedFor = 88 * 24 * time.Hour

// Expectation is an export that should exist for every calendar month, week or day
// of an account's time zone.
type Expectation struct {
	// Name identifies the expectation in its account.
	Name   string           `yaml:"name"`
	Export apiclient.Export `yaml:"export"`
	// TaskName selects the tasks that count. The zero Pattern selects all.
	TaskName Pattern  `yaml:"task_name"`
	Every    Interval `yaml:"every"`
	// Grace is the time after a period's end within which the export may be made.
	Grace Duration `yaml:"grace"`
	// Since excludes the periods that ended before this date began. The zero Date
	// excludes none.
	Since Date `yaml:"since"`
}

// Next returns the period whose export is needed next, given the usage that matching
// successful tasks cover. That is the oldest period that has ended and is not covered,
// and missing is then true. If there is none, it is the current period, or the first
// one that Since does not exclude. now is in the account's time zone.
func (e Expectation) Next(covered Union, now time.Time) (next Period, missing bool) {
	since := e.Since.In(now.Location())
	for ago := 1; ; ago++ {
		p := e.Every.Period(now, ago)
		end := p.End.Time()
		if !end.After(now.Add(-expectedFor)) || !end.After(since) {
			break
		}
		if !covered.Covers(p) {
			next, missing = p, true
		}
	}
	if missing {
		return next, true
	}
	if since.After(now) {
		now = since
	}
	return e.Every.Period(now, 0), false
}

// Due returns when the export of a period is due.
func (e Expectation) Due(p Period) time.Time { return p.End.Time().Add(time.Duration(e.Grace)) }
