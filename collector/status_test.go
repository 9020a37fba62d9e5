package collector_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/coverage"
)

func TestStatuses(t *testing.T) {
	t.Run("they say what the metrics say", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { // From 2000-01-01T08:00:00+08:00.
			shanghai := zone(t, "Asia/Shanghai")
			zones := cmp.Comparer(func(a, b *time.Location) bool { return a == b })
			december := apiclient.Task{
				ID: "1", Name: "december", Status: apiclient.Success, Created: epoch, Updated: epoch + 60,
				Start: at("1999-12-01T00:00:00+08:00"), End: at("1999-12-31T23:59:59+08:00"),
			}
			pending := apiclient.Task{ID: "2", Status: apiclient.Created, Created: epoch + 1}
			fails := false
			client := &fakeClient{
				list: func(_ context.Context, export apiclient.Export, _ []string) (*apiclient.Listing, error) {
					if fails {
						return nil, errOutage
					}
					time.Sleep(time.Second)
					if export == apiclient.UsageDetail {
						return listing(pending), nil
					}
					return listing(december, pending), nil
				},
			}
			account := collector.Account{
				Name:     "main",
				Client:   client,
				Exports:  []apiclient.Export{apiclient.Usage, apiclient.UsageDetail},
				TimeZone: shanghai,
				Limits:   coverage.Limits{MonthGrace: coverage.Duration(time.Hour)},
				Expectations: []coverage.Expectation{
					{
						Name:   "monthly",
						Export: apiclient.Usage,
						Every:  coverage.Month,
						Since:  coverage.Date{Year: 1999, Month: time.December, Day: 15},
					},
					{Name: "daily", Export: apiclient.UsageDetail, Every: coverage.Day},
				},
			}
			c := newCollector(t, standard(log.NewNopLogger()), account)
			if diff := cmp.Diff([]collector.AccountStatus{{
				Account: "main", TimeZone: shanghai, Exports: []collector.ExportStatus{{Export: apiclient.Usage}, {Export: apiclient.UsageDetail}},
			}}, c.Statuses(time.Now()), zones); diff != "" {
				t.Errorf("before the first refresh (-want +got):\n%s", diff)
			}

			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			c.Refresh(ctx)
			cancel()
			for _, status := range c.Statuses(time.Now())[0].Exports {
				if !status.Refreshing || status.Up {
					t.Errorf("while the list is read: %+v", status)
				}
			}
			c.Refresh(t.Context())
			calls := client.calls.Load()
			got := c.Statuses(time.Now())[0].Exports
			moment := func(text string) time.Time { return at(text).Time().In(shanghai) }
			read := []collector.Refreshed{{Ended: time.Now(), Duration: time.Second, Tasks: 2}}
			want := collector.ExportStatus{
				Export:    apiclient.Usage,
				Up:        true,
				Refreshes: read,
				Began:     time.Now(),
				Report: &collector.Report{
					Summary:          coverage.Summarize([]apiclient.Task{december, pending}),
					Limits:           account.Limits,
					NewestSuccessAge: 0, // The success is in the future.
					OldestPending:    moment("2000-01-01T08:00:01+08:00"),
					CoveredUntil:     moment("2000-01-01T00:00:00+08:00"),
					Months: []coverage.MonthCoverage{
						{
							Ago:        2,
							Start:      moment("1999-11-01T00:00:00+08:00"),
							End:        moment("1999-12-01T00:00:00+08:00"),
							JudgedFrom: moment("1999-11-01T00:00:00+08:00"),
							Ratio:      0,
						},
						{
							Ago:        1,
							Start:      moment("1999-12-01T00:00:00+08:00"),
							End:        moment("2000-01-01T00:00:00+08:00"),
							JudgedFrom: moment("1999-12-01T00:00:00+08:00"),
							Ratio:      1,
						},
					},
					Covered: coverage.UnionOf([]coverage.Period{{Start: december.Start, End: december.End + 1}}),
					Expectations: []collector.ExpectationReport{{
						Expectation: account.Expectations[0],
						Next: coverage.Needed{
							Period: coverage.Period{Start: at("2000-01-01T00:00:00+08:00"), End: at("2000-02-01T00:00:00+08:00")},
							Due:    moment("2000-02-01T00:00:00+08:00"),
						},
						Due: moment("2000-02-01T00:00:00+08:00"),
					}},
					NewestTasks: []apiclient.Task{pending, december},
				},
			}
			want.Report.Problems = []collector.Problem{{Kind: collector.MonthMissing, Month: &want.Report.Months[0]}}
			want.Problems = want.Report.Problems
			if diff := cmp.Diff(want, got[0], zones); diff != "" {
				t.Errorf("after a refresh (-want +got):\n%s", diff)
			}
			detail := got[1].Report
			if len(detail.Months) != 0 || !detail.CoveredUntil.IsZero() || len(detail.NewestTasks) != 1 ||
				len(detail.Expectations) != 1 || !detail.Expectations[0].Due.Before(time.Now()) || !detail.Expectations[0].Overdue {
				t.Errorf("usage_detail: %+v", detail)
			}
			if n := client.calls.Load(); n != calls {
				t.Errorf("Statuses made %d calls", n-calls)
			}

			fails = true
			time.Sleep(50 * time.Minute)
			c.Refresh(t.Context())
			failed := c.Statuses(time.Now())[0].Exports[0]
			if failed.Up || failed.Report == nil || len(failed.Refreshes) != 2 ||
				!errors.Is(failed.Refreshes[0].Err, errOutage) ||
				failed.Refreshes[1].Err != nil {
				t.Errorf("after a failure: %+v", failed)
			}
			time.Sleep(10*time.Minute + time.Second)
			if old := c.Statuses(time.Now())[0].Exports[0]; old.Report != nil || old.Began.IsZero() {
				t.Errorf("past the longest age: %+v", old)
			}
		})
	})

	t.Run("they have the last ten refreshes and tasks", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var tasks []apiclient.Task
			client := &fakeClient{list: func(context.Context, apiclient.Export, []string) (*apiclient.Listing, error) {
				n := len(tasks)
				tasks = append(tasks, apiclient.Task{ID: strconv.Itoa(n), Created: epoch + apiclient.Timestamp(n)})
				return listing(tasks...), nil
			}}
			config := standard(log.NewNopLogger())
			config.TaskInfo = 3
			c := newCollector(t, config, usageOf("main", client))
			for range 12 {
				c.Refresh(t.Context())
				time.Sleep(time.Minute)
			}
			status := c.Statuses(time.Now())[0].Exports[0]
			if len(status.Refreshes) != 10 || status.Refreshes[0].Tasks != 12 || status.Refreshes[9].Tasks != 3 {
				t.Errorf("refreshes: %+v", status.Refreshes)
			}
			if newest := status.Report.NewestTasks; len(newest) != 10 || newest[0].ID != "11" || newest[9].ID != "2" {
				t.Errorf("newest tasks: %+v", newest)
			}
			expect(t, c, map[string]string{
				ofMain("task_info", "status", "unknown", "task_id", "9", "task_name", ""): "1",
				ofMain("task_info", "status", "unknown", "task_id", "8", "task_name", ""): "", // TaskInfo is 3.
			})
		})
	})
}
