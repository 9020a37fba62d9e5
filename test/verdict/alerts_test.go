package verdict

import (
	"context"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"go.yaml.in/yaml/v3"

	"alicdn_export_exporter/test/monitoring/history"
)

// rules returns the alert rules without their waiting times.
func rules(t *testing.T) *rulefmt.RuleGroups {
	t.Helper()
	content, err := os.ReadFile(root + "/alerts/alicdn_export.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	groups := new(rulefmt.RuleGroups)
	if err := yaml.Unmarshal(content, groups); err != nil {
		t.Fatal(err)
	}
	for _, group := range groups.Groups {
		for i := range group.Rules {
			group.Rules[i].For = 0
		}
	}
	return groups
}

// runbook returns the names of the alerts by the ids of their sections of the runbook.
func runbook(t *testing.T) map[string]string {
	t.Helper()
	sections := make(map[string]string)
	for _, group := range rules(t).Groups {
		for _, rule := range group.Rules {
			if rule.Alert != "" {
				sections[strings.ToLower(rule.Alert)] = rule.Alert
			}
		}
	}
	return sections
}

// firing returns the alerts that fire, in the form of document.alerts, if Prometheus scrapes these metrics every minute
// for longer than all waiting times.
func firing(t *testing.T, metrics string) []string {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(metrics))
	if err != nil {
		t.Fatal(err)
	}
	series, now := history.NewSeries(), time.Now().Truncate(time.Second)
	for ago := 20 * time.Minute; ago >= 0; ago -= time.Minute {
		scraped := now.Add(-ago)
		appendGauge(series, scraped, "up", nil, 1)
		for name, family := range families {
			for _, metric := range family.GetMetric() {
				switch {
				case metric.Gauge != nil:
					appendGauge(series, scraped, name, metric.GetLabel(), metric.GetGauge().GetValue())
				case metric.Counter != nil:
					appendGauge(series, scraped, name, metric.GetLabel(), metric.GetCounter().GetValue())
				}
			}
		}
	}
	evaluated := []history.Span{{From: now, To: now.Add(time.Second), Interval: time.Minute}}
	if err := series.Evaluate(t.Context(), rules(t), evaluated); err != nil {
		t.Fatal(err)
	}
	query, err := history.NewEngine().NewInstantQuery(t.Context(), series, nil, `ALERTS{alertstate="firing"}`, now)
	if err != nil {
		t.Fatal(err)
	}
	defer query.Close()
	vector, err := query.Exec(context.WithoutCancel(t.Context())).Vector()
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]bool)
	for _, sample := range vector {
		found[alertName(t, sample.Metric)] = true
	}
	return sortedKeys(found)
}

func appendGauge(series *history.Series, now time.Time, name string, pairs []*dto.LabelPair, value float64) {
	b := labels.NewBuilder(labels.FromStrings(model.MetricNameLabel, name, model.JobLabel, "alicdn_export", model.InstanceLabel, "exporter"))
	for _, pair := range pairs {
		b.Set(pair.GetName(), pair.GetValue())
	}
	series.Append(b.Labels(), now, value)
}

// alertName returns a firing alert in the form of document.alerts. The label month is like "2026-10", the page and the
// JSON name the month "October 2026".
func alertName(t *testing.T, alert labels.Labels) string {
	t.Helper()
	about := alert.Get("expectation")
	if text := alert.Get("month"); text != "" {
		month, err := time.Parse("2006-01", text)
		if err != nil {
			t.Fatal(err)
		}
		about = month.Format("January 2006")
	}
	return strings.Join([]string{alert.Get("account"), alert.Get("export"), alert.Get("alertname"), about}, " ")
}

func sortedKeys(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
