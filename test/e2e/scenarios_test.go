package e2e_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The metrics about missing, failed and stuck exports. Each scenario is an account with two expectations: "monthly" for
// its monthly export, and "never", which no task meets.
func TestScenarios(t *testing.T) {
	t.Parallel()
	// The simulated accounts export last month at 6 o'clock on the 1st.
	now := time.Now().In(time.FixedZone("UTC+8", 8*3600))
	exported := now.Day() > 1 || now.Hour() >= 7
	scenarios := map[string]struct {
		unrecovered, created, failed, unknown string          // numbers of tasks; empty for not compared
		lastMonth, monthBefore                string          // shares covered; empty for not compared
		gapLastMonth                          bool            // less than all of last month is covered
		gapHours                              float64         // how much less; 0 for not compared
		pendingLong                           bool            // a task is pending for more than an hour
		overdue                               map[string]bool // by name of the expectation
	}{
		"healthy": {
			unrecovered: "0", failed: "1", lastMonth: "1", monthBefore: "1",
			overdue: map[string]bool{"monthly": false, "never": true},
		},
		"failed":          {unrecovered: "1", unknown: "0", gapLastMonth: true, overdue: map[string]bool{"never": true}},
		"stuck":           {unrecovered: "0", created: "1", pendingLong: true, overdue: map[string]bool{"monthly": false}},
		"forgotten-month": {monthBefore: "1", gapLastMonth: true, overdue: map[string]bool{"never": true}},
		"too-early": {
			unrecovered: "0", failed: "0", gapLastMonth: true, gapHours: 4,
			overdue: map[string]bool{"monthly": true, "never": true},
		},
	}
	file := "accounts:\n"
	for _, name := range slices.Sorted(maps.Keys(scenarios)) {
		_, endpoint := serveScenario(t, name)
		file += fmt.Sprintf(`- name: %s
  endpoint: %s
  exports: [usage, usage_detail]
  expectations:
  - {name: monthly, export: usage, task_name: usage-.*, every: month, grace: 72h}
  - {name: never, export: usage, task_name: no such task, every: week}
`, name, endpoint)
	}
	_, address := serve(t, keyEnv(defaultKey),
		"--config.file="+writeFile(t, "exporter.yml", "%s", file), "--collector.task-info=3")
	page := scrape(t, address)
	for name, tc := range scenarios {
		t.Run(name, func(t *testing.T) {
			detail := func(metric string) string { return fmt.Sprintf(`%s{account=%q,export="usage_detail"}`, metric, name) }
			expectSamples(t, page, map[string]string{
				detail("up"): "1", detail("unrecovered_failures"): "0", detail("covered_until_timestamp_seconds"): "",
			})
			for metric, want := range map[string]string{
				metric("unrecovered_failures", name):                  tc.unrecovered,
				metric("tasks", name, `status="created"`):             tc.created,
				metric("tasks", name, `status="failed"`):              tc.failed,
				metric("tasks", name, `status="unknown"`):             tc.unknown,
				metric("month_covered_ratio", name, `months_ago="1"`): tc.lastMonth,
				metric("month_covered_ratio", name, `months_ago="2"`): tc.monthBefore,
			} {
				if want != "" && (exported || !strings.Contains(metric, `months_ago="1"`)) {
					expectSamples(t, page, map[string]string{metric: want})
				}
			}
			for expectation, overdue := range tc.overdue {
				if due := timestamp(t, page, dueName(name, expectation)); due.Before(time.Now()) != overdue {
					t.Errorf("%s is due at %v, want overdue: %t", expectation, due, overdue)
				}
			}
			if until := timestamp(t, page, metric("covered_until_timestamp_seconds", name)); until.After(time.Now()) {
				t.Errorf("covered until %v", until)
			}
			if tc.pendingLong {
				created := timestamp(t, page, metric("oldest_pending_created_timestamp_seconds", name))
				if time.Since(created) < time.Hour {
					t.Errorf("the oldest pending export was created at %v", created)
				}
			}
			if ratio := number(t, page, metric("month_covered_ratio", name, `months_ago="1"`)); tc.gapLastMonth && ratio >= 1 {
				t.Errorf("last month is covered to %v, want less than 1", ratio)
			}
			if ratio := number(t, page, metric("month_covered_ratio", name, `months_ago="1"`)); tc.gapHours > 0 && exported {
				seconds := number(t, page, metric("month_end_timestamp_seconds", name, `months_ago="1"`)) -
					number(t, page, metric("month_end_timestamp_seconds", name, `months_ago="2"`))
				if gap := (1 - ratio) * seconds / 3600; gap < tc.gapHours-0.1 || gap > tc.gapHours {
					t.Errorf("last month lacks %v hours, want %v", gap, tc.gapHours)
				}
			}
			expectSamples(t, page, map[string]string{
				metric("malformed_tasks", name):                                                          "0",
				metric("limit_seconds", name, `limit="pending_age"`):                                     "21600",
				metric("limit_seconds", name, `limit="success_age"`):                                     "3.024e+06",
				metric("limit_seconds", name, `limit="month_grace"`):                                     "259200",
				fmt.Sprintf(`limit_seconds{account=%q,export="usage_detail",limit="month_grace"}`, name): "",
			})
			if n := strings.Count(page, fmt.Sprintf("\nalicdn_export_task_info{account=%q,", name)); n != 6 {
				t.Errorf("%d samples of task_info, want 3 of each export", n)
			}
		})
	}
}

func TestExpectations(t *testing.T) {
	t.Parallel()
	tomorrow := time.Now().AddDate(0, 0, 2).Format(time.DateOnly) // Later than today in every time zone.
	_, endpoint := serveScenario(t, "healthy")
	file := writeFile(t, "exporter.yml", `accounts:
- name: main
  endpoint: %q
  expectations:
  - {name: plain, export: usage, task_name: no such task, every: month}
  - {name: patient, export: usage, task_name: no such task, every: month, grace: 30h}
  - {name: later, export: usage, task_name: no such task, every: month, since: %s}
`, endpoint, tomorrow)
	_, address := serve(t, keyEnv(defaultKey), "--config.file="+file)
	page := scrape(t, address)
	due := func(expectation string) time.Time { return timestamp(t, page, dueName("main", expectation)) }
	t.Run("are due when the usage of a period is complete", func(t *testing.T) {
		if due("plain").After(time.Now()) {
			t.Errorf("due at %v", due("plain"))
		}
	})
	t.Run("are due later with a grace", func(t *testing.T) {
		// The usage delay of four hours is part of the grace.
		if grace := due("patient").Sub(due("plain")); grace != 26*time.Hour {
			t.Errorf("due %v later, want 26h", grace)
		}
	})
	t.Run("are not due before since", func(t *testing.T) {
		if due("later").Before(time.Now()) {
			t.Errorf("due at %v", due("later"))
		}
	})
}

// dueName returns the name of an expectation's sample, with its labels.
func dueName(account, expectation string) string {
	return fmt.Sprintf(`expectation_due_timestamp_seconds{account=%q,expectation=%q,export="usage"}`, account, expectation)
}

// number returns the value of a sample. The test fails if it is absent.
func number(t *testing.T, page, name string) float64 {
	t.Helper()
	value, err := strconv.ParseFloat(sample(page, name), 64)
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	return value
}

// timestamp returns the value of a sample as a time, in whole seconds.
func timestamp(t *testing.T, page, name string) time.Time {
	t.Helper()
	return time.Unix(int64(number(t, page, name)), 0)
}
