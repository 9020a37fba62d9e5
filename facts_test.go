package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// expected is an account of which a monthly export is expected, and one that
// nobody makes.
const expected = `accounts:
- name: main
  exports: [usage, usage_detail]
  expectations:
  - {name: monthly, export: usage, task_name: usage-.*, every: month, grace: 72h}
  - {name: never, export: usage, task_name: nobody makes this, every: week}
`

// What finance acts on, in the running program and for each scenario of the
// simulated API that is about it.
func TestFactsOfTheScenarios(t *testing.T) {
	const labels = `{account="main",export="usage"`
	month := func(ago int) string {
		return `month_covered_ratio` + labels + `,months_ago="` + strconv.Itoa(ago) + `"}`
	}
	due := func(name string) string {
		return `expectation_due_timestamp_seconds{account="main",expectation="` + name + `",export="usage"}`
	}
	for name, tc := range map[string]struct {
		want    map[string]string
		overdue map[string]bool
	}{
		"healthy": {
			map[string]string{`unrecovered_failures` + labels + `}`: "0", `tasks` + labels + `,status="failed"}`: "1", month(1): "1", month(2): "1"},
			map[string]bool{"monthly": false, "never": true},
		},
		"failed": {
			map[string]string{`unrecovered_failures` + labels + `}`: "1", `tasks` + labels + `,status="unknown"}`: "0"},
			map[string]bool{"never": true},
		},
		"stuck": {
			map[string]string{`unrecovered_failures` + labels + `}`: "0", `tasks` + labels + `,status="created"}`: "1"},
			map[string]bool{"monthly": false},
		},
		"forgotten-month": {
			map[string]string{month(2): "1"},
			map[string]bool{"never": true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "config.yml")
			if err := os.WriteFile(file, []byte(expected), 0o600); err != nil {
				t.Fatal(err)
			}
			p, address := exporter(t, serveAPI(t, newScenario(t, name)), "--config.file="+file, "--collector.task-info=3")
			_, page := get(t, address+"/metrics")
			expectSamples(t, page, tc.want)
			for expectation, overdue := range tc.overdue {
				seconds, err := strconv.ParseFloat(sample(page, due(expectation)), 64)
				if err != nil || time.Unix(int64(seconds), 0).Before(time.Now()) != overdue {
					t.Errorf("%s is due at %v (%v), overdue: want %v", expectation, seconds, err, overdue)
				}
			}
			const detail = `{account="main",export="usage_detail"`
			expectSamples(t, page, map[string]string{`up` + detail + `}`: "1", `unrecovered_failures` + detail + `}`: "0", `covered_until_timestamp_seconds` + detail + `}`: ""})
			if until, err := strconv.ParseFloat(sample(page, `covered_until_timestamp_seconds`+labels+`}`), 64); err != nil || until > float64(time.Now().Unix()) {
				t.Errorf("covered until %v (%v)", until, err)
			}
			if name == "stuck" {
				created, err := strconv.ParseFloat(sample(page, `oldest_pending_created_timestamp_seconds`+labels+`}`), 64)
				if err != nil || time.Since(time.Unix(int64(created), 0)) < time.Hour {
					t.Errorf("the oldest pending export was created at %v (%v)", created, err)
				}
			}
			if name == "forgotten-month" || name == "failed" {
				if ratio, err := strconv.ParseFloat(sample(page, month(1)), 64); err != nil || ratio >= 1 {
					t.Errorf("last month is covered to %v (%v), want less than all of it", ratio, err)
				}
			}
			if n := strings.Count(page, "\nalicdn_export_task_info{"); n != 6 {
				t.Errorf("%d tasks are shown one by one, want 3 of each export", n)
			}
			p.stop()
		})
	}
}

func TestABadFileEndsInOneLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yml")
	for _, tc := range []struct{ config, want string }{
		{"accounts:\n- nam: x\n  exprts: y\n", "config.yml:2: accounts[0].nam: is not a known key; " + file + ":3: accounts[0].exprts: is not a known key\n"},
		{"accounts:\n- expectations:\n  - {name: a, export: usage_detail, every: day}\n", `accounts[0].expectations[0].export: usage_detail is not among the exports of the account` + "\n"},
	} {
		if err := os.WriteFile(file, []byte(tc.config), 0o600); err != nil {
			t.Fatal(err)
		}
		status, _, stderr := once(t, "--demo", "--config.file="+file)
		if status != 1 || !strings.HasSuffix(stderr, tc.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("status %d, stderr %q, want it to end in %q", status, stderr, tc.want)
		}
	}
}

func TestAnExpectationsGraceAndBeginningCount(t *testing.T) {
	tomorrow := time.Now().AddDate(0, 0, 2).Format(time.DateOnly) // At the latest, wherever it is.
	file := filepath.Join(t.TempDir(), "config.yml")
	if err := os.WriteFile(file, []byte(`accounts:
- name: main
  expectations:
  - {name: plain, export: usage, task_name: nobody makes this, every: month}
  - {name: patient, export: usage, task_name: nobody makes this, every: month, grace: 30h}
  - {name: later, export: usage, task_name: nobody makes this, every: month, since: `+tomorrow+`}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	p, address := exporter(t, "--demo", "--config.file="+file)
	_, page := get(t, address+"/metrics")
	p.stop()
	due := make(map[string]float64)
	for _, name := range []string{"plain", "patient", "later"} {
		seconds, err := strconv.ParseFloat(sample(page, `expectation_due_timestamp_seconds{account="main",expectation="`+name+`",export="usage"}`), 64)
		if err != nil {
			t.Fatal(err)
		}
		due[name] = seconds
	}
	now := float64(time.Now().Unix())
	if due["patient"]-due["plain"] != 30*60*60 || due["plain"] > now || due["later"] < now {
		t.Errorf("due at %v, it is %v", due, now)
	}
}
