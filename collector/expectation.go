package collector

import (
	"regexp"
	"time"

	"alicdn_export_exporter/apiclient"
)

// expectedFor is how long after its end a period's export is expected to be
// listed: tasks leave the list three calendar months after their creation, which
// is 89 days at the least.
const expectedFor = 88 * 24 * time.Hour

// Expectation is an export that should exist for every month, week or day.
type Expectation struct {
	// Name is the value of the label expectation.
	Name   string
	Export apiclient.Export
	// TaskName is anchored at both ends; the tasks whose names match count. nil
	// matches all.
	TaskName *regexp.Regexp
	Every    Every
	// Grace is the time after a period's end within which the export may be made.
	Grace time.Duration
	// Since leaves out the periods that were over when it began; zero for none.
	Since time.Time
}

// Missing returns the oldest period whose export is missing, whether it is due
// already or not; false where none is.
func (e Expectation) Missing(covered Union, now time.Time, zone *time.Location) (Period, bool) {
	var missing Period
	found := false
	for ago := 1; ; ago++ {
		p := e.Every.Span(now, zone, ago)
		end := p.End.Time()
		if !end.After(now.Add(-expectedFor)) || !end.After(e.Since) {
			return missing, found
		}
		if !covered.Covers(p) {
			missing, found = p, true
		}
	}
}

// Due is when the oldest export that is missing was due, or is; where none is
// missing, when the next one will be. Due before now is overdue.
func (e Expectation) Due(covered Union, now time.Time, zone *time.Location) time.Time {
	p, missing := e.Missing(covered, now, zone)
	if !missing {
		next := now
		if e.Since.After(now) {
			next = e.Since
		}
		p = e.Every.Span(next, zone, 0)
	}
	return p.End.Time().Add(e.Grace)
}
