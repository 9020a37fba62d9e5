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

// parts are those of each of the runbook's headings.
var parts = []string{"Means", "See it", "Do", "Over when"}

// section is what the runbook says about one alert, by part.
type section map[string]string

// readRunbook returns what stands before the first alert, and the sections.
func readRunbook(t *testing.T) (head string, sections map[string]section) {
	t.Helper()
	content, err := os.ReadFile(root + "/docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(string(content), "\n## ")
	sections = make(map[string]section)
	for text := range strings.SplitSeq(rest, "\n## ") {
		name, text, _ := strings.Cut(text, "\n")
		s := make(section)
		var order []string
		begins := regexp.MustCompile(`(?m)^\*\*([^*]+)\*\*: `).FindAllStringSubmatchIndex(text, -1)
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
			t.Errorf("%s has the parts %q, want %q", name, order, parts)
		}
		sections[name] = s
	}
	return head, sections
}

// code finds blocks and spans of code; what a block is written in comes first.
var code = regexp.MustCompile("(?s)```(\\w*)\n(.*?)```|`([^`]+)`")

// asksFor tells code that is a query: it names a metric, not the program or its job.
var asksFor = regexp.MustCompile(`\balicdn_export(:|_\w)|^(ALERTS|up)\b`)

// queriesIn are the queries in a text.
func queriesIn(t *testing.T, text string) []string {
	t.Helper()
	var queries []string
	for _, found := range code.FindAllStringSubmatch(text, -1) {
		span := found[2] + found[3]
		other := strings.Contains(strings.ReplaceAll(span, "alicdn_export_exporter", ""), "alicdn_export_") ||
			!strings.Contains(span, "alicdn_export_exporter")
		isQuery := asksFor.MatchString(span) && other
		if (found[1] == "promql") != isQuery && found[2] != "" {
			t.Errorf("a block of code that is a query, %v, is called %q: %s", isQuery, found[1], span)
		}
		if isQuery {
			queries = append(queries, span)
		}
	}
	return queries
}

// asked are the metrics that a rule asks for, also through what is recorded.
func asked(t *testing.T, query string) []string {
	t.Helper()
	names := used(t, []string{query})
	for _, rule := range allRules(t, false) {
		if slices.Contains(names, rule.Record) {
			names = append(names, asked(t, rule.Expr)...)
		}
	}
	return names
}

func TestTheRunbookShowsWhatTheAlertsAskFor(t *testing.T) {
	t.Parallel()
	known := slices.Concat(ownMetrics(), fromPrometheus)
	for _, rule := range allRules(t, false) {
		known = append(known, rule.Record)
	}
	head, sections := readRunbook(t)
	if len(queriesIn(t, head)) > 0 {
		t.Error("a query belongs to an alert")
	}
	for _, alert := range allRules(t, true) {
		for _, part := range parts {
			if sections[alert.Alert][part] == "" {
				t.Errorf("%s: nothing under %s", alert.Alert, part)
			}
			for _, query := range queriesIn(t, sections[alert.Alert][part]) {
				for _, name := range used(t, []string{query}) {
					if !slices.Contains(known, name) {
						t.Errorf("%s: %s is asked for, but nothing makes it", alert.Alert, name)
					}
				}
				counterIsRated(t, query)
				labelsExist(t, query)
			}
		}
		seen := used(t, queriesIn(t, sections[alert.Alert]["See it"]))
		if !slices.ContainsFunc(asked(t, alert.Expr), func(name string) bool { return slices.Contains(seen, name) }) {
			t.Errorf("%s: what is to be seen, %q, is nothing that the alert asks for", alert.Alert, seen)
		}
		staysAsLong(t, alert.Alert, time.Duration(alert.KeepFiringFor), sections[alert.Alert]["Over when"])
		delete(sections, alert.Alert)
	}
	for name := range sections {
		t.Errorf("%s is no alert", name)
	}
}

// labelsExist fails a query that asks for a label that the exporter's metrics lack.
func labelsExist(t *testing.T, query string) {
	t.Helper()
	readme, err := os.ReadFile(root + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, selector := range nodes[*parser.VectorSelector](parse(t, query)) {
		row := regexp.MustCompile("(?m)^\\| `" + metric(selector) + "` \\| \\w+ \\| ([^|]*)\\|").FindStringSubmatch(string(readme))
		for _, matcher := range selector.LabelMatchers {
			// What is no row of the README is Prometheus' own, or recorded.
			if row != nil && matcher.Name != model.MetricNameLabel && !slices.Contains(strings.Split(strings.TrimSpace(row[1]), ", "), matcher.Name) {
				t.Errorf("%s: the metric has the labels %s", selector, row[1])
			}
		}
	}
}

// staysAsLong compares what is said of an alert's end with keep_firing_for.
func staysAsLong(t *testing.T, alert string, keep time.Duration, text string) {
	t.Helper()
	said := regexp.MustCompile(`stays\s+(\w+)\s+minutes\s+longer`).FindStringSubmatch(text)
	if said == nil {
		if keep > 0 {
			t.Errorf("%s: that it stays %s longer is not said", alert, keep)
		}
		return
	}
	minutes, err := strconv.Atoi(map[string]string{"five": "5", "ten": "10"}[said[1]])
	if err != nil {
		minutes, err = strconv.Atoi(said[1])
	}
	if err != nil || time.Duration(minutes)*time.Minute != keep {
		t.Errorf("%s stays %s longer, not %s minutes", alert, keep, said[1])
	}
}

func TestTheRunbookNamesFlagsThatExist(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(root + "/docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(root + "/README.md") // Another test compares it with the program.
	if err != nil {
		t.Fatal(err)
	}
	flags := regexp.MustCompile(`--[a-z]+[a-z.-]+`).FindAllString(string(content), -1)
	if len(flags) == 0 {
		t.Error("no flags")
	}
	for _, flag := range flags {
		if !strings.Contains(string(readme), "\n| `"+flag+"` |") {
			t.Errorf("there is no flag %s", flag)
		}
	}
}

// What the runbook quotes is printed, logged or shown so.
func TestTheRunbookQuotesTheProgram(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(root + "/docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	for file, quotes := range map[string][]string{
		"collector/refresher.go":         {"Refresh failed"},
		"main.go":                        {"Configuration is wrong, the one before it stays"},
		"internal/check/check.go":        {"FAILED", "clock"},
		"internal/check/listing.go":      {"OVERDUE since"},
		"internal/web/status.html":       {"Newest success", "Months covered", "List read", "Last refreshes", "Took", "overdue since", "counted by the API but not listed"},
		"dashboards/exporter.json":       {"Reload"},
		"apiclient/advice.go":            {"--api.max-tasks"},
		"internal/config/file.go":        {"task_name", "since", "exports", "time_zone", "rate_limit", "grace", "expectations"},
		"docs/ram-policy.json":           {"cdn:DescribeUserUsageDataExportTask"},
		"apiclient/errors.go":            {"OperationDenied"},
		"alerts/alicdn_export.rules.yml": {"alicdn_export:snapshot_age_seconds:limit", "alicdn_export:refresh_duration_seconds:limit", "alicdn_export:newest_success_age_seconds:limit"},
	} {
		source, err := os.ReadFile(root + "/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, quote := range quotes {
			if !strings.Contains(string(source), quote) || !strings.Contains(string(content), quote) {
				t.Errorf("%q is not both in %s and in the runbook", quote, file)
			}
		}
	}
}
