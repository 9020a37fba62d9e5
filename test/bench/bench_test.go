package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

// TestMain runs the test binary as a child process if bench started it as one.
func TestMain(m *testing.M) {
	if child, ok := os.LookupEnv(childVariable); ok {
		os.Exit(runChild(child, os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// TestReport makes every measurement with very small figures. It checks only the goals that do not
// depend on time.
func TestReport(t *testing.T) {
	var out, progress strings.Builder
	err := report(context.Background(), plan{
		Sizes: [3]int{60, 120, 300}, Rounds: [3]int{1, 1, 1}, Latency: 5 * time.Millisecond, Rate: 100,
		Refreshes: 2, Serving: 100 * time.Millisecond, Scrapes: 80, ColdScrapes: 50,
		Fleets: []int{2}, FleetTasks: 60, WarmScrapes: 3,
		Load: loadPlan{Accounts: 2, Scrapers: 5, Unread: 5, Headers: 5},
	}, &out, &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	t.Log(out.String())
	rows := make(map[string]string)
	for line := range strings.Lines(out.String()) {
		name, rest, _ := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		rows[name] = rest
	}
	for _, name := range []string{
		"API calls for cached scrapes",
		"API calls for 50 cold scrapes ÷ those of one listing",
		"the other cold scrapes served with the snapshot, in percent",
		"memory for 5 scrapers at once, 2 accounts, in MB",
		"memory for 5 clients that do not read, 2 accounts, in MB",
		"memory for 5 headers that do not end, 2 accounts, in MB",
	} {
		if !strings.HasSuffix(rows[name], "| yes |\n") {
			t.Errorf("%s: %q", name, rows[name])
		}
	}
}
