package view

import (
	"fmt"
	"time"

	"alicdn_export_exporter/apiclient"
)

// Minute is the layout of times for people. The zone is that of the account.
const Minute = "2006-01-02 15:04"

// Span formats a time span with one unit: "90 s", "5 min", "18 h", "57 days".
func Span(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}

// Skew formats this machine's clock minus the API's.
func Skew(d time.Duration) string {
	if d.Abs() >= 2*time.Minute {
		d = d.Round(time.Minute)
	}
	switch {
	case d.Abs() < time.Second:
		return "equal to the API's"
	case d < 0:
		return Span(-d) + " behind the API's"
	default:
		return Span(d) + " ahead of the API's"
	}
}

// Plural returns a number with its noun: "1 task", "2 tasks".
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Percent rounds down, so that only a share of 1 is 100.
func Percent(share float64) int { return int(100 * share) }

// Days formats the time from start up to, but not including, end. Whole days are dates,
// such as "2026-10-01 to 2026-10-31".
func Days(start, end time.Time) string {
	if !midnight(start) || !midnight(end) {
		return start.Format(Minute) + " to " + end.Format(Minute)
	}
	last := end.Add(-time.Second)
	if start.Format(time.DateOnly) == last.Format(time.DateOnly) {
		return start.Format(time.DateOnly)
	}
	return start.Format(time.DateOnly) + " to " + last.Format(time.DateOnly)
}

func midnight(t time.Time) bool { return t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0 }

// StatusWord returns the word for the task's status: "pending" for the API's "created".
func (t Task) StatusWord() string {
	if t.Status == apiclient.Created.String() {
		return "pending"
	}
	return t.Status
}

// String lists the numbers. It leaves out Unknown if that is 0.
func (c Counts) String() string {
	text := fmt.Sprintf("%d success, %d pending, %d failed", c.Success, c.Created, c.Failed)
	if c.Unknown > 0 {
		text += fmt.Sprintf(", %d unknown", c.Unknown)
	}
	return text
}

// AboutFailures returns a sentence that no failed task is a problem. It returns "" if one
// is, or if no task failed.
func (l *List) AboutFailures() string {
	if l.Tasks.Failed == 0 || l.UnrecoveredFailures > 0 {
		return ""
	}
	return "No failed task needs to be repeated."
}
