package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// gaugesPath is the path of the constGauges beside /metrics.
const gaugesPath = "/gauges"

// constGauges serves n const gauges from a registry of their own. It is the least that an exporter of as
// many series does. Like the exporter's series, four have one name, and two labels.
func constGauges(n int) http.Handler {
	const sameName = 4
	var descs []*prometheus.Desc
	for i := range (n + sameName - 1) / sameName {
		descs = append(descs, prometheus.NewDesc(fmt.Sprintf("alicdn_export_gauge_%02d_seconds", i),
			"Time since the newest successful task was completed.", []string{"account", "export"}, nil))
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.CollectorFunc(func(ch chan<- prometheus.Metric) {
		for i := range n {
			labels := []string{"default", fmt.Sprint("usage", i)}
			//nolint:promlinter // It cannot read a description in a slice.
			ch <- prometheus.MustNewConstMetric(descs[i/sameName], prometheus.GaugeValue, float64(i), labels...)
		}
	}))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// comparison is the CPU time of a scrape, and of a scrape of as many const gauges, in several rounds.
type comparison struct {
	manner       string
	ours, gauges []time.Duration
}

// ratio is the median of the rounds' ratios.
func (c comparison) ratio() float64 {
	var ratios []float64
	for i := range c.ours {
		ratios = append(ratios, float64(c.ours[i])/float64(c.gauges[i]))
	}
	slices.Sort(ratios)
	return ratios[len(ratios)/2]
}

// compareWithGauges scrapes a handler and the const gauges in the same process in turn, over one
// connection, so that no scrapes share a response.
func compareWithGauges(ctx context.Context, url string, process int, d time.Duration) ([]comparison, error) {
	const rounds = 9
	compared := []comparison{{manner: "plain text"}, {manner: "gzip"}}
	headers := []http.Header{plain, asPrometheus}
	gauges := strings.TrimSuffix(url, "/metrics") + gaugesPath
	for range rounds {
		for i := range compared {
			ours, err := serveFor(ctx, url, headers[i], process, 1, d/rounds)
			if err != nil {
				return nil, err
			}
			bare, err := serveFor(ctx, gauges, headers[i], process, 1, d/rounds)
			if err != nil {
				return nil, err
			}
			compared[i].ours, compared[i].gauges = append(compared[i].ours, ours.CPU), append(compared[i].gauges, bare.CPU)
		}
	}
	return compared, nil
}
