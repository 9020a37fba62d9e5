package coverage_test

import (
	"testing"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/coverage"
)

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
			since(monthly, 2026, time.October, 15),
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
			next, missing := tc.expectation.Next(coverage.CoveredBy(tc.tasks, tc.expectation.TaskName), now)
			due := tc.expectation.Due(next)
			if !due.Equal(at(tc.due).Time()) || due.Before(now) != tc.overdue {
				t.Errorf("due %s, want %s", due.In(now.Location()), tc.due)
			}
			if ended := !next.End.Time().After(now); missing != ended {
				t.Errorf("missing is %t for a period that ends %s", missing, next.End.Time())
			}
		})
	}
}
