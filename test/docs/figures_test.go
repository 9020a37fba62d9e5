package docs_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"alicdn_export_exporter/internal/coverage"
)

// The limits in the tables are those of the flags and of the code.
func TestLimits(t *testing.T) {
	t.Parallel()
	configuration := findPage(t, "docs/configuration.md")
	flags, limits := configuration.rows("flag"), configuration.rows("key of limits")
	alerts := findPage(t, "alerts/README.md").rows("limit")
	for key, most := range map[string]coverage.Duration{
		"pending_age": coverage.MaxPendingAge, "success_age": coverage.MaxSuccessAge, "month_grace": coverage.MaxMonthGrace,
	} {
		flag := flags["--limit."+strings.ReplaceAll(key, "_", "-")]
		if len(flag) == 0 {
			t.Fatalf("there is no flag for %s", key)
		}
		if row := limits[key]; len(row) == 0 || row[1] != flag[1] || row[2] != most.String() {
			t.Errorf("docs/configuration.md: the row of %s is %q, want %s and %s", key, row, flag[1], most)
		}
		if row := alerts[key]; len(row) == 0 || row[1] != flag[1] {
			t.Errorf("alerts/README.md: the row of %s is %q, want %s", key, row, flag[1])
		}
	}
}

// The calls and times in docs/performance.md follow from 50 tasks per page and a burst of eight calls: pages are read
// until one is not full, and the first one is read again if there are several.
func TestCosts(t *testing.T) {
	t.Parallel()
	rows := findPage(t, "docs/performance.md").rows("tasks")
	for text, row := range rows {
		tasks, err := strconv.Atoi(strings.ReplaceAll(text, ",", ""))
		if err != nil {
			t.Fatal(err)
		}
		calls := tasks/50 + 1
		if calls > 1 {
			calls++
		}
		want := []string{text, strconv.Itoa(calls), "one round trip", "one round trip"}
		for i, rate := range map[int]float64{2: 20, 3: 80} {
			if calls > 1 {
				want[i] = fmt.Sprintf("%.1f s", (float64(calls)-8)/rate)
			}
		}
		row[1] = strings.ReplaceAll(row[1], ",", "")
		if strings.Join(row, "|") != strings.Join(want, "|") {
			t.Errorf("the row is %q, want %q", row, want)
		}
	}
	if len(rows) != 5 {
		t.Errorf("%d rows", len(rows))
	}
}
