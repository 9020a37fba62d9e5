package history

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/model"

	"alicdn_export_exporter/collector"
)

// The labels of everything that is scraped.
const (
	job      = "alicdn_export"
	instance = "exporter-1:10077"
)

// Record plays the story and returns what a Prometheus scraped at the given times.
func Record(t *testing.T, times []time.Time) *Series {
	t.Helper()
	series := NewSeries()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(times[0].Add(-time.Second))) // The simulated clock begins in the year 2000.
		exporter := newExporter(versionAt(times[0]))
		defer func() { exporter.collector.Close() }()
		for _, now := range times {
			time.Sleep(time.Until(now))
			up := 1.0
			if version := versionAt(now); version != exporter.version {
				exporter.collector.Close()
				exporter = newExporter(version)
				up = 0 // This scrape met the old process as it ended.
			} else {
				exporter.scrape(t, series, now)
			}
			series.add(now, up, "up", nil)
		}
	})
	return series
}

// exporter is a running exporter.
type exporter struct {
	version   string
	collector *collector.Collector
	registry  *prometheus.Registry
}

func newExporter(version string) *exporter {
	e := &exporter{
		version: version,
		collector: collector.New(collector.Config{
			TTL: 50 * time.Second, MaxStale: time.Hour, RefreshTimeout: 2 * time.Minute, TaskInfo: 10,
			Logger: log.NewNopLogger(),
		}),
		registry: prometheus.NewRegistry(),
	}
	var collected []collector.Account
	for _, a := range accounts() {
		collected = append(collected, a.newCollected(log.NewNopLogger()))
	}
	e.collector.SetAccounts(collected)
	e.registry.MustRegister(e.collector, e.process())
	return e
}

// process are the metrics of the process. They are made up: those of the test's own process mean nothing here.
func (e *exporter) process() prometheus.Collector {
	started := float64(time.Now().Unix())
	set := collectors{}
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

// collectors are several collectors as one.
type collectors []prometheus.Collector

// Describe implements prometheus.Collector.
func (all collectors) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range all {
		c.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (all collectors) Collect(ch chan<- prometheus.Metric) {
	for _, c := range all {
		c.Collect(ch)
	}
}

// scrape refreshes the lists and adds what the registry then exposes. A scrape waits ten seconds for a refresh.
func (e *exporter) scrape(t *testing.T, series *Series, now time.Time) {
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
				series.add(now, m.GetCounter().GetValue(), name, m.GetLabel())
			case dto.MetricType_GAUGE:
				series.add(now, m.GetGauge().GetValue(), name, m.GetLabel())
			case dto.MetricType_HISTOGRAM:
				h := m.GetHistogram()
				for _, bucket := range h.GetBucket() {
					series.add(now, float64(bucket.GetCumulativeCount()), name+"_bucket", m.GetLabel(),
						model.BucketLabel, fmt.Sprint(bucket.GetUpperBound()))
				}
				series.add(now, float64(h.GetSampleCount()), name+"_bucket", m.GetLabel(), model.BucketLabel, "+Inf")
				series.add(now, float64(h.GetSampleCount()), name+"_count", m.GetLabel())
				series.add(now, h.GetSampleSum(), name+"_sum", m.GetLabel())
			default:
				t.Fatalf("%s has the type %s", name, family.GetType())
			}
		}
	}
}

// answer is a handler's response to a client's request.
func answer(handler http.Handler, r *http.Request) *http.Response {
	received := r.Clone(r.Context())
	received.Host = r.URL.Host
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, received)
	return recorder.Result()
}
