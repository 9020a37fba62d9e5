package monitoring

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
)

// episode is the time for which an alert fired without a break.
type episode struct {
	rule   rulefmt.Rule
	labels labels.Labels // without the name of the alert and the labels of the rule
	// begin is the first evaluation at which the alert fired, end the first one at which it did not
	// anymore. end is the zero time if it fired at the last evaluation.
	begin, end time.Time
	value      float64 // when it began
}

// firesAt reports whether the alert fired at a time.
func (e episode) firesAt(t time.Time) bool {
	return !t.Before(e.begin) && (e.end.IsZero() || t.Before(e.end))
}

// firing records the recording rules and returns every episode of the alerts among the rules.
func (h *samples) firing(t *testing.T, rules []rulefmt.Rule, at evaluations) []episode {
	t.Helper()
	var all []episode
	for _, rule := range rules {
		if rule.Record != "" {
			h.record(t, rule.Record, rule.Expr, at)
			continue
		}
		for _, series := range h.query(t, rule.Expr, at) {
			all = append(all, episodes(rule, series, at)...)
		}
	}
	slices.SortStableFunc(all, func(a, b episode) int {
		return cmp.Or(a.begin.Compare(b.begin), strings.Compare(a.rule.Alert, b.rule.Alert))
	})
	return all
}

// episodes returns the episodes of an alert with the labels of a series, which is the result of its
// expression. It treats "for" and "keep_firing_for" as Prometheus does.
func episodes(rule rulefmt.Rule, series promql.Series, at evaluations) []episode {
	var all []episode
	var active, absent time.Time // since when the series exists, and since when it does not although the alert fires
	firing := false
	points := series.Floats
	for now := at.start; !now.After(at.end); now = now.Add(at.step) {
		exists := len(points) > 0 && points[0].T == now.UnixMilli()
		switch {
		case exists && active.IsZero():
			active, absent = now, time.Time{}
		case exists:
			absent = time.Time{}
		case firing && absent.IsZero():
			absent = now
		}
		switch {
		case exists && !firing && now.Sub(active) >= time.Duration(rule.For):
			firing = true
			all = append(all, episode{
				rule: rule, labels: series.Metric.DropReserved(func(n string) bool { return n == "__name__" }),
				begin: now, value: points[0].F,
			})
		case !exists && firing && now.Sub(absent) >= time.Duration(rule.KeepFiringFor):
			firing, active = false, time.Time{}
			all[len(all)-1].end = now
		case !exists && !firing:
			active = time.Time{}
		}
		if exists {
			points = points[1:]
		}
	}
	return all
}

// withInputs returns the alert and the recording rules that it uses, in the order of the file.
func withInputs(t *testing.T, rules []rulefmt.Rule, alert string) []rulefmt.Rule {
	t.Helper()
	needed := make(map[string]bool)
	var chosen []rulefmt.Rule
	for _, rule := range slices.Backward(rules) {
		if rule.Alert == alert || rule.Record != "" && needed[rule.Record] {
			chosen = append(chosen, rule)
			for _, name := range metricsIn(t, []string{rule.Expr}) {
				needed[name] = true
			}
		}
	}
	slices.Reverse(chosen)
	return chosen
}
