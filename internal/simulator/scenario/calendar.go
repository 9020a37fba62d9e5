package scenario

import (
	"fmt"
	"time"
)

// zone is the time zone of the account's bills. All calendar periods are in it.
var zone = time.FixedZone("UTC+8", 8*60*60)

// startOfMonth returns the start of the month that contains t.
func startOfMonth(t time.Time) time.Time {
	year, month, _ := t.In(zone).Date()
	return time.Date(year, month, 1, 0, 0, 0, 0, zone)
}

// startOfWeek returns the start of the week that contains t, a Monday.
func startOfWeek(t time.Time) time.Time {
	day := startOfDay(t)
	return day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
}

// startOfDay returns the start of the day that contains t.
func startOfDay(t time.Time) time.Time {
	year, month, day := t.In(zone).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, zone)
}

// formatMonth formats a month as 2026-10.
func formatMonth(t time.Time) string {
	return t.In(zone).Format("2006-01")
}

// formatWeek formats an ISO week as 2026-W43.
func formatWeek(t time.Time) string {
	year, week := t.In(zone).ISOWeek()
	return fmt.Sprintf("%d-W%02d", year, week)
}

// expiry returns when the API stops listing a task: three calendar months after
// it was created.
func expiry(created time.Time) time.Time {
	return created.In(zone).AddDate(0, 3, 0)
}

// threeMonthsBefore returns a moment three calendar months before now. Every task
// created after it is still listed.
func threeMonthsBefore(now time.Time) time.Time {
	return now.In(zone).AddDate(0, -3, 0)
}

// earliestListed returns a moment such that every task created before it has
// expired. It is three days before threeMonthsBefore, because months differ in
// length: three months after November 30 is March 2, which is later than three
// months after December 1.
func earliestListed(now time.Time) time.Time {
	return now.In(zone).AddDate(0, -3, -3)
}
