package coverage_test

import (
	"testing"

	"alicdn_export_exporter/internal/coverage"
)

func TestInterval(t *testing.T) {
	for _, tc := range []struct {
		name       string
		interval   coverage.Interval
		now, zone  string
		ago        int
		start, end string
	}{
		{
			"last month in Shanghai begins at 16:00 UTC",
			coverage.Month, "2026-11-22T12:00:00Z", "Asia/Shanghai", 1, "2026-09-30T16:00:00Z", "2026-10-31T16:00:00Z",
		},
		{
			"an hour before the month's end in Shanghai it is still this month",
			coverage.Month, "2026-10-31T15:00:00Z", "Asia/Shanghai", 0, "2026-09-30T16:00:00Z", "2026-10-31T16:00:00Z",
		},
		{
			"an hour later it is the next one",
			coverage.Month, "2026-10-31T16:00:00Z", "Asia/Shanghai", 0, "2026-10-31T16:00:00Z", "2026-11-30T16:00:00Z",
		},
		{
			"February of a leap year has 29 days",
			coverage.Month, "2028-03-10T00:00:00Z", "UTC", 1, "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z",
		},
		{
			"February of another has 28",
			coverage.Month, "2026-03-31T00:00:00Z", "UTC", 1, "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z",
		},
		{
			"two months before January is November",
			coverage.Month, "2027-01-31T00:00:00Z", "UTC", 2, "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z",
		},
		{
			"March in Berlin is an hour short",
			coverage.Month, "2026-04-15T00:00:00Z", "Europe/Berlin", 1, "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z",
		},
		{
			"a week begins on Monday",
			coverage.Week, "2026-11-22T12:00:00Z", "UTC", 0, "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z",
		},
		{
			"also on a Monday",
			coverage.Week, "2026-11-23T00:00:00Z", "UTC", 1, "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z",
		},
		{
			"the week of the change in Berlin is an hour long",
			coverage.Week, "2026-10-25T12:00:00Z", "Europe/Berlin", 0, "2026-10-18T22:00:00Z", "2026-10-25T23:00:00Z",
		},
		{"yesterday", coverage.Day, "2026-03-01T12:00:00Z", "UTC", 1, "2026-02-28T00:00:00Z", "2026-03-01T00:00:00Z"},
		{
			"a day that begins at 01:00, in Cairo",
			coverage.Day, "2026-04-24T12:00:00Z", "Africa/Cairo", 0, "2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z",
		},
		{
			"a day that begins at 01:00, in Havana",
			coverage.Day, "2013-03-10T16:00:00Z", "America/Havana", 0, "2013-03-10T05:00:00Z", "2013-03-11T04:00:00Z",
		},
		{
			"a day that begins twice, in Havana",
			coverage.Day, "2026-11-01T12:00:00Z", "America/Havana", 0, "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want := coverage.Period{Start: at(tc.start), End: at(tc.end)}
			if got := tc.interval.Period(at(tc.now).Time().In(zone(t, tc.zone)), tc.ago); got != want {
				t.Errorf("%s to %s, want %s to %s", got.Start.Time(), got.End.Time(), tc.start, tc.end)
			}
		})
	}
}
