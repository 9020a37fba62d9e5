package history

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
)

func TestRecord(t *testing.T) {
	t.Parallel()
	turnOfMonth := []Span{{at(time.October, 31, 23, 0), at(time.November, 1, 12, 0), 30 * time.Minute}}
	record := func() string {
		var text bytes.Buffer
		if err := Record(t, Times(turnOfMonth)).WriteOpenMetrics(&text); err != nil {
			t.Fatal(err)
		}
		return text.String()
	}
	first := record()
	if diff := cmp.Diff(first, record()); diff != "" {
		t.Errorf("recorded again, it differs (-first +second):\n%s", diff)
	}
	const games = `{account="games",export="usage",instance="exporter-1:10077",job="alicdn_export"`
	for _, want := range []string{
		`alicdn_export_month_covered_ratio` + games + `,months_ago="1"} 0 1793462400` + "\n",
		`alicdn_export_unrecovered_failures` + games + `} 1 1793503800` + "\n",
		`task_name="usage-2026-10"} 1 1793503800` + "\n",
	} {
		if !bytes.Contains([]byte(first), []byte(want)) {
			t.Errorf("missing: %s", want)
		}
	}
}

func TestEvaluate(t *testing.T) {
	t.Parallel()
	start := time.Unix(0, 0)
	spans := []Span{{start, start.Add(10 * time.Minute), time.Minute}}
	series := NewSeries()
	for i, t := range Times(spans) {
		bad := 0.0
		if i >= 2 && i <= 5 {
			bad = 1
		}
		series.Append(labels.FromStrings(model.MetricNameLabel, "bad", "account", "games"), t, bad)
	}
	groups := &rulefmt.RuleGroups{Groups: []rulefmt.RuleGroup{{Rules: []rulefmt.Rule{
		{Record: "a:bad:twice", Expr: "2 * bad"},
		{
			Alert: "Bad", Expr: "a:bad:twice > 1", Labels: map[string]string{"severity": "warning"},
			For: model.Duration(2 * time.Minute), KeepFiringFor: model.Duration(time.Minute),
		},
	}}}}
	if err := series.Evaluate(t.Context(), groups, spans); err != nil {
		t.Fatal(err)
	}
	got := make(map[string][]int64)
	for _, one := range series.sorted() {
		if slices.Contains([]string{"ALERTS", "ALERTS_FOR_STATE"}, one.Metric.Get(model.MetricNameLabel)) {
			for _, s := range one.Floats {
				got[one.Metric.String()] = append(got[one.Metric.String()], s.T/60_000)
			}
		}
	}
	// The states that Prometheus writes, by the minute.
	if diff := cmp.Diff(map[string][]int64{
		`{__name__="ALERTS", account="games", alertname="Bad", alertstate="pending", severity="warning"}`: {2, 3},
		`{__name__="ALERTS", account="games", alertname="Bad", alertstate="firing", severity="warning"}`:  {4, 5, 6},
		`{__name__="ALERTS_FOR_STATE", account="games", alertname="Bad", severity="warning"}`:             {2, 3, 4, 5, 6},
	}, got); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}
