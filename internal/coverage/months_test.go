package coverage_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/coverage"
)

func TestMonths(t *testing.T) {
	shanghai := zone(t, "Asia/Shanghai")
	month := func(start, end, made string) apiclient.Task {
		return export("1", "usage", apiclient.Success, start, end, made)
	}
	october := month(octoberStart, octoberEnd, "2026-11-01T09:00:00+08:00")
	september := month("2026-09-01T00:00:00+08:00", "2026-09-30T23:59:59+08:00", "2026-10-01T09:00:00+08:00")
	delayed := coverage.Rules{UsageDelay: 4 * time.Hour}
	since := func(moment string) coverage.Rules { return coverage.Rules{Since: at(moment).Time()} }
	type result struct {
		ago      int
		from     string
		ratio    float64
		tooEarly bool
	}
	const hoursOfOctober = 31 * 24
	for _, tc := range []struct {
		name  string
		tasks []apiclient.Task
		rules coverage.Rules
		now   string
		want  []result
	}{
		{"both are covered", []apiclient.Task{september, october}, delayed, "2026-11-22T12:00:00+08:00", []result{
			{2, "2026-09-01T00:00:00+08:00", 1, false}, {1, octoberStart, 1, false},
		}},
		{"nothing is covered", nil, delayed, "2026-11-22T12:00:00+08:00", []result{
			{2, "2026-09-01T00:00:00+08:00", 0, false}, {1, octoberStart, 0, false},
		}},
		{
			"a file made a minute after the month lacks its last hours, but for a minute",
			[]apiclient.Task{september, month(octoberStart, octoberEnd, "2026-11-01T00:00:00+08:00")},
			delayed, "2026-11-22T12:00:00+08:00",
			[]result{
				{2, "2026-09-01T00:00:00+08:00", 1, false}, {1, octoberStart, (hoursOfOctober - 4.0) / hoursOfOctober, true},
			},
		},
		{
			"a file made in its month is too early as well",
			[]apiclient.Task{september, month(octoberStart, octoberEnd, "2026-10-16T16:00:00+08:00")},
			delayed, "2026-11-22T12:00:00+08:00",
			[]result{
				{2, "2026-09-01T00:00:00+08:00", 1, false}, {1, octoberStart, .5, true},
			},
		},
		{
			"a gap without any export is not only too early",
			[]apiclient.Task{september, month("2026-10-02T00:00:00+08:00", octoberEnd, "2026-11-01T00:00:00+08:00")},
			delayed, "2026-11-22T12:00:00+08:00",
			[]result{
				{2, "2026-09-01T00:00:00+08:00", 1, false},
				{1, octoberStart, (hoursOfOctober - 28.0) / hoursOfOctober, false},
			},
		},
		{
			"a daily exporter whose first days of the month have left the list",
			[]apiclient.Task{october, month("2026-09-04T00:00:00+08:00", "2026-09-30T23:59:59+08:00", "2026-10-01T09:00:00+08:00")},
			delayed, "2026-11-30T23:00:00+08:00",
			[]result{
				{2, "2026-09-03T23:00:00+08:00", 1 - 1/(27*24+1.0), false}, {1, octoberStart, 1, false},
			},
		},
		{
			"the same an hour later", // The horizon is at the start of September 4.
			[]apiclient.Task{october, month("2026-09-04T00:00:00+08:00", "2026-09-30T23:59:59+08:00", "2026-10-01T09:00:00+08:00")},
			delayed, "2026-11-30T23:59:59+08:00",
			[]result{
				{2, "2026-09-03T23:59:59+08:00", 1 - 1/(27*86400+1.0), false}, {1, octoberStart, 1, false},
			},
		},
		{"days before since are left out", []apiclient.Task{october}, since("2026-09-16T00:00:00+08:00"), "2026-11-22T12:00:00+08:00", []result{
			{2, "2026-09-16T00:00:00+08:00", 0, false}, {1, octoberStart, 1, false},
		}},
		{"a month before since is left out", []apiclient.Task{october}, since(octoberStart), "2026-11-22T12:00:00+08:00", []result{
			{1, octoberStart, 1, false},
		}},
		{"since in the future leaves none", nil, since("2027-01-01T00:00:00+08:00"), "2026-11-22T12:00:00+08:00", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			exported := coverage.ExportedBy(tc.tasks, coverage.Pattern{}, tc.rules.UsageDelay)
			var got []result
			for _, m := range coverage.Months(exported, tc.rules, at(tc.now).Time().In(shanghai)) {
				got = append(got, result{m.Ago, m.JudgedFrom.Format(time.RFC3339), m.Ratio, m.TooEarly})
				if m.Start.Location() != shanghai || m.End.Location() != shanghai {
					t.Errorf("month %d is in %s", m.Ago, m.Start.Location())
				}
			}
			equalShares := cmp.Comparer(func(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 && (a == 1) == (b == 1) })
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(result{}), equalShares); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestMonthCoverageDays(t *testing.T) {
	midnight := func(text string) time.Time { return at(text).Time().In(zone(t, "Europe/Berlin")) }
	covered := coverage.Union{{Start: at("2026-10-24T00:00:00+02:00"), End: at("2026-10-25T12:00:00+01:00")}}
	got := coverage.MonthCoverage{
		Start:      midnight("2026-10-21T00:00:00+02:00"), // A short month.
		End:        midnight("2026-10-27T00:00:00+01:00"),
		JudgedFrom: midnight("2026-10-22T12:00:00+02:00"),
	}.Days(covered)
	// The 25th has 25 hours.
	want := []coverage.DayCoverage{{}, {true, 0}, {true, 0}, {true, 1}, {true, 13.0 / 25}, {true, 0}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
