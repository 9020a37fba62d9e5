package monitoring

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
)

// parts are the parts of each section of the runbook, in order.
var parts = []string{"Means", "Urgency", "See it", "Do", "Resolved when"}

// section contains the runbook's text about one alert, by part.
type section map[string]string

// readRunbook returns the text before the first alert, and the sections by alert.
func readRunbook(t *testing.T) (head string, sections map[string]section) {
	t.Helper()
	content, err := os.ReadFile(root + "/docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(string(content), "\n## CDNExport")
	sections = make(map[string]section)
	for text := range strings.SplitSeq("CDNExport"+rest, "\n## ") {
		name, text, _ := strings.Cut(text, "\n")
		s := make(section)
		var order []string
		begins := regexp.MustCompile(`(?m)^\*\*([^*]+)\*\*:\s`).FindAllStringSubmatchIndex(text, -1)
		for i, begin := range begins {
			end := len(text)
			if i+1 < len(begins) {
				end = begins[i+1][0]
			}
			part := text[begin[2]:begin[3]]
			order = append(order, part)
			s[part] = strings.TrimSpace(text[begin[1]:end])
		}
		if !slices.Equal(order, parts) {
			t.Errorf("%s: parts are %q, want %q", name, order, parts)
		}
		sections[name] = s
	}
	return head, sections
}

// code matches code blocks and code spans. Its groups are a block's language, a block and a span.
var code = regexp.MustCompile("(?s)```(\\w*)\n(.*?)```|`([^`]+)`")

// metricInCode matches code that names a metric.
var metricInCode = regexp.MustCompile(`\balicdn_export(:|_\w)|^(ALERTS|up)\b`)

// queriesIn returns the queries in a text.
func queriesIn(t *testing.T, text string) []string {
	t.Helper()
	var queries []string
	for _, found := range code.FindAllStringSubmatch(text, -1) {
		span := found[2] + found[3]
		notProgram := strings.Contains(strings.ReplaceAll(span, "alicdn_export_exporter", ""), "alicdn_export_") ||
			!strings.Contains(span, "alicdn_export_exporter")
		isQuery := metricInCode.MatchString(span) && notProgram
		if (found[1] == "promql") != isQuery && found[2] != "" {
			t.Errorf("a code block has the language %q, but is a query: %v: %s", found[1], isQuery, span)
		}
		if isQuery {
			queries = append(queries, span)
		}
	}
	return queries
}

// metricsBehind returns the metrics that a query uses, directly and through recorded series.
func metricsBehind(t *testing.T, query string) []string {
	t.Helper()
	names := metricsIn(t, []string{query})
	for _, rule := range allRules(t, false) {
		if slices.Contains(names, rule.Record) {
			names = append(names, metricsBehind(t, rule.Expr)...)
		}
	}
	return names
}

func TestRunbookSections(t *testing.T) {
	t.Parallel()
	known := slices.Concat(ownMetrics(), prometheusSeries)
	for _, rule := range allRules(t, false) {
		known = append(known, rule.Record)
	}
	head, sections := readRunbook(t)
	if len(queriesIn(t, head)) > 0 {
		t.Error("a query is outside the sections of the alerts")
	}
	for _, alert := range allRules(t, true) {
		for _, part := range parts {
			if sections[alert.Alert][part] == "" {
				t.Errorf("%s: the part %s is empty", alert.Alert, part)
			}
			for _, query := range queriesIn(t, sections[alert.Alert][part]) {
				for _, name := range metricsIn(t, []string{query}) {
					if !slices.Contains(known, name) {
						t.Errorf("%s: a query uses %s, which does not exist", alert.Alert, name)
					}
				}
				checkCounters(t, query)
				checkLabels(t, query)
			}
		}
		seen := metricsIn(t, queriesIn(t, sections[alert.Alert]["See it"]))
		isShown := func(name string) bool { return slices.Contains(seen, name) }
		if !slices.ContainsFunc(metricsBehind(t, alert.Expr), isShown) {
			t.Errorf("%s: the alert uses none of the metrics under \"See it\", %q", alert.Alert, seen)
		}
		checkKeepFiring(t, alert.Alert, time.Duration(alert.KeepFiringFor), sections[alert.Alert]["Resolved when"])
		delete(sections, alert.Alert)
	}
	for name := range sections {
		t.Errorf("the section %s belongs to no alert", name)
	}
}

// checkLabels reports a label in a query that the metric does not have.
func checkLabels(t *testing.T, query string) {
	t.Helper()
	table, err := os.ReadFile(root + "/docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, selector := range nodes[*parser.VectorSelector](parse(t, query)) {
		row := regexp.MustCompile("(?m)^\\| `" + metric(selector) + "` \\| \\w+ \\| ([^|]*)\\|").
			FindStringSubmatch(string(table))
		for _, matcher := range selector.LabelMatchers {
			// What is no row of the table is Prometheus' own, or recorded.
			if row != nil && matcher.Name != model.MetricNameLabel &&
				!slices.Contains(strings.Split(strings.TrimSpace(row[1]), ", "), matcher.Name) {
				t.Errorf("%s: the metric has the labels %s", selector, row[1])
			}
		}
	}
}

// checkKeepFiring compares "stays … minutes longer" in the runbook with keep_firing_for.
func checkKeepFiring(t *testing.T, alert string, keep time.Duration, text string) {
	t.Helper()
	found := regexp.MustCompile(`stays\s+(\w+)\s+minutes\s+longer`).FindStringSubmatch(text)
	if found == nil {
		if keep > 0 {
			t.Errorf("%s: the runbook does not say that the alert stays %s longer", alert, keep)
		}
		return
	}
	minutes, err := strconv.Atoi(map[string]string{"five": "5", "ten": "10"}[found[1]])
	if err != nil {
		minutes, err = strconv.Atoi(found[1])
	}
	if err != nil || time.Duration(minutes)*time.Minute != keep {
		t.Errorf("%s stays %s longer, not %s minutes", alert, keep, found[1])
	}
}

func TestRunbookFlags(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(root + "/docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile(root + "/docs/configuration.md") // Another test compares the table with the program.
	if err != nil {
		t.Fatal(err)
	}
	flags := regexp.MustCompile(`--[a-z]+[a-z.-]+`).FindAllString(string(content), -1)
	if len(flags) == 0 {
		t.Error("the runbook names no flags")
	}
	for _, flag := range flags {
		if !strings.Contains(string(table), "\n| `"+flag+"` |") {
			t.Errorf("the flag %s does not exist", flag)
		}
	}
}

// The runbook must quote texts exactly as the program prints, logs or shows them.
func TestRunbookQuotes(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(root + "/docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	for file, quotes := range map[string][]string{
		"collector/refresher.go":      {"Refresh failed"},
		"internal/accounts/reload.go": {"Reload failed, keeping the current configuration"},
		"internal/check/text.go":      {"clock"},
		"internal/web/status.html": {
			"Newest success", "List read", "Last refreshes", "Took",
			"counted by the API but not listed",
		},
		"dashboards/overview.json":  {"Instances"},
		"internal/advice/advice.go": {"--api.max-tasks"},
		"internal/config/account.go": {
			"exports", "time_zone", "rate_limit", "expectations",
		},
		"internal/coverage/expectation.go": {"task_name", "since", "grace"},
		"docs/ram-policy.json":             {"cdn:DescribeUserUsageDataExportTask"},
		"apiclient/codes.go":               {"OperationDenied"},
		"alerts/alicdn_export.rules.yml": {
			"alicdn_export:snapshot_age_seconds:limit", "alicdn_export:refresh_duration_seconds:limit",
		},
	} {
		source, err := os.ReadFile(root + "/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, quote := range quotes {
			if !strings.Contains(string(source), quote) || !strings.Contains(string(content), quote) {
				t.Errorf("%q must be both in %s and in the runbook", quote, file)
			}
		}
	}
}
