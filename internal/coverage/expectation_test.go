package coverage_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/coverage"
)

// oldest returns the oldest export that is missing, or the next one if none is missing.
func oldest(e coverage.Expectation, exported coverage.Exported, rules coverage.Rules, now time.Time,
) (needed coverage.Needed, missing bool) {
	if all := e.Missing(exported, rules, now); len(all) > 0 {
		return all[0], true
	}
	return e.Next(rules, now), false
}

func TestExpectation(t *testing.T) {
	const day = coverage.Duration(24 * time.Hour)
	monthly := coverage.Expectation{Every: coverage.Month, Grace: 3 * day, TaskName: pattern(t, "usage-.*")}
	weekly := coverage.Expectation{Every: coverage.Week, Grace: day}
	month := func(name string, number time.Month, made string) apiclient.Task {
		start := time.Date(2026, number, 1, 0, 0, 0, 0, time.FixedZone("", 8*3600))
		return apiclient.Task{
			ID: name, Name: name, Status: apiclient.Success, Created: at(made), Updated: at(made) + 100,
			Start: apiclient.Timestamp(start.Unix()), End: apiclient.Timestamp(start.AddDate(0, 1, 0).Unix() - 1),
		}
	}
	september := month("usage-09", time.September, "2026-10-01T09:00:00+08:00")
	october := month("usage-10", time.October, "2026-11-01T09:00:00+08:00")
	since := func(e coverage.Expectation, year int, month time.Month, day int) coverage.Expectation {
		e.Since = coverage.Date{Year: year, Month: month, Day: day}
		return e
	}
	august := month("usage-08", time.August, "2026-09-01T09:00:00+08:00")
	const late = "2026-11-22T12:00:00+08:00"
	for _, tc := range []struct {
		name        string
		expectation coverage.Expectation
		tasks       []apiclient.Task
		now, due    string
		overdue     bool
	}{
		{
			"all there: the next one is due after this month and the grace",
			monthly,
			[]apiclient.Task{september, october, august},
			late, "2026-12-04T00:00:00+08:00", false,
		},
		{
			"last month is missing and overdue",
			monthly,
			[]apiclient.Task{september, august},
			late, "2026-11-04T00:00:00+08:00", true,
		},
		{
			"last month is missing within the grace",
			monthly,
			[]apiclient.Task{september, august},
			"2026-11-02T12:00:00+08:00", "2026-11-04T00:00:00+08:00", false,
		},
		{
			"the oldest that is missing counts",
			monthly,
			[]apiclient.Task{october},
			late, "2026-09-04T00:00:00+08:00", true,
		},
		{
			"a name that matches nothing is due, not silent",
			since(monthly, 2026, time.October, 15),
			[]apiclient.Task{month("other", time.October, "2026-11-01T09:00:00+08:00")},
			late, "2026-11-04T00:00:00+08:00", true,
		},
		{
			"the name must match as a whole",
			since(monthly, 2026, time.October, 15),
			[]apiclient.Task{month("my usage-10", time.October, "2026-11-01T09:00:00+08:00")},
			late, "2026-11-04T00:00:00+08:00", true,
		},
		{
			"a period that ended before since is not expected",
			since(monthly, 2026, time.October, 15),
			[]apiclient.Task{october},
			late, "2026-12-04T00:00:00+08:00", false,
		},
		{
			"a period that ended when since began is not expected",
			since(monthly, 2026, time.November, 1), nil, late, "2026-12-04T00:00:00+08:00", false,
		},
		{
			"a period that ended a day later is expected",
			since(monthly, 2026, time.October, 31), nil, late, "2026-11-04T00:00:00+08:00", true,
		},
		{
			"since in a far future",
			since(coverage.Expectation{Every: coverage.Day}, 9999, time.January, 1), nil, late, "9999-01-02T00:00:00+08:00", false,
		},
		{
			"since in the future: the first one after it",
			since(monthly, 2027, time.January, 15), nil, late, "2027-02-04T00:00:00+08:00", false,
		},
		{
			"an export made in its own month does not cover it",
			since(monthly, 2026, time.October, 15),
			[]apiclient.Task{month("usage-10", time.October, "2026-10-30T09:00:00+08:00")},
			late, "2026-11-04T00:00:00+08:00", true,
		},
		{
			"a month in UTC leaves eight hours of it missing",
			since(monthly, 2026, time.October, 1),
			[]apiclient.Task{export("1", "usage-10", apiclient.Success,
				"2026-10-01T00:00:00Z", "2026-10-31T23:59:59Z", "2026-11-01T09:00:00+08:00")},
			late, "2026-11-04T00:00:00+08:00", true,
		},
		{
			"a monthly file covers the weeks in it",
			since(weekly, 2026, time.October, 5),
			[]apiclient.Task{october, september},
			"2026-10-31T12:00:00+08:00", "2026-11-03T00:00:00+08:00", false,
		},
		{
			"no task at all: the oldest week within 88 days",
			weekly, nil, late, "2026-09-01T00:00:00+08:00", true,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			now := at(tc.now).Time().In(zone(t, "Asia/Shanghai"))
			exported := coverage.ExportedBy(tc.tasks, tc.expectation.TaskName, 0)
			next, missing := oldest(tc.expectation, exported, coverage.Rules{}, now)
			if !next.Due.Equal(at(tc.due).Time()) || next.Due.Before(now) != tc.overdue {
				t.Errorf("due %s, want %s", next.Due, tc.due)
			}
			if ended := !next.End.Time().After(now); missing != ended {
				t.Errorf("missing is %t for a period that ends %s", missing, next.End.Time())
			}
		})
	}
}

// The same expectation at several moments, under the rules of an account.
func TestExpectationRules(t *testing.T) {
	const day = coverage.Duration(24 * time.Hour)
	shanghai := zone(t, "Asia/Shanghai")
	// weekly, daily and monthly exporters that make each file hours after its period.
	made := func(every coverage.Interval, after time.Duration, until string) []apiclient.Task {
		var tasks []apiclient.Task
		now := at(until).Time().In(shanghai)
		for ago := 1; ; ago++ {
			p := every.Period(now, ago)
			created := p.End.Time().Add(after)
			// The list has what was created in the last three calendar months.
			if created.In(shanghai).AddDate(0, 3, 0).Before(now) {
				return tasks
			}
			if created.Before(now) {
				tasks = append(tasks, apiclient.Task{
					ID: created.String(), Name: "usage", Status: apiclient.Success, Start: p.Start, End: p.End - 1,
					Created: apiclient.Timestamp(created.Unix()), Updated: apiclient.Timestamp(created.Unix() + 100),
				})
			}
		}
	}
	delay := coverage.Rules{UsageDelay: 4 * time.Hour}
	monthly := func(grace coverage.Duration) coverage.Expectation {
		return coverage.Expectation{Every: coverage.Month, Grace: grace}
	}
	for _, tc := range []struct {
		name        string
		expectation coverage.Expectation
		rules       coverage.Rules
		tasks       func(now string) []apiclient.Task
		now, due    string
		missing     bool
		tooEarly    bool
	}{
		{
			"weekly files cover months two months ago",
			monthly(10 * day), delay, func(now string) []apiclient.Task { return made(coverage.Week, 9*time.Hour, now) },
			"2026-11-22T12:00:00+08:00", "2026-12-11T00:00:00+08:00", false, false,
		},
		{
			"daily files cover months two months ago, at the end of a month",
			monthly(10 * day), delay, func(now string) []apiclient.Task { return made(coverage.Day, 9*time.Hour, now) },
			"2026-11-30T23:00:00+08:00", "2026-12-11T00:00:00+08:00", false, false,
		},
		{
			"a month made a minute after its end is missing, too early",
			monthly(3 * day), delay, func(now string) []apiclient.Task { return made(coverage.Month, time.Minute, now) },
			"2026-11-22T12:00:00+08:00", "2026-09-04T00:00:00+08:00", true, true,
		},
		{
			"without a usage delay it is there",
			monthly(3 * day),
			coverage.Rules{},
			func(now string) []apiclient.Task { return made(coverage.Month, time.Minute, now) },
			"2026-11-22T12:00:00+08:00", "2026-12-04T00:00:00+08:00", false, false,
		},
		{
			"without a grace a day is due when its usage is complete",
			coverage.Expectation{Every: coverage.Day},
			delay,
			func(now string) []apiclient.Task { return made(coverage.Day, 4*time.Hour, now) },
			"2026-11-22T03:59:59+08:00", "2026-11-22T04:00:00+08:00", true, false,
		},
		{
			"a shorter grace than the usage delay does not count",
			coverage.Expectation{Every: coverage.Day, Grace: coverage.Duration(time.Hour)},
			delay,
			func(now string) []apiclient.Task { return made(coverage.Day, 4*time.Hour, now) },
			"2026-11-22T03:59:59+08:00", "2026-11-22T04:00:00+08:00", true, false,
		},
		{
			"a longer grace does",
			coverage.Expectation{Every: coverage.Day, Grace: coverage.Duration(6 * time.Hour)},
			delay,
			func(now string) []apiclient.Task { return made(coverage.Day, 5*time.Hour, now) },
			"2026-11-22T04:59:59+08:00", "2026-11-22T06:00:00+08:00", true, false,
		},
		{
			"the day after that is due then",
			coverage.Expectation{Every: coverage.Day},
			delay,
			func(now string) []apiclient.Task { return made(coverage.Day, 4*time.Hour, now) },
			"2026-11-22T04:00:01+08:00", "2026-11-23T04:00:00+08:00", false, false,
		},
		{
			"the account's since is later than the expectation's",
			coverage.Expectation{Every: coverage.Month, Since: coverage.Date{Year: 2026, Month: 9, Day: 1}},
			coverage.Rules{Since: at("2026-10-15T00:00:00+08:00").Time()},
			func(string) []apiclient.Task { return nil },
			"2026-11-22T12:00:00+08:00", "2026-11-01T00:00:00+08:00", true, false,
		},
		{
			"the expectation's since is later than the account's",
			coverage.Expectation{Every: coverage.Month, Since: coverage.Date{Year: 2026, Month: 11, Day: 1}},
			coverage.Rules{Since: at("2026-10-15T00:00:00+08:00").Time()},
			func(string) []apiclient.Task { return nil },
			"2026-11-22T12:00:00+08:00", "2026-12-01T00:00:00+08:00", false, false,
		},
		{
			"half a month before since need not be covered",
			coverage.Expectation{Every: coverage.Month, Since: coverage.Date{Year: 2026, Month: 10, Day: 16}},
			delay, func(string) []apiclient.Task {
				return []apiclient.Task{export("1", "x", apiclient.Success, "2026-10-16T00:00:00+08:00", octoberEnd, "2026-11-01T09:00:00+08:00")}
			},
			"2026-11-22T12:00:00+08:00", "2026-12-01T04:00:00+08:00", false, false,
		},
		{
			"the last day of a month is judged for 88 days",
			monthly(45 * day), delay, func(string) []apiclient.Task { return nil },
			"2026-11-27T23:59:59+08:00", "2026-10-16T00:00:00+08:00", true, false, // August 31 is not over.
		},
		{
			"and not for longer",
			monthly(45 * day), delay, func(string) []apiclient.Task { return nil },
			"2026-11-28T00:00:00+08:00", "2026-11-15T00:00:00+08:00", true, false,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			exported := coverage.ExportedBy(tc.tasks(tc.now), tc.expectation.TaskName, tc.rules.UsageDelay)
			next, missing := oldest(tc.expectation, exported, tc.rules, at(tc.now).Time().In(shanghai))
			if !next.Due.Equal(at(tc.due).Time()) || missing != tc.missing || next.TooEarly != tc.tooEarly {
				t.Errorf("due %s, missing %t, too early %t", next.Due, missing, next.TooEarly)
			}
		})
	}
}

func TestExpectationMissing(t *testing.T) {
	shanghai := zone(t, "Asia/Shanghai")
	now := at("2026-11-22T12:00:00+08:00").Time().In(shanghai)
	october := export("1", "usage-2026-10", apiclient.Success, octoberStart, octoberEnd, "2026-11-01T09:00:00+08:00")
	weeks := func(tasks ...apiclient.Task) []string {
		e := coverage.Expectation{Every: coverage.Week, Since: coverage.Date{Year: 2026, Month: time.September, Day: 21}}
		var starts []string
		for _, needed := range e.Missing(coverage.ExportedBy(tasks, coverage.Pattern{}, 0), coverage.Rules{}, now) {
			starts = append(starts, needed.Start.Time().In(shanghai).Format(time.DateOnly))
		}
		return starts
	}
	for name, tc := range map[string]struct {
		tasks []apiclient.Task
		want  []string
	}{
		"lists every week that has ended, the oldest first": {nil, []string{
			"2026-09-21", "2026-09-28", "2026-10-05", "2026-10-12", "2026-10-19", "2026-10-26", "2026-11-02", "2026-11-09",
		}},
		"leaves out what is covered, not what is covered in part": {[]apiclient.Task{october}, []string{
			"2026-09-21", "2026-09-28", "2026-10-26", "2026-11-02", "2026-11-09",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, weeks(tc.tasks...)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
