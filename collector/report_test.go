package collector_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/coverage"
)

func TestNewReport(t *testing.T) {
	shanghai := zone(t, "Asia/Shanghai")
	limits := coverage.Limits{MonthGrace: coverage.Duration(time.Hour)}
	account := collector.Account{Name: "main", TimeZone: shanghai, Limits: limits, Expectations: []coverage.Expectation{
		{
			Name:   "monthly",
			Export: apiclient.Usage,
			Every:  coverage.Month,
			Since:  coverage.Date{Year: 2026, Month: 10, Day: 1},
		},
		{
			Name:   "patient",
			Export: apiclient.Usage,
			Every:  coverage.Month,
			Since:  coverage.Date{Year: 2026, Month: 10, Day: 1},
			Grace:  coverage.Duration(30 * 24 * time.Hour),
		},
		{
			Name:   "later",
			Export: apiclient.Usage,
			Every:  coverage.Month,
			Since:  coverage.Date{Year: 2026, Month: 11, Day: 1},
		},
		{Name: "daily details", Export: apiclient.UsageDetail, Every: coverage.Day},
	}}
	// All of September, half of October, and a failure.
	tasks := []apiclient.Task{
		{
			ID:      "1",
			Status:  apiclient.Success,
			Created: at("2026-10-01T09:00:00+08:00"),
			Updated: at("2026-10-01T09:02:00+08:00"),
			Start:   at("2026-09-01T00:00:00+08:00"),
			End:     at("2026-09-30T23:59:59+08:00"),
		},
		{
			ID:      "2",
			Status:  apiclient.Success,
			Created: at("2026-11-01T09:00:00+08:00"),
			Updated: at("2026-11-01T09:02:00+08:00"),
			Start:   at("2026-10-01T00:00:00+08:00"),
			End:     at("2026-10-16T11:59:59+08:00"),
		},
		{
			ID:      "3",
			Status:  apiclient.Failed,
			Created: at("2026-11-02T09:00:00+08:00"),
			Updated: at("2026-11-02T09:02:00+08:00"),
			Start:   at("2026-10-01T00:00:00+08:00"),
			End:     at("2026-10-31T23:59:59+08:00"),
		},
	}
	moment := func(text string) time.Time { return at(text).Time().In(shanghai) }
	now := moment("2026-11-22T12:00:00+08:00").UTC() // The time zone is the account's, not now's.
	listing := &apiclient.Listing{Tasks: tasks, TotalCount: 5, Began: now}
	period := func(start, end, due string) coverage.Needed {
		return coverage.Needed{Period: coverage.Period{Start: at(start), End: at(end)}, Due: moment(due)}
	}
	expected := func(i int, due string, missing ...coverage.Needed) collector.ExpectationReport {
		e := account.Expectations[i]
		return collector.ExpectationReport{
			Expectation: e,
			Missing:     missing,
			Next: period("2026-11-01T00:00:00+08:00", "2026-12-01T00:00:00+08:00",
				at("2026-12-01T00:00:00+08:00").Time().Add(time.Duration(e.Grace)).Format(time.RFC3339)),
			Due:     moment(due),
			Overdue: moment(due).Before(now),
		}
	}
	october := func(due string) coverage.Needed {
		return period("2026-10-01T00:00:00+08:00", "2026-11-01T00:00:00+08:00", due)
	}
	month := func(ago int, start, end string, ratio float64) coverage.MonthCoverage {
		return coverage.MonthCoverage{
			Ago: ago, Start: moment(start), End: moment(end), JudgedFrom: moment(start), Ratio: ratio,
		}
	}
	sameZone := cmp.Comparer(func(a, b *time.Location) bool { return a == b })
	want := &collector.Report{
		Limits:              limits,
		Summary:             coverage.Summarize(tasks),
		NewestSuccessAge:    now.Sub(at("2026-11-01T09:02:00+08:00").Time()),
		Unlisted:            2,
		UnrecoveredFailures: 1,
		CoveredUntil:        moment("2026-10-16T12:00:00+08:00"),
		Months: []coverage.MonthCoverage{
			month(2, "2026-09-01T00:00:00+08:00", "2026-10-01T00:00:00+08:00", 1),
			month(1, "2026-10-01T00:00:00+08:00", "2026-11-01T00:00:00+08:00", .5),
		},
		Covered: coverage.UnionOf([]coverage.Period{{Start: tasks[0].Start, End: tasks[1].End + 1}}),
		Expectations: []collector.ExpectationReport{
			expected(0, "2026-11-01T00:00:00+08:00", october("2026-11-01T00:00:00+08:00")),
			expected(1, "2026-12-01T00:00:00+08:00", october("2026-12-01T00:00:00+08:00")),
			expected(2, "2026-12-01T00:00:00+08:00"),
		},
		NewestTasks: []apiclient.Task{tasks[2], tasks[1], tasks[0]},
	}
	want.Problems = []collector.Problem{
		{Kind: collector.Overdue, Expectation: &want.Expectations[0]},
		{Kind: collector.Failed, Task: &tasks[2]},
		{Kind: collector.MonthMissing, Month: &want.Months[1]},
		{Kind: collector.Unlisted, Count: 2},
	}
	got := collector.NewReport(collector.NewSnapshot(account, apiclient.Usage, listing, collector.ReportedTasks), now)
	if diff := cmp.Diff(want, got, sameZone); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for i, month := range got.Months {
		if month.Start.Location() != shanghai {
			t.Errorf("month %d begins in %s", i, month.Start.Location())
		}
	}

	t.Run("usage_detail has no months", func(t *testing.T) {
		got := collector.NewReport(
			collector.NewSnapshot(account, apiclient.UsageDetail, listing, collector.ReportedTasks),
			now,
		)
		if len(got.Months) > 0 || !got.CoveredUntil.IsZero() {
			t.Errorf("%+v", got)
		}
		if len(got.Expectations) != 1 || got.Expectations[0].Name != "daily details" {
			t.Errorf("expectations %+v", got.Expectations)
		}
	})
	t.Run("an empty list", func(t *testing.T) {
		got := collector.NewReport(collector.NewSnapshot(account, apiclient.Usage, &apiclient.Listing{}, 1), now)
		if got.NewestSuccessAge != 0 || !got.CoveredUntil.IsZero() || len(got.Months) != 2 {
			t.Errorf("%+v", got)
		}
	})
}
