package history

import (
	"bufio"
	"cmp"
	"context"
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
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// Series are time series in memory. They are a storage.Queryable.
type Series struct{ byLabels map[string]*oneSeries }

type oneSeries struct {
	labels  labels.Labels
	samples []chunks.Sample
}

// sample is a chunks.Sample: a number, or a native histogram.
type sample struct {
	t int64 // Unix milliseconds
	f float64
	h *histogram.FloatHistogram
}

func (s sample) T() int64                      { return s.t }
func (s sample) ST() int64                     { return 0 }
func (s sample) F() float64                    { return s.f }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return s.h }
func (s sample) Copy() chunks.Sample           { return s }
func (s sample) Type() chunkenc.ValueType {
	if s.h != nil {
		return chunkenc.ValFloatHistogram
	}
	return chunkenc.ValFloat
}

// NewSeries returns no series.
func NewSeries() *Series { return &Series{make(map[string]*oneSeries)} }

// Append adds a sample to the series with the labels. Times must be added in order.
func (s *Series) Append(l labels.Labels, t time.Time, value float64) {
	s.append(l, sample{t: t.UnixMilli(), f: value})
}

// AppendHistogram adds a native histogram to the series with the labels.
func (s *Series) AppendHistogram(l labels.Labels, t time.Time, h *histogram.FloatHistogram) {
	s.append(l, sample{t: t.UnixMilli(), h: h})
}

func (s *Series) append(l labels.Labels, added sample) {
	key := l.String()
	one := s.byLabels[key]
	if one == nil {
		one = &oneSeries{labels: l}
		s.byLabels[key] = one
	}
	one.samples = append(one.samples, added)
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
func (s *Series) sorted() []*oneSeries {
	all := make([]*oneSeries, 0, len(s.byLabels))
	for _, one := range s.byLabels {
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b *oneSeries) int {
		return cmp.Or(cmp.Compare(a.labels.Get(model.MetricNameLabel), b.labels.Get(model.MetricNameLabel)),
			labels.Compare(a.labels, b.labels))
	})
	return all
}

// WriteOpenMetrics writes the series for "promtool tsdb create-blocks-from openmetrics". It leaves out errors of
// kinds that never happened.
func (s *Series) WriteOpenMetrics(to io.Writer) error {
	w := bufio.NewWriter(to)
	for _, one := range s.sorted() {
		name := one.labels.Get(model.MetricNameLabel)
		if name == "alicdn_export_api_errors_total" && !slices.ContainsFunc(one.samples, isPositive) {
			continue
		}
		// OpenMetrics has no blanks between labels.
		text := name + strings.ReplaceAll(one.labels.DropReserved(isName).String(), `", `, `",`)
		for _, sample := range one.samples {
			fmt.Fprintf(w, "%s %s %s\n", text, strconv.FormatFloat(sample.F(), 'g', -1, 64),
				strconv.FormatFloat(float64(sample.T())/1000, 'f', -1, 64))
		}
	}
	fmt.Fprintln(w, "# EOF")
	return w.Flush()
}

func isName(label string) bool { return label == model.MetricNameLabel }

func isPositive(s chunks.Sample) bool { return s.F() > 0 }

// Querier implements storage.Queryable.
func (s *Series) Querier(_, _ int64) (storage.Querier, error) { return querier{s}, nil }

type querier struct{ series *Series }

// Select implements storage.Querier.
func (q querier) Select(
	_ context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher,
) storage.SeriesSet {
	set := &seriesSet{next: -1}
	for _, one := range q.series.sorted() {
		if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(one.labels.Get(m.Name)) }) {
			set.series = append(set.series, storage.NewListSeries(one.labels, one.samples))
		}
	}
	return set
}

// LabelValues implements storage.Querier. The engine does not call it.
func (querier) LabelValues(
	context.Context, string, *storage.LabelHints, ...*labels.Matcher,
) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

// LabelNames implements storage.Querier. The engine does not call it.
func (querier) LabelNames(
	context.Context, *storage.LabelHints, ...*labels.Matcher,
) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

// Close implements storage.Querier.
func (querier) Close() error { return nil }

// seriesSet is a storage.SeriesSet.
type seriesSet struct {
	series []storage.Series
	next   int
}

// Next implements storage.SeriesSet.
func (s *seriesSet) Next() bool { s.next++; return s.next < len(s.series) }

// At implements storage.SeriesSet.
func (s *seriesSet) At() storage.Series { return s.series[s.next] }

// Err implements storage.SeriesSet.
func (*seriesSet) Err() error { return nil }

// Warnings implements storage.SeriesSet.
func (*seriesSet) Warnings() annotations.Annotations { return nil }
