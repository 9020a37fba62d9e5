package web

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/advice"
)

// statusFuncs are the functions that status.html calls.
var statusFuncs = template.FuncMap{
	"ago":        ago,
	"barWidth":   barWidth,
	"completed":  completed,
	"duration":   formatDuration,
	"percent":    percent,
	"plural":     plural,
	"rfc3339":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"shorten":    shorten,
	"taskCounts": taskCounts,
	"tooEarly":   advice.TooEarly,
	"unmatched":  advice.Unmatched,
}

// ago formats t relative to now: "3 h ago", "in 2 days".
func ago(now, t time.Time) string {
	age := now.Sub(t)
	switch {
	case age < 0:
		return "in " + span(-age)
	case age < time.Second:
		return "now"
	default:
		return span(age) + " ago"
	}
}

func span(d time.Duration) string {
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

// barWidth returns the width of a month's bar, whose track is 40 wide.
func barWidth(ratio float64) string { return fmt.Sprintf("%.1f", 40*ratio) }

// completed returns when a task ended, or the zero time if it has not.
func completed(task apiclient.Task) time.Time {
	if task.Status == apiclient.Created {
		return time.Time{}
	}
	return task.Updated.Time()
}

// formatDuration formats a duration with about three digits.
func formatDuration(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Millisecond).String()
}

// percent rounds down, so that only a ratio of 1 is 100.
func percent(ratio float64) int { return int(100 * ratio) }

// plural returns a number with its noun: "1 task", "2 tasks".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// shorten cuts a text from the API to 80 characters, and replaces invalid UTF-8.
func shorten(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if runes := []rune(text); len(runes) > 80 {
		return string(runes[:79]) + "…"
	}
	return text
}

// taskCounts formats the number of tasks by status, unknown ones only if there are any.
func taskCounts(tasks map[apiclient.Status]int) string {
	text := fmt.Sprintf("%d success, %d failed, %d created",
		tasks[apiclient.Success], tasks[apiclient.Failed], tasks[apiclient.Created])
	if unknown := tasks[apiclient.Unknown]; unknown > 0 {
		text += fmt.Sprintf(", %d unknown", unknown)
	}
	return text
}
