package check

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/coverage"
)

// newestTasks is how many tasks are shown.
const newestTasks = 10

const minute = "2006-01-02 15:04"

// listing prints what a list says about the exports, in the account's time zone.
func (r *report) listing(config Config, export apiclient.Export, tasks []apiclient.Task) {
	zone := config.Account.TimeZone
	now := config.Now.In(zone)
	r.line("", "")
	r.line(string(export), "in the time zone "+zone.String())
	covered := coverage.CoveredBy(tasks, coverage.Pattern{})
	if export == apiclient.Usage {
		r.months(now, covered)
	}
	r.line("  failures", fmt.Sprintf("%d that no success has made up for", coverage.UnrecoveredFailures(export, tasks, covered)))
	for _, expectation := range config.Account.Expectations {
		if expectation.Export == export {
			r.expectation(expectation, coverage.CoveredBy(tasks, expectation.TaskName), now)
		}
	}
	r.tasks(coverage.NewestTasks(tasks, newestTasks), zone)
}

// months prints a block for each day: full, in part or not covered.
func (r *report) months(now time.Time, covered coverage.Union) {
	for ago := 2; ago >= 0; ago-- {
		month := coverage.Month.Period(now, ago)
		first := month.Start.Time().In(now.Location())
		var days strings.Builder
		for day := first; day.Unix() < int64(month.End); day = day.AddDate(0, 0, 1) {
			switch ratio := covered.Ratio(coverage.Day.Period(day, 0)); {
			case ratio == 1:
				days.WriteRune('█')
			case ratio > 0:
				days.WriteRune('▒')
			default:
				days.WriteRune('·')
			}
		}
		r.line("  "+first.Format("2006-01"), fmt.Sprintf("%-31s %5.1f %% covered", days.String(), 100*covered.Ratio(month)))
	}
}

// expectation prints when an export is due and, where one is missing, which.
func (r *report) expectation(e coverage.Expectation, covered coverage.Union, now time.Time) {
	period, missing := e.Next(covered, now)
	due := e.Due(period).In(now.Location())
	text := "next due " + due.Format(minute)
	if missing {
		state := "missing, due "
		if due.Before(now) {
			state = "OVERDUE since "
		}
		text = fmt.Sprintf("%s%s: no successful task", state, due.Format(minute))
		if e.TaskName.String() != "" {
			text += " named " + e.TaskName.String()
		}
		text += fmt.Sprintf(" covers all of %s to %s",
			period.Start.Time().In(now.Location()).Format(time.DateOnly), (period.End - 1).Time().In(now.Location()).Format(time.DateOnly))
	}
	r.line("  expected", e.Name+": "+text)
}

// tasks prints the newest tasks as a table.
func (r *report) tasks(newest []apiclient.Task, zone *time.Location) {
	if len(newest) == 0 {
		return
	}
	at := func(t apiclient.Timestamp) string {
		if t == 0 {
			return "-"
		}
		return t.Time().In(zone).Format(minute)
	}
	table := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "  newest\tstatus\tcreated\tupdated\tfrom\tto\tname")
	for _, task := range newest {
		_, _ = fmt.Fprintln(table, strings.Join([]string{
			"  " + plain(task.ID), task.Status.String(), at(task.Created), at(task.Updated), at(task.Start), at(task.End), plain(task.Name),
		}, "\t"))
	}
	_ = table.Flush() // Like every line: the exit code is what counts.
}

// plain keeps a text from the API from moving the terminal's cursor.
func plain(s string) string {
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}
