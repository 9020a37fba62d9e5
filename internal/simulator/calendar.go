package simulator

import (
	"fmt"
	"time"
)

// zone is the time zone of the account's calendar and bills.
var zone = time.FixedZone("UTC+8", 8*60*60)

// monthOf returns the first second of t's month in UTC+8.
func monthOf(t time.Time) time.Time {
	year, month, _ := t.In(zone).Date()
	return time.Date(year, month, 1, 0, 0, 0, 0, zone)
}

// dayOf returns the first second of t's day in UTC+8.
func dayOf(t time.Time) time.Time {
	year, month, day := t.In(zone).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, zone)
}

// weekOf returns the first second of t's week, a Monday, in UTC+8.
func weekOf(t time.Time) time.Time {
	day := dayOf(t)
	return day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
}

// expiry returns when the API lists a task no longer: three calendar months after
// it was created.
func expiry(created time.Time) time.Time {
	return created.In(zone).AddDate(0, 3, 0)
}

// windowStart returns the moment three calendar months before now. All that was
// created after it is still listed.
func windowStart(now time.Time) time.Time {
	return now.In(zone).AddDate(0, -3, 0)
}

// earliest returns a moment before which nothing was created that is still listed
// at now. It is some days before windowStart: three months after 30 November
// is 2 March, a day later than three months after 1 December.
func earliest(now time.Time) time.Time {
	return now.In(zone).AddDate(0, -3, -3)
}

// weekName returns the ISO week of a Monday as 2026-W43.
func weekName(monday time.Time) string {
	year, week := monday.In(zone).ISOWeek()
	return fmt.Sprintf("%d-W%02d", year, week)
}

// monthName returns a month as 2026-10.
func monthName(month time.Time) string {
	return month.In(zone).Format("2006-01")
}
