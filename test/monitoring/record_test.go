package monitoring

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"

	"alicdn_export_exporter/collector"
)

// recordStory plays the story and returns what a Prometheus scrapes at the given times.
func recordStory(t *testing.T, times []time.Time) *samples {
	t.Helper()
	scraped := newSamples()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(times[0].Add(-time.Second))) // The simulated clock begins in the year 2000.
		exporter := newStoryExporter(versionAt(times[0]))
		defer func() { exporter.collector.Close() }()
		for _, now := range times {
			time.Sleep(time.Until(now))
			up := 1.0
			if version := versionAt(now); version != exporter.version {
				exporter.collector.Close()
				exporter = newStoryExporter(version)
				up = 0 // This scrape met the old process as it ended.
			} else {
				exporter.scrape(t, scraped, now)
			}
			scraped.addScraped(now, up, "up", nil)
		}
	})
	return scraped
}

// exporter is a collector with what is scraped of it. It runs on the simulated clock of a synctest bubble.
type exporter struct {
	collector *collector.Collector
	registry  *prometheus.Registry
}

func newExporter(ttl time.Duration, accounts []collector.Account) *exporter {
	e := &exporter{
		collector: collector.New(collector.Config{
			TTL: ttl, MaxStale: time.Hour, RefreshTimeout: 2 * time.Minute, TaskInfo: 10, Logger: log.NewNopLogger(),
		}),
		registry: prometheus.NewRegistry(),
	}
	e.collector.SetAccounts(accounts)
	e.registry.MustRegister(e.collector)
	return e
}

// storyExporter is an exporter of the story's accounts.
type storyExporter struct {
	*exporter
	version string
}

func newStoryExporter(version string) *storyExporter {
	var collected []collector.Account
	for _, a := range storyAccounts() {
		collected = append(collected, a.newCollected(log.NewNopLogger()))
	}
	e := &storyExporter{newExporter(50*time.Second, collected), version}
	e.registry.MustRegister(e.process())
	return e
}

// process are the metrics of the process. They are made up: those of the test's own process mean nothing here.
func (e *storyExporter) process() prometheus.Collector {
	started := float64(time.Now().Unix())
	set := processMetrics{}
	for name, value := range map[string]func() float64{
		"process_start_time_seconds":                                 func() float64 { return started },
		"alicdn_export_config_last_reload_successful":                func() float64 { return 1 },
		"alicdn_export_config_last_reload_success_timestamp_seconds": func() float64 { return started },
		// The garbage collector lets it swing by two megabytes.
		"process_resident_memory_bytes": func() float64 {
			return 23.5e6 + 1e6*math.Sin(float64(time.Now().Unix())/7000) + 1e6*math.Sin(float64(time.Now().Unix())/41000)
		},
	} {
		set = append(set, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: "-"}, value))
	}
	return append(set, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "alicdn_export_build_info", Help: "-",
		ConstLabels: prometheus.Labels{"version": e.version, "revision": "5f0c1d2", "goversion": "go1.26.7"},
	}, func() float64 { return 1 }))
}

// processMetrics are several collectors as one.
type processMetrics []prometheus.Collector

// Describe implements prometheus.Collector.
func (all processMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range all {
		c.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (all processMetrics) Collect(ch chan<- prometheus.Metric) {
	for _, c := range all {
		c.Collect(ch)
	}
}

// scrape refreshes the lists and adds what the registry then exposes. A scrape waits ten seconds for a refresh.
func (e *exporter) scrape(t *testing.T, scraped *samples, now time.Time) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	e.collector.Refresh(ctx)
	cancel()
	families, err := e.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		name := family.GetName()
		for _, m := range family.GetMetric() {
			switch family.GetType() {
			case dto.MetricType_COUNTER:
				scraped.addScraped(now, m.GetCounter().GetValue(), name, m.GetLabel())
			case dto.MetricType_GAUGE:
				scraped.addScraped(now, m.GetGauge().GetValue(), name, m.GetLabel())
			case dto.MetricType_HISTOGRAM:
				h := m.GetHistogram()
				for _, bucket := range h.GetBucket() {
					scraped.addScraped(now, float64(bucket.GetCumulativeCount()), name+"_bucket", m.GetLabel(),
						model.BucketLabel, fmt.Sprint(bucket.GetUpperBound()))
				}
				scraped.addScraped(now, float64(h.GetSampleCount()), name+"_bucket", m.GetLabel(), model.BucketLabel, "+Inf")
				scraped.addScraped(now, float64(h.GetSampleCount()), name+"_count", m.GetLabel())
				scraped.addScraped(now, h.GetSampleSum(), name+"_sum", m.GetLabel())
			default:
				t.Fatalf("%s has the type %s", name, family.GetType())
			}
		}
	}
}

// addScraped adds a sample of the exporter's target.
func (h *samples) addScraped(t time.Time, value float64, name string, pairs []*dto.LabelPair, more ...string) {
	b := labels.NewScratchBuilder(len(pairs) + 4)
	b.Add(model.MetricNameLabel, name)
	b.Add(model.JobLabel, "alicdn_export")
	b.Add(model.InstanceLabel, "exporter-1:10077")
	for _, pair := range pairs {
		b.Add(pair.GetName(), pair.GetValue())
	}
	if len(more) > 0 {
		b.Add(more[0], more[1])
	}
	b.Sort()
	h.add(b.Labels(), t, value)
}

// addAlerts adds the recorded series, and those that Prometheus writes for the alerts that fire.
func (h *samples) addAlerts(t *testing.T, rules []rulefmt.Rule, at evaluations) {
	t.Helper()
	for _, e := range h.firing(t, rules, at) {
		b := labels.NewBuilder(e.labels).Set(model.AlertNameLabel, e.rule.Alert)
		for name, value := range e.rule.Labels {
			b.Set(name, value)
		}
		since := e.begin.Add(-time.Duration(e.rule.For))
		for now := e.begin; !now.After(at.end) && e.firesAt(now); now = now.Add(at.step) {
			h.add(b.Set(model.MetricNameLabel, "ALERTS_FOR_STATE").Labels(), now, float64(since.Unix()))
			h.add(b.Set(model.MetricNameLabel, "ALERTS").Set("alertstate", "firing").Labels(), now, 1)
			b.Del("alertstate")
		}
	}
}

// writeOpenMetrics writes the series for "promtool tsdb create-blocks-from openmetrics". It leaves out errors of kinds
// that never happened.
func (h *samples) writeOpenMetrics(to io.Writer) error {
	w := bufio.NewWriter(to)
	for _, name := range slices.Sorted(maps.Keys(h.byName)) {
		for _, key := range slices.Sorted(maps.Keys(h.byName[name])) {
			series := h.byName[name][key]
			happened := slices.ContainsFunc(series.Floats, func(p promql.FPoint) bool { return p.F > 0 })
			if name == "alicdn_export_api_errors_total" && !happened {
				continue
			}
			// OpenMetrics has no blanks between labels.
			l := series.Metric.DropReserved(func(label string) bool { return label == model.MetricNameLabel })
			text := name + strings.ReplaceAll(l.String(), `", `, `",`)
			for _, p := range series.Floats {
				if !value.IsStaleNaN(p.F) {
					fmt.Fprintf(w, "%s %s %s\n", text, strconv.FormatFloat(p.F, 'g', -1, 64),
						strconv.FormatFloat(float64(p.T)/1000, 'f', -1, 64))
				}
			}
		}
	}
	fmt.Fprintln(w, "# EOF")
	return w.Flush()
}

// answer is a handler's response to a client's request.
func answer(handler http.Handler, r *http.Request) *http.Response {
	received := r.Clone(r.Context())
	received.Host = r.URL.Host
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, received)
	return recorder.Result()
}

func TestStoryIsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	var times []time.Time // around the turn of the month
	for now := at(time.October, 31, 23, 0); now.Before(at(time.November, 1, 12, 0)); now = now.Add(30 * time.Minute) {
		times = append(times, now)
	}
	record := func() string {
		var text strings.Builder
		if err := recordStory(t, times).writeOpenMetrics(&text); err != nil {
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
		if !strings.Contains(first, want) {
			t.Errorf("missing: %s", want)
		}
	}
}
