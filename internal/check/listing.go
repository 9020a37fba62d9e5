package check

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/advice"
	"alicdn_export_exporter/internal/coverage"
)

const minute = "2006-01-02 15:04"

// report prints what a list says about an export, in the account's time zone.
func (p *printer) report(export apiclient.Export, snapshot *collector.Snapshot, now time.Time) {
	report := collector.NewReport(snapshot, now)
	p.line("", "")
	p.line(string(export), "in the time zone "+snapshot.TimeZone.String())
	for _, month := range report.Months {
		days := strip(month.Days(snapshot.Exported.Covered))
		text := fmt.Sprintf("%-31s %5.1f %% covered", days, 100*month.Ratio)
		if month.JudgedFrom.After(month.Start) {
			text += ", judged from " + month.JudgedFrom.Format(minute)
		}
		if month.TooEarly {
			text += "; " + advice.TooEarly(report.UsageDelay)
		}
		p.line("  "+month.Start.Format("2006-01"), text)
	}
	if !report.CoveredUntil.IsZero() {
		p.line("  covered", "until "+report.CoveredUntil.Format(minute))
	}
	p.line("  failures", fmt.Sprintf("%d that no success has replaced", report.UnrecoveredFailures))
	for _, expected := range report.Expectations {
		p.line("  expected", expected.Name+": "+describe(expected, report.UsageDelay))
	}
	if report.Malformed > 0 {
		p.line("  malformed", fmt.Sprintf("%d with a time that cannot be right, which is ignored", report.Malformed))
	}
	p.tasks(report.NewestTasks, snapshot.TimeZone)
}

// strip draws a block for each day, which is covered in full, in part or not at all. A
// day that is not judged is blank.
func strip(days []coverage.DayCoverage) string {
	var blocks strings.Builder
	for _, day := range days {
		switch {
		case !day.Judged:
			blocks.WriteRune(' ')
		case day.Ratio == 1:
			blocks.WriteRune('█')
		case day.Ratio > 0:
			blocks.WriteRune('▒')
		default:
			blocks.WriteRune('·')
		}
	}
	return blocks.String()
}

// describe says when an export is due, and which one is missing and why.
func describe(e collector.ExpectationReport, usageDelay coverage.Duration) string {
	due := e.Due.Format(minute)
	text := "next due " + due
	if e.Missing {
		text = "missing, due " + due
		if e.Overdue {
			text = "OVERDUE since " + due
		}
		text += ": no successful task"
		if pattern := e.TaskName.String(); pattern != "" {
			text += " named " + pattern
		}
		lastDay := e.End.Add(-time.Second)
		text += fmt.Sprintf(" covers all of %s to %s", e.Start.Format(time.DateOnly), lastDay.Format(time.DateOnly))
	}
	if e.TooEarly {
		text += "; " + advice.TooEarly(usageDelay)
	}
	if e.Unmatched {
		text += "; " + advice.Unmatched(e.TaskName)
	}
	return text
}

// tasks prints tasks as a table.
func (p *printer) tasks(tasks []apiclient.Task, zone *time.Location) {
	if len(tasks) == 0 {
		return
	}
	formatTime := func(t apiclient.Timestamp) string {
		if t == 0 {
			return "-"
		}
		return t.Time().In(zone).Format(minute)
	}
	table := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "  newest\tstatus\tcreated\tupdated\tfrom\tto\tname")
	for _, task := range tasks {
		_, _ = fmt.Fprintln(table, strings.Join([]string{
			"  " + escape(task.ID), task.Status.String(), formatTime(task.Created), formatTime(task.Updated),
			formatTime(task.Start), formatTime(task.End), escape(task.Name),
		}, "\t"))
	}
	_ = table.Flush() // Ignore write errors, as line does.
}

// escape replaces control characters in a text from the API, which could otherwise
// move the terminal's cursor.
func escape(s string) string {
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}
