package monitoring

import (
	"context"
	"math"
	"slices"
	"sort"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
)

// staleNaN is the value with which Prometheus marks the end of a series.
var staleNaN = math.Float64frombits(value.StaleNaN)

// samples is a storage of samples in memory. Prometheus' query engine evaluates rules on it.
type samples struct {
	byName map[string]map[string]*promql.Series // by metric name, and then by all labels
}

func newSamples() *samples { return &samples{make(map[string]map[string]*promql.Series)} }

// add appends a sample to a series, which must have no later one.
func (h *samples) add(series labels.Labels, t time.Time, v float64) {
	name, key := series.Get(model.MetricNameLabel), series.String()
	if h.byName[name] == nil {
		h.byName[name] = make(map[string]*promql.Series)
	}
	if h.byName[name][key] == nil {
		h.byName[name][key] = &promql.Series{Metric: series}
	}
	s := h.byName[name][key]
	s.Floats = append(s.Floats, promql.FPoint{T: t.UnixMilli(), F: v})
}

// Querier implements storage.Queryable.
func (h *samples) Querier(_, _ int64) (storage.Querier, error) {
	return &storage.MockQuerier{SelectMockFunction: h.selectSeries}, nil
}

func (h *samples) selectSeries(_ bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	set := &seriesSet{at: -1}
	for _, matcher := range matchers {
		if matcher.Name != model.MetricNameLabel || matcher.Type != labels.MatchEqual {
			continue
		}
		for _, s := range h.byName[matcher.Value] {
			if slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(s.Metric.Get(m.Name)) }) {
				continue
			}
			set.all = append(set.all, promql.Series{
				Metric: s.Metric, Floats: between(s.Floats, hints.Start, hints.End), Histograms: s.Histograms,
			})
		}
	}
	sort.Slice(set.all, func(i, j int) bool { return labels.Compare(set.all[i].Metric, set.all[j].Metric) < 0 })
	return set
}

// between returns the points from start to end.
func between(points []promql.FPoint, start, end int64) []promql.FPoint {
	first := sort.Search(len(points), func(i int) bool { return points[i].T >= start })
	last := sort.Search(len(points), func(i int) bool { return points[i].T > end })
	return points[first:max(first, last)]
}

// seriesSet implements storage.SeriesSet.
type seriesSet struct {
	all []promql.Series
	at  int
}

func (s *seriesSet) Next() bool {
	s.at++
	return s.at < len(s.all)
}

func (s *seriesSet) At() storage.Series                { return promql.NewStorageSeries(s.all[s.at]) }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }

// engine evaluates queries.
var engine = promql.NewEngine(promql.EngineOpts{
	MaxSamples: math.MaxInt, Timeout: time.Hour, LookbackDelta: 5 * time.Minute,
	Parser: parser.NewParser(parser.Options{}),
})

// evaluations are the times at which rules are evaluated.
type evaluations struct {
	start, end time.Time
	step       time.Duration
}

// query evaluates a query at all times.
func (h *samples) query(t *testing.T, query string, at evaluations) promql.Matrix {
	t.Helper()
	q, err := engine.NewRangeQuery(context.Background(), h, nil, query, at.start, at.end, at.step)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer q.Close()
	result := q.Exec(context.Background())
	matrix, err := result.Matrix()
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	matrix = slices.Clone(matrix) // Close lets other queries reuse the memory.
	for i := range matrix {
		matrix[i].Floats = slices.Clone(matrix[i].Floats)
	}
	return matrix
}

// record adds the series of a recording rule. A rule uses only those that were recorded before it.
func (h *samples) record(t *testing.T, name, query string, at evaluations) {
	t.Helper()
	for _, series := range h.query(t, query, at) {
		b := labels.NewBuilder(series.Metric)
		s := &promql.Series{Metric: b.Set(model.MetricNameLabel, name).Labels()}
		for i, point := range series.Floats {
			s.Floats = append(s.Floats, point)
			next := point.T + at.step.Milliseconds()
			if (i+1 == len(series.Floats) || series.Floats[i+1].T > next) && next <= at.end.UnixMilli() {
				s.Floats = append(s.Floats, promql.FPoint{T: next, F: staleNaN})
			}
		}
		if h.byName[name] == nil {
			h.byName[name] = make(map[string]*promql.Series)
		}
		h.byName[name][s.Metric.String()] = s
	}
}
