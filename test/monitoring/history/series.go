package history

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
)

// Series are time series in memory. They are a storage.Queryable.
type Series struct{ byLabels map[string]*promql.Series }

// NewSeries returns no series.
func NewSeries() *Series { return &Series{make(map[string]*promql.Series)} }

// Append adds a sample to the series with the labels. Times must be added in order.
func (s *Series) Append(l labels.Labels, t time.Time, value float64) {
	one := s.get(l)
	one.Floats = append(one.Floats, promql.FPoint{T: t.UnixMilli(), F: value})
}

// AppendHistogram adds a native histogram to the series with the labels.
func (s *Series) AppendHistogram(l labels.Labels, t time.Time, h *histogram.FloatHistogram) {
	one := s.get(l)
	one.Histograms = append(one.Histograms, promql.HPoint{T: t.UnixMilli(), H: h})
}

// get returns the series with the labels, which may be new.
func (s *Series) get(l labels.Labels) *promql.Series {
	key := l.String()
	if s.byLabels[key] == nil {
		s.byLabels[key] = &promql.Series{Metric: l}
	}
	return s.byLabels[key]
}

// add adds a sample of the exporter's target.
func (s *Series) add(t time.Time, value float64, name string, pairs []*dto.LabelPair, more ...string) {
	b := labels.NewScratchBuilder(len(pairs) + 4)
	b.Add(model.MetricNameLabel, name)
	b.Add(model.JobLabel, job)
	b.Add(model.InstanceLabel, instance)
	for _, pair := range pairs {
		b.Add(pair.GetName(), pair.GetValue())
	}
	if len(more) > 0 {
		b.Add(more[0], more[1])
	}
	b.Sort()
	s.Append(b.Labels(), t, value)
}

// sorted returns the series by name and labels.
func (s *Series) sorted() []*promql.Series {
	all := make([]*promql.Series, 0, len(s.byLabels))
	for _, one := range s.byLabels {
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b *promql.Series) int {
		return cmp.Or(cmp.Compare(a.Metric.Get(model.MetricNameLabel), b.Metric.Get(model.MetricNameLabel)),
			labels.Compare(a.Metric, b.Metric))
	})
	return all
}

// WriteOpenMetrics writes the series for "promtool tsdb create-blocks-from openmetrics". It leaves out errors of
// kinds that never happened.
func (s *Series) WriteOpenMetrics(to io.Writer) error {
	w := bufio.NewWriter(to)
	for _, one := range s.sorted() {
		name := one.Metric.Get(model.MetricNameLabel)
		if name == "alicdn_export_api_errors_total" && !slices.ContainsFunc(one.Floats, isPositive) {
			continue
		}
		// OpenMetrics has no blanks between labels.
		text := name + strings.ReplaceAll(one.Metric.DropReserved(isName).String(), `", `, `",`)
		for _, p := range one.Floats {
			fmt.Fprintf(w, "%s %s %s\n", text, strconv.FormatFloat(p.F, 'g', -1, 64),
				strconv.FormatFloat(float64(p.T)/1000, 'f', -1, 64))
		}
	}
	fmt.Fprintln(w, "# EOF")
	return w.Flush()
}

func isName(label string) bool { return label == model.MetricNameLabel }

func isPositive(p promql.FPoint) bool { return p.F > 0 }

// Querier implements storage.Queryable.
func (s *Series) Querier(_, _ int64) (storage.Querier, error) {
	return &storage.MockQuerier{SelectMockFunction: s.selected}, nil
}

func (s *Series) selected(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	set := &seriesSet{at: -1}
	for _, one := range s.sorted() {
		if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(one.Metric.Get(m.Name)) }) {
			set.series = append(set.series, *one)
		}
	}
	return set
}

// seriesSet is a storage.SeriesSet.
type seriesSet struct {
	series []promql.Series
	at     int
}

// Next implements storage.SeriesSet.
func (s *seriesSet) Next() bool { s.at++; return s.at < len(s.series) }

// At implements storage.SeriesSet.
func (s *seriesSet) At() storage.Series { return promql.NewStorageSeries(s.series[s.at]) }

// Err implements storage.SeriesSet.
func (*seriesSet) Err() error { return nil }

// Warnings implements storage.SeriesSet.
func (*seriesSet) Warnings() annotations.Annotations { return nil }
