package collector_test

import (
	"regexp"
	"testing"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
)

func TestWhenAnExpectedExportIsDue(t *testing.T) {
	const day = 24 * time.Hour
	monthly := collector.Expectation{Every: collector.Month, Grace: 3 * day, TaskName: regexp.MustCompile(`^(?:usage-.*)$`)}
	weekly := collector.Expectation{Every: collector.Week, Grace: day}
	month := func(name string, number time.Month, made string) apiclient.Task {
		start := time.Date(2026, number, 1, 0, 0, 0, 0, time.FixedZone("", 8*3600))
		return apiclient.Task{
			ID: name, Name: name, Status: apiclient.Success, Created: at(made), Updated: at(made) + 100,
			Start: apiclient.Timestamp(start.Unix()), End: apiclient.Timestamp(start.AddDate(0, 1, 0).Unix() - 1),
		}
	}
	september := month("usage-09", time.September, "2026-10-01T09:00:00+08:00")
	october := month("usage-10", time.October, "2026-11-01T09:00:00+08:00")
	since := func(e collector.Expectation, text string) collector.Expectation {
		e.Since = at(text).Time()
		return e
	}
	for _, tc := range []struct {
		name    string
		e       collector.Expectation
		tasks   []apiclient.Task
		now     string
		due     string
		overdue bool
	}{
		{"all there: the next one is due after this month and the grace", monthly, []apiclient.Task{september, october, month("usage-08", time.August, "2026-09-01T09:00:00+08:00")}, "2026-11-22T12:00:00+08:00", "2026-12-04T00:00:00+08:00", false},
		{"last month is missing and overdue", monthly, []apiclient.Task{september, month("usage-08", time.August, "2026-09-01T09:00:00+08:00")}, "2026-11-22T12:00:00+08:00", "2026-11-04T00:00:00+08:00", true},
		{"last month is missing within the grace", monthly, []apiclient.Task{september, month("usage-08", time.August, "2026-09-01T09:00:00+08:00")}, "2026-11-02T12:00:00+08:00", "2026-11-04T00:00:00+08:00", false},
		{"the oldest that is missing counts", monthly, []apiclient.Task{october}, "2026-11-22T12:00:00+08:00", "2026-09-04T00:00:00+08:00", true},
		{"a name that matches nothing is due, not silent", since(monthly, "2026-10-15T00:00:00+08:00"), []apiclient.Task{month("other", time.October, "2026-11-01T09:00:00+08:00")}, "2026-11-22T12:00:00+08:00", "2026-11-04T00:00:00+08:00", true},
		{"the name must match as a whole", since(monthly, "2026-10-15T00:00:00+08:00"), []apiclient.Task{month("my usage-10", time.October, "2026-11-01T09:00:00+08:00")}, "2026-11-22T12:00:00+08:00", "2026-11-04T00:00:00+08:00", true},
		{"what ended before since is not expected", since(monthly, "2026-10-15T00:00:00+08:00"), []apiclient.Task{october}, "2026-11-22T12:00:00+08:00", "2026-12-04T00:00:00+08:00", false},
		{"what was over when since began is not expected", since(monthly, "2026-11-01T00:00:00+08:00"), nil, "2026-11-22T12:00:00+08:00", "2026-12-04T00:00:00+08:00", false},
		{"what was not quite over is", since(monthly, "2026-10-31T23:59:59+08:00"), nil, "2026-11-22T12:00:00+08:00", "2026-11-04T00:00:00+08:00", true},
		{"since in a far future", since(collector.Expectation{Every: collector.Day}, "9999-01-01T00:00:00+08:00"), nil, "2026-11-22T12:00:00+08:00", "9999-01-02T00:00:00+08:00", false},
		{"since in the future: the first one after it", since(monthly, "2027-01-15T00:00:00+08:00"), nil, "2026-11-22T12:00:00+08:00", "2027-02-04T00:00:00+08:00", false},
		{"an export made in its own month does not make it", since(monthly, "2026-10-15T00:00:00+08:00"), []apiclient.Task{month("usage-10", time.October, "2026-10-30T09:00:00+08:00")}, "2026-11-22T12:00:00+08:00", "2026-11-04T00:00:00+08:00", true},
		{"a month in UTC leaves eight hours of it missing", since(monthly, "2026-10-15T00:00:00+08:00"), []apiclient.Task{
			export("1", "usage-10", apiclient.Success, "2026-10-01T00:00:00Z", "2026-10-31T23:59:59Z", "2026-11-01T09:00:00+08:00"),
		}, "2026-11-22T12:00:00+08:00", "2026-11-04T00:00:00+08:00", true},
		{"a monthly file makes the weeks in it", since(weekly, "2026-10-05T00:00:00+08:00"), []apiclient.Task{october, september}, "2026-10-31T12:00:00+08:00", "2026-11-03T00:00:00+08:00", false},
		{"no task at all: the oldest week within 88 days", weekly, nil, "2026-11-22T12:00:00+08:00", "2026-09-01T00:00:00+08:00", true},
	} {
		now := at(tc.now).Time()
		got := tc.e.Due(collector.CoveredBy(tc.tasks, tc.e.TaskName), now, zone(t, "Asia/Shanghai"))
		if !got.Equal(at(tc.due).Time()) || got.Before(now) != tc.overdue {
			t.Errorf("%s: due %s, want %s", tc.name, got.In(zone(t, "Asia/Shanghai")), tc.due)
		}
	}
}
