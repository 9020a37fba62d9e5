package collector

import (
	"time"

	"alicdn_export_exporter/apiclient"
)

// Every is how often an export is expected: for each calendar month, week or day.
type Every string

// The calendar's spans. Weeks begin on Monday.
const (
	Month Every = "month"
	Week  Every = "week"
	Day   Every = "day"
)

// Span returns the calendar's span in which a moment lies, or the one so many
// spans earlier. Its bounds are midnights in the time zone, however long the days
// between them are.
func (e Every) Span(now time.Time, zone *time.Location, ago int) Period {
	year, month, day := now.In(zone).Date()
	var first, next time.Time
	switch e {
	case Month:
		first, next = midnight(year, month-time.Month(ago), 1, zone), midnight(year, month-time.Month(ago)+1, 1, zone)
	case Week:
		sinceMonday := (int(now.In(zone).Weekday()) + 6) % 7
		day -= sinceMonday + 7*ago
		first, next = midnight(year, month, day, zone), midnight(year, month, day+7, zone)
	default:
		first, next = midnight(year, month, day-ago, zone), midnight(year, month, day-ago+1, zone)
	}
	return Period{apiclient.Timestamp(first.Unix()), apiclient.Timestamp(next.Unix())}
}

// midnight is the first moment of a day. Where clocks change at midnight, 00:00
// comes twice or not at all, and time.Date promises neither.
func midnight(year int, month time.Month, day int, zone *time.Location) time.Time {
	noon := time.Date(year, month, day, 12, 0, 0, 0, zone)
	t := time.Date(year, month, day, 0, 0, 0, 0, zone)
	if t.Day() == noon.Day() && t.Add(-time.Second).Day() != noon.Day() {
		return t
	}
	for t = t.Add(-2 * time.Hour); t.Day() != noon.Day(); {
		t = t.Add(15 * time.Minute)
	}
	return t
}
