package coverage

import (
	"fmt"
	"time"

	"alicdn_export_exporter/apiclient"
)

// Interval is how often an export is expected: for every calendar month, week or
// day. The zero Interval is not valid.
type Interval string

// The intervals. Weeks begin on Monday.
const (
	Month Interval = "month"
	Week  Interval = "week"
	Day   Interval = "day"
)

// UnmarshalText accepts the name of an interval.
func (i *Interval) UnmarshalText(text []byte) error {
	switch interval := Interval(text); interval {
	case Month, Week, Day:
		*i = interval
		return nil
	default:
		return fmt.Errorf("must be one of month, week, day (got %q)", text)
	}
}

// Period returns the calendar month, week or day that lies ago intervals before the one that
// contains now; with ago 0 it contains now. It begins and ends at midnight in now's time zone,
// even on days that are not 24 hours long.
func (i Interval) Period(now time.Time, ago int) Period {
	zone := now.Location()
	year, month, day := now.Date()
	var start, end time.Time
	switch i {
	case Month:
		month -= time.Month(ago)
		start, end = midnight(year, month, 1, zone), midnight(year, month+1, 1, zone)
	case Week:
		sinceMonday := (int(now.Weekday()) + 6) % 7
		day -= sinceMonday + 7*ago
		start, end = midnight(year, month, day, zone), midnight(year, month, day+7, zone)
	default:
		day -= ago
		start, end = midnight(year, month, day, zone), midnight(year, month, day+1, zone)
	}
	return Period{apiclient.Timestamp(start.Unix()), apiclient.Timestamp(end.Unix())}
}

// midnight returns the first moment of a day. Where clocks change at midnight, 00:00
// occurs twice or not at all, and time.Date does not say which moment it returns.
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
