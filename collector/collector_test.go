package collector_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/coverage"
)

// compareWith compares everything that is collected with a file in testdata.
func compareWith(t *testing.T, c prometheus.Collector, file string) {
	t.Helper()
	want, err := os.Open(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	defer want.Close()
	if err := testutil.CollectAndCompare(c, want); err != nil {
		t.Errorf("%s:\n%v", file, err)
	}
}

// epoch is when the clock of a synctest bubble starts.
const epoch apiclient.Timestamp = 946_684_800

// believable returns a realistic list that gives every metric a value.
func believable() []apiclient.Task {
	const hour = 3600
	over := func(task apiclient.Task, name string, start, end apiclient.Timestamp) apiclient.Task {
		task.Name, task.Start, task.End = name, start, end
		return task
	}
	return []apiclient.Task{
		over(task("101", apiclient.Success, epoch-72*hour, epoch-71*hour), "early",
			at("1999-11-21T00:00:00Z"), at("1999-12-07T23:59:59Z")),
		over(task("102", apiclient.Failed, epoch-48*hour, epoch-47*hour), "middle",
			at("1999-12-16T00:00:00Z"), at("1999-12-20T23:59:59Z")),
		over(task("103", apiclient.Success, epoch-24*hour, epoch-23*hour), "early",
			at("1999-12-01T00:00:00Z"), at("1999-12-15T23:59:59Z")),
		task("104", apiclient.Unknown, epoch-12*hour, epoch-11*hour),
		task("105", apiclient.Created, epoch-2*hour, 0),
		task("106", apiclient.Created, epoch-hour, 0),
	}
}

// oneByOne returns a configuration that exposes the two newest tasks.
func oneByOne() collector.Config {
	config := standard(log.NewNopLogger())
	config.TaskInfo = 2
	return config
}

// expecting returns the account with a monthly and a weekly expectation.
func expecting(account collector.Account) collector.Account {
	var never coverage.Pattern
	if err := never.UnmarshalText([]byte("never")); err != nil {
		panic(err)
	}
	account.Since = coverage.Date{Year: 1999, Month: time.November, Day: 1}
	account.Limits = coverage.Limits{
		PendingAge: coverage.Duration(6 * time.Hour), SuccessAge: coverage.Duration(35 * 24 * time.Hour),
		MonthGrace: coverage.Duration(72 * time.Hour),
	}
	account.Expectations = []coverage.Expectation{
		{
			Name: "monthly", Export: apiclient.Usage, Every: coverage.Month,
			Grace: coverage.Duration(24 * time.Hour), Since: coverage.Date{Year: 1999, Month: time.December, Day: 15},
		},
		{
			Name: "never", Export: apiclient.Usage, Every: coverage.Week,
			TaskName: never, Since: coverage.Date{Year: 1999, Month: time.December, Day: 25},
		},
		{Name: "another export's", Export: apiclient.UsageDetail, Every: coverage.Day},
	}
	return account
}

func TestCollect(t *testing.T) {
	nothing := func(*testing.T, *collector.Collector) {}
	refresh := func(t *testing.T, c *collector.Collector) {
		t.Helper()
		c.Refresh(t.Context())
	}
	skewed := func() (time.Duration, bool) { return -1500 * time.Millisecond, true }
	for file, tc := range map[string]struct {
		client *fakeClient
		happen func(*testing.T, *collector.Collector)
	}{
		"before_the_first_refresh.prom": {
			lists(believable()...), nothing,
		},
		"after_a_failed_first_refresh.prom": {
			&fakeClient{list: func(context.Context, apiclient.Export, []string) (*apiclient.Listing, error) {
				time.Sleep(1500 * time.Millisecond)
				return nil, errOutage
			}}, refresh,
		},
		"a_believable_list.prom": {
			&fakeClient{
				list: func(context.Context, apiclient.Export, []string) (*apiclient.Listing, error) {
					l := listing(believable()...)
					l.TotalCount++ // One that two walks did not find.
					time.Sleep(2 * time.Second)
					return l, nil
				},
				skew: skewed,
				rate: func() float64 { return 12.5 },
			}, refresh,
		},
		"an_empty_list.prom": {
			lists(), refresh,
		},
		"past_max_stale.prom": {
			&fakeClient{
				list: func(_ context.Context, _ apiclient.Export, previous []string) (*apiclient.Listing, error) {
					if previous != nil {
						return nil, errOutage
					}
					return listing(believable()...), nil
				},
				skew: skewed,
			},
			func(t *testing.T, c *collector.Collector) {
				t.Helper()
				for range 61 {
					c.Refresh(t.Context())
					time.Sleep(time.Minute)
				}
			},
		},
	} {
		t.Run(strings.TrimSuffix(strings.ReplaceAll(file, "_", " "), ".prom"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCollector(t, oneByOne(), expecting(usageOf("main", tc.client)))
				tc.happen(t, c)
				compareWith(t, c, file)
			})
		})
	}
}

func TestCollectOverTime(t *testing.T) {
	t.Run("tasks disappear past MaxStale and return with the next success", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			fails := false
			client := &fakeClient{list: func(context.Context, apiclient.Export, []string) (*apiclient.Listing, error) {
				if fails {
					return nil, errOutage
				}
				return listing(task("1", apiclient.Success, epoch-60, epoch-30)), nil
			}}
			c := newMain(t, client)
			refreshAfter := func(wait time.Duration) {
				time.Sleep(wait)
				c.Refresh(t.Context())
			}
			success := ofMain("tasks", "status", "success")
			refreshAfter(0)
			fails = true
			refreshAfter(time.Hour - time.Second)
			expect(t, c, map[string]string{success: "1", ofMain("up"): "0"})
			refreshAfter(2 * time.Second)
			expect(t, c, map[string]string{
				success: "", ofMain("tasks", "status", "failed"): "", ofMain("newest_success_timestamp_seconds"): "",
				ofMain("newest_success_age_seconds"): "", ofMain("unlisted_tasks"): "",
				ofMain("snapshot_timestamp_seconds"): seconds(int64(epoch)),
			})
			fails = false
			refreshAfter(time.Minute)
			expect(t, c, map[string]string{success: "1", ofMain("up"): "1"})
		})
	})

	t.Run("an age advances while the snapshot is the same", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			client := lists(task("1", apiclient.Success, epoch-60, epoch-30))
			c := newMain(t, client)
			c.Refresh(t.Context())
			for _, age := range []string{"30", "40", "50"} {
				expect(t, c, map[string]string{
					ofMain("newest_success_age_seconds"):       age,
					ofMain("newest_success_timestamp_seconds"): seconds(int64(epoch - 30)),
				})
				time.Sleep(10 * time.Second)
				c.Refresh(t.Context())
			}
			if got := client.calls.Load(); got != 1 {
				t.Errorf("%d lists read, want 1", got)
			}
		})
	})

	t.Run("an age is never negative", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			// The API's clock is five minutes ahead.
			c := newMain(t, lists(task("1", apiclient.Success, epoch, epoch+300)))
			c.Refresh(t.Context())
			expect(t, c, map[string]string{ofMain("newest_success_age_seconds"): "0"})
			time.Sleep(301 * time.Second)
			expect(t, c, map[string]string{ofMain("newest_success_age_seconds"): "1"})
		})
	})

	t.Run("months roll over in the account's time zone", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { // From 2000-01-01T08:00:00+08:00.
			december := apiclient.Task{
				ID: "1", Status: apiclient.Success, Created: epoch,
				Start: at("1999-12-01T00:00:00+08:00"), End: at("1999-12-31T23:59:59+08:00"),
			}
			account := usageOf("main", lists(december))
			account.TimeZone = zone(t, "Asia/Shanghai")
			config := standard(log.NewNopLogger())
			config.MaxStale = 100 * 24 * time.Hour
			c := newCollector(t, config, account)
			c.Refresh(t.Context())
			ratio, end := ofMain("month_covered_ratio", "months_ago", "1"), ofMain("month_end_timestamp_seconds", "months_ago", "1")
			ratioBefore := ofMain("month_covered_ratio", "months_ago", "2")
			expect(t, c, map[string]string{
				ratio: "1", ratioBefore: "0", end: seconds(int64(at("2000-01-01T00:00:00+08:00"))),
			})
			time.Sleep(time.Until(at("2000-02-01T00:00:00+08:00").Time()) - time.Second)
			expect(t, c, map[string]string{ratio: "1"})
			time.Sleep(time.Second)
			expect(t, c, map[string]string{
				ratio: "0", ratioBefore: "1", end: seconds(int64(at("2000-02-01T00:00:00+08:00"))),
			})
		})
	})
}

// full returns a Collector that exposes every metric.
func full(t *testing.T) *collector.Collector {
	t.Helper()
	exports := []apiclient.Export{apiclient.Usage, apiclient.UsageDetail}
	client := lists(believable()...)
	client.skew = func() (time.Duration, bool) { return time.Second, true }
	var accounts []collector.Account
	for _, name := range []string{"one", "two"} {
		accounts = append(accounts, expecting(collector.Account{
			Name: name, Client: client, Exports: exports, API: collector.NewAPIMetrics(name, exports, log.NewNopLogger()),
		}))
	}
	c := newCollector(t, oneByOne(), accounts...)
	c.Refresh(t.Context())
	return c
}

func TestDescribe(t *testing.T) {
	t.Run("it describes exactly the metrics that are collected", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := full(t)
			registry := prometheus.NewPedanticRegistry() // It refuses metrics that are not described.
			registry.MustRegister(c)
			families, err := registry.Gather()
			if err != nil {
				t.Error(err)
			}
			var collected []string
			for _, family := range families {
				collected = append(collected, family.GetName())
			}
			slices.Sort(collected)
			if diff := cmp.Diff(describedNames(c), collected); diff != "" {
				t.Errorf("-described +collected:\n%s", diff)
			}
		})
	})

	t.Run("it makes no API call", func(t *testing.T) {
		client := lists()
		if names := describedNames(newMain(t, client)); len(names) == 0 || client.calls.Load() != 0 {
			t.Errorf("%d descriptions took %d calls", len(names), client.calls.Load())
		}
	})
}

func TestMetricNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(full(t))
		problems, err := testutil.GatherAndLint(registry)
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range problems {
			t.Errorf("%s: %s", problem.Metric, problem.Text)
		}
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range families {
			if !strings.HasSuffix(family.GetHelp(), ".") {
				t.Errorf("%s: %q does not end in a period", family.GetName(), family.GetHelp())
			}
		}
	})
}

// Users choose task names. Equal label values must not make the scrape fail.
func TestTaskInfo(t *testing.T) {
	named := func(id, name string) apiclient.Task {
		return apiclient.Task{ID: id, Name: name, Status: apiclient.Success, Created: epoch}
	}
	synctest.Test(t, func(t *testing.T) {
		config := oneByOne()
		config.TaskInfo = 4
		c := newCollector(t, config, usageOf("main", lists(
			named("1", "too old to be shown"),
			named("a\xff", "  trimmed \xff"), named("a\xfe", "  trimmed \xfe"),
			named("ab", strings.Repeat("出", 100)), named("abc", "quote\"\n"),
		)))
		c.Refresh(t.Context())
		shown := 0
		for name := range scrape(t, c) {
			if strings.HasPrefix(name, "task_info") {
				shown++
			}
		}
		expect(t, c, map[string]string{
			ofMain("task_info", "status", "success", "task_id", "a\uFFFD", "task_name", "trimmed \uFFFD"):   "1",
			ofMain("task_info", "status", "success", "task_id", "ab", "task_name", strings.Repeat("出", 85)): "1",
			ofMain("task_info", "status", "success", "task_id", "abc", "task_name", "quote\""):              "1",
			ofMain("task_info", "status", "success", "task_id", "1", "task_name", "too old to be shown"):    "",
		})
		if shown != 3 {
			t.Errorf("%d tasks are shown one by one, want 3", shown)
		}
	})
}
