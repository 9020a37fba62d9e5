package history

import (
	"context"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
)

// Span is a time in which Prometheus scrapes at an interval.
type Span struct {
	From, To time.Time // To is excluded.
	Interval time.Duration
}

// Times returns the times of the scrapes.
func Times(spans []Span) []time.Time {
	var times []time.Time
	for _, s := range spans {
		for t := s.From; t.Before(s.To); t = t.Add(s.Interval) {
			times = append(times, t)
		}
	}
	return times
}

// NewEngine returns Prometheus' engine for queries.
func NewEngine() *promql.Engine {
	return promql.NewEngine(promql.EngineOpts{
		MaxSamples: 1e9, Timeout: time.Hour, LookbackDelta: 5 * time.Minute,
		EnableAtModifier: true, EnableNegativeOffset: true,
	})
}

// Evaluate evaluates rules at each scrape, in their order, and adds the series that Prometheus would write: those of
// recording rules, ALERTS and ALERTS_FOR_STATE.
func (s *Series) Evaluate(ctx context.Context, groups *rulefmt.RuleGroups, spans []Span) error {
	engine := NewEngine()
	for _, group := range groups.Groups {
		for _, rule := range group.Rules {
			results, err := s.evaluate(ctx, engine, rule, spans)
			if err != nil {
				return err
			}
			for _, r := range results {
				if rule.Record != "" {
					recorded := s.get(r.labels)
					recorded.Floats = append(recorded.Floats, r.points...)
					continue
				}
				s.addAlert(rule, r, Times(spans))
			}
		}
	}
	return nil
}

// result is a series that a rule's expression returned.
type result struct {
	labels labels.Labels
	points []promql.FPoint
}

func (s *Series) evaluate(
	ctx context.Context, engine *promql.Engine, rule rulefmt.Rule, spans []Span,
) ([]*result, error) {
	byLabels := make(map[string]*result)
	var results []*result
	for _, span := range spans {
		matrix, err := s.query(ctx, engine, rule.Expr, span)
		if err != nil {
			return nil, err
		}
		for _, found := range matrix {
			b := labels.NewBuilder(found.Metric).Set(model.MetricNameLabel, rule.Record)
			for name, value := range rule.Labels {
				b.Set(name, value)
			}
			l := b.Labels()
			r := byLabels[l.String()]
			if r == nil {
				r = &result{labels: l}
				byLabels[l.String()] = r
				results = append(results, r)
			}
			r.points = append(r.points, found.Floats...)
		}
	}
	return results, nil
}

// query evaluates a query at each scrape of a span.
func (s *Series) query(ctx context.Context, engine *promql.Engine, expr string, span Span) (promql.Matrix, error) {
	query, err := engine.NewRangeQuery(ctx, s, nil, expr, span.From, span.To.Add(-time.Millisecond), span.Interval)
	if err != nil {
		return nil, err
	}
	return query.Exec(ctx).Matrix()
}

// addAlert adds the states of an alert that is active at the points of a result.
func (s *Series) addAlert(rule rulefmt.Rule, r *result, times []time.Time) {
	active := make(map[int64]bool, len(r.points))
	for _, p := range r.points {
		active[p.T] = true
	}
	var since, lastActive time.Time
	firing := false
	for _, t := range times {
		switch {
		case active[t.UnixMilli()]:
			if since.IsZero() {
				since = t
			}
			lastActive = t
			firing = firing || t.Sub(since) >= time.Duration(rule.For)
		case !firing || t.Sub(lastActive) > time.Duration(rule.KeepFiringFor):
			since, firing = time.Time{}, false
		}
		if since.IsZero() {
			continue
		}
		state := "pending"
		if firing {
			state = "firing"
		}
		b := labels.NewBuilder(r.labels).Set(model.AlertNameLabel, rule.Alert)
		s.Append(b.Set(model.MetricNameLabel, "ALERTS_FOR_STATE").Labels(), t, float64(since.Unix()))
		s.Append(b.Set(model.MetricNameLabel, "ALERTS").Set("alertstate", state).Labels(), t, 1)
	}
}
