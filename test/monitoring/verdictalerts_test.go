package monitoring

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// sections returns the names of the alerts by the ids of their sections of the runbook.
func sections(t *testing.T) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, alert := range allRules(t, true) {
		all[strings.ToLower(alert.Alert)] = alert.Alert
	}
	return all
}

// alertsOf returns the alerts that fire, in the form of document.alerts, if Prometheus scrapes these metrics every minute
// for longer than all waiting times.
func alertsOf(t *testing.T, metrics string) []string {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(metrics))
	if err != nil {
		t.Fatal(err)
	}
	scraped, now := newSamples(), time.Now().Truncate(time.Second)
	for ago := 20 * time.Minute; ago >= 0; ago -= time.Minute {
		scraped.addScraped(now.Add(-ago), 1, "up", nil)
		for name, family := range families {
			for _, metric := range family.GetMetric() {
				switch {
				case metric.Gauge != nil:
					scraped.addScraped(now.Add(-ago), metric.GetGauge().GetValue(), name, metric.GetLabel())
				case metric.Counter != nil:
					scraped.addScraped(now.Add(-ago), metric.GetCounter().GetValue(), name, metric.GetLabel())
				}
			}
		}
	}
	rules := ruleList(t)
	for i := range rules {
		rules[i].For = 0
	}
	found := make(map[string]bool)
	for _, e := range scraped.firing(t, rules, evaluations{now, now, time.Minute}) {
		found[alertName(t, e)] = true
	}
	return sortedKeys(found)
}

// alertName returns a firing alert in the form of document.alerts. The label month is like "2026-10", the page and the
// JSON name the month "October 2026".
func alertName(t *testing.T, e episode) string {
	t.Helper()
	about := e.labels.Get("expectation")
	if text := e.labels.Get("month"); text != "" {
		month, err := time.Parse("2006-01", text)
		if err != nil {
			t.Fatal(err)
		}
		about = month.Format("January 2006")
	}
	return strings.Join([]string{e.labels.Get("account"), e.labels.Get("export"), e.rule.Alert, about}, " ")
}

func sortedKeys(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
