package collector_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/coverage"
)

// The clock of a synctest bubble starts at 2000-01-01T00:00:00Z.
const aDay = 86_400

func TestMalformedTimes(t *testing.T) {
	oldest, newest := ofMain("oldest_pending_created_timestamp_seconds"), ofMain("newest_success_age_seconds")
	for _, tc := range []struct {
		name  string
		tasks []apiclient.Task
		want  map[string]string
	}{
		{
			"a pending task of the year 1 does not hide one of two days ago",
			[]apiclient.Task{
				task("1", apiclient.Created, apiclient.InvalidTime, 0), task("2", apiclient.Created, epoch-2*aDay+60, 0),
				task("3", apiclient.Created, epoch-aDay, 0),
			},
			map[string]string{
				oldest: seconds(int64(epoch - 2*aDay + 60)), ofMain("malformed_tasks"): "1", ofMain("tasks", "status", "created"): "3",
			},
		},
		{
			"a success of the year 9999 was completed when it was created",
			[]apiclient.Task{task("1", apiclient.Success, epoch-2*aDay, at("9999-12-31T23:59:59Z"))},
			map[string]string{
				newest: "172800", ofMain("newest_success_duration_seconds"): "", ofMain("malformed_tasks"): "1",
			},
		},
		{
			"a success without a readable UpdateTime was completed when it was created",
			[]apiclient.Task{
				task("1", apiclient.Success, epoch-3600, apiclient.InvalidTime),
				task("2", apiclient.Success, epoch-40*aDay, epoch-40*aDay+60),
			},
			map[string]string{newest: "3600", ofMain("newest_success_duration_seconds"): "", ofMain("malformed_tasks"): "1"},
		},
		{
			"so was a failure without one",
			[]apiclient.Task{task("1", apiclient.Failed, epoch-3600, 0)},
			map[string]string{ofMain("newest_failure_timestamp_seconds"): seconds(int64(epoch - 3600)), ofMain("malformed_tasks"): "0"},
		},
		{
			"a success that says when it was made and completed has a duration",
			[]apiclient.Task{task("1", apiclient.Success, epoch-3600, epoch-3500)},
			map[string]string{newest: "3500", ofMain("newest_success_duration_seconds"): "100", ofMain("malformed_tasks"): "0"},
		},
		{
			"a task without any readable time still counts",
			[]apiclient.Task{{
				ID: "1", Status: apiclient.Success, Created: apiclient.InvalidTime, Updated: apiclient.InvalidTime,
				Start: apiclient.InvalidTime, End: apiclient.InvalidTime,
			}},
			map[string]string{
				ofMain("tasks", "status", "success"): "1", ofMain("malformed_tasks"): "1", newest: "",
				ofMain("covered_until_timestamp_seconds"): "",
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newMain(t, lists(tc.tasks...))
				c.Refresh(t.Context())
				expect(t, c, tc.want)
			})
		})
	}

	t.Run("are logged when their number changes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			malformed := 0
			client := &fakeClient{list: func(context.Context, apiclient.Export, []string) (*apiclient.Listing, error) {
				tasks := []apiclient.Task{task("1", apiclient.Success, epoch-120, epoch-60)}
				for range malformed {
					tasks = append(tasks, task("2", apiclient.Success, 0, 0))
				}
				return listing(tasks...), nil
			}}
			var book logBook
			c := newCollector(t, standard(book.logger()), usageOf("main", client))
			for _, malformed = range []int{0, 0, 2, 2, 2, 1, 0, 0} {
				c.Refresh(t.Context())
				time.Sleep(time.Minute)
			}
			var got []string
			for line := range strings.Lines(book.String()) {
				if strings.Contains(line, "level=warn") {
					_, numbers, _ := strings.Cut(strings.TrimSpace(line), "malformed_tasks=")
					got = append(got, numbers)
				}
			}
			if text := strings.Join(got, ", "); text != "2 before=0, 1 before=2, 0 before=1" {
				t.Errorf("%s\n%s", text, book.String())
			}
		})
	})
}

func TestUsageDelay(t *testing.T) {
	// A file of December that is made after it, in the time zone UTC.
	december := func(made apiclient.Timestamp) apiclient.Task {
		return apiclient.Task{
			ID: "1", Name: "usage-12", Status: apiclient.Success, Created: made, Updated: made + 60,
			Start: at("1999-12-01T00:00:00Z"), End: at("1999-12-31T23:59:59Z"),
		}
	}
	const due = `expectation_due_timestamp_seconds{account="main",expectation="monthly",export="usage"}`
	ratio := ofMain("month_covered_ratio", "months_ago", "1")
	until := ofMain("covered_until_timestamp_seconds")
	for _, tc := range []struct {
		name  string
		made  apiclient.Timestamp
		delay time.Duration
		want  map[string]string
	}{
		{"made at 00:01, four hours are missing but for a minute", epoch + 60, 4 * time.Hour, map[string]string{
			ratio: "0.9946460573476702", until: seconds(int64(epoch + 60 - 4*3600)), due: seconds(int64(epoch + 4*3600)),
		}},
		{"made after four hours, nothing is missing", epoch + 4*3600, 4 * time.Hour, map[string]string{
			ratio: "1", until: seconds(int64(epoch)), due: seconds(int64(at("2000-02-01T04:00:00Z"))),
		}},
		{"made at 00:01 without a delay, nothing is missing", epoch + 60, 0, map[string]string{
			ratio: "1", until: seconds(int64(epoch)), due: seconds(int64(at("2000-02-01T00:00:00Z"))),
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				account := usageOf("main", lists(december(tc.made)))
				account.UsageDelay = tc.delay
				account.Since = coverage.Date{Year: 1999, Month: time.December, Day: 1}
				account.Expectations = []coverage.Expectation{{Name: "monthly", Export: apiclient.Usage, Every: coverage.Month}}
				c := newCollector(t, standard(log.NewNopLogger()), account)
				time.Sleep(12 * time.Hour)
				c.Refresh(t.Context())
				expect(t, c, tc.want)
				expect(t, c, map[string]string{ofMain("month_covered_ratio", "months_ago", "2"): ""}) // Before since.
			})
		})
	}
}

func TestLimits(t *testing.T) {
	const hour = coverage.Duration(time.Hour)
	limits := coverage.Limits{PendingAge: hour, SuccessAge: 2 * hour, MonthGrace: 3 * hour}
	ofDetail := func(limit string) string {
		return `limit_seconds{account="main",export="usage_detail",limit="` + limit + `"}`
	}
	ofUsage := func(limit string) string { return ofMain("limit_seconds", "limit", limit) }
	for _, tc := range []struct {
		name   string
		limits coverage.Limits
		want   map[string]string
	}{
		{"are there before the first refresh", limits, map[string]string{
			ofUsage("pending_age"): "3600", ofUsage("success_age"): "7200", ofUsage("month_grace"): "10800",
			ofDetail("pending_age"): "3600", ofDetail("success_age"): "7200", ofDetail("month_grace"): "",
			ofMain("up"): "0",
		}},
		{"are absent if they are off", coverage.Limits{}, map[string]string{
			ofUsage("pending_age"): "", ofUsage("success_age"): "", ofUsage("month_grace"): "",
			ofDetail("pending_age"): "", ofDetail("success_age"): "", ofDetail("month_grace"): "",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newCollector(t, standard(log.NewNopLogger()), collector.Account{
				Name: "main", Client: lists(), Exports: apiclient.Exports(), Limits: tc.limits,
			})
			expect(t, c, tc.want)
		})
	}
}

func TestSince(t *testing.T) {
	shanghai := time.FixedZone("UTC+8", 8*60*60)
	for _, tc := range []struct {
		name  string
		since coverage.Date
		want  string
	}{
		{"is midnight in the account's zone", coverage.Date{Year: 2000, Month: time.February, Day: 1}, "9.493344e+08"},
		{"is absent if it is not set", coverage.Date{}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newCollector(t, standard(log.NewNopLogger()), collector.Account{
				Name: "main", Client: lists(), Exports: apiclient.Exports(), TimeZone: shanghai, Since: tc.since,
			})
			expect(t, c, map[string]string{
				ofMain("since_timestamp_seconds"):                               tc.want,
				`since_timestamp_seconds{account="main",export="usage_detail"}`: tc.want,
			})
		})
	}
}

func TestUnmatchedExpectations(t *testing.T) {
	pattern := func(text string) (p coverage.Pattern) {
		if err := p.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return p
	}
	failed := apiclient.Task{ID: "1", Name: "usage-12", Status: apiclient.Failed, Created: epoch}
	for _, tc := range []struct {
		name, pattern string
		tasks         []apiclient.Task
		want          bool
	}{
		{"a file name pattern", "usage-*", []apiclient.Task{failed}, true},
		{"a failed task has a name too", "usage-.*", []apiclient.Task{failed}, false},
		{"no task", "usage-.*", nil, true},
		{"without a pattern every name matches", "", nil, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			account := collector.Account{Expectations: []coverage.Expectation{
				{Name: "monthly", Export: apiclient.Usage, Every: coverage.Month, TaskName: pattern(tc.pattern)},
			}}
			l := &apiclient.Listing{Tasks: tc.tasks, Began: epoch.Time()}
			report := collector.NewReport(collector.NewSnapshot(account, apiclient.Usage, l, 1), epoch.Time())
			if got := report.Expectations[0].Unmatched; got != tc.want {
				t.Errorf("unmatched is %t", got)
			}
		})
	}
}
