package monitoring

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/accounts"
	"alicdn_export_exporter/internal/config"
)

// prometheusSeries are the series that Prometheus itself creates.
var prometheusSeries = []string{"up", "ALERTS", "ALERTS_FOR_STATE"}

// described returns the names of the metrics that collectors describe.
func described(all ...prometheus.Collector) []string {
	var names []string
	name := regexp.MustCompile(`fqName: "([^"]+)"`)
	for _, c := range all {
		ch := make(chan *prometheus.Desc)
		go func() {
			defer close(ch)
			c.Describe(ch)
		}()
		for desc := range ch {
			names = append(names, name.FindStringSubmatch(desc.String())[1])
		}
	}
	return names
}

// ownMetrics returns the exporter's own metrics.
func ownMetrics() []string {
	accts, err := accounts.New(context.Background(), new(config.Flags), log.NewNopLogger())
	if err != nil {
		panic(err)
	}
	return described(collector.New(collector.Config{Logger: log.NewNopLogger()}), accts,
		versioncollector.NewCollector("alicdn_export"))
}

// libraryMetrics returns the metrics of the process and of Go's runtime.
func libraryMetrics() []string {
	return described(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
}

// metric returns the metric name of a selector, without a histogram's suffix. It is empty if the selector has a
// pattern for the name.
func metric(selector *parser.VectorSelector) string {
	for _, matcher := range selector.LabelMatchers {
		if matcher.Name == model.MetricNameLabel && matcher.Type == labels.MatchEqual {
			return strings.TrimSuffix(matcher.Value, "_bucket")
		}
	}
	return ""
}

// metricsIn returns the metrics in queries, sorted.
func metricsIn(t *testing.T, queries []string) []string {
	t.Helper()
	var names []string
	for _, query := range queries {
		for _, selector := range nodes[*parser.VectorSelector](parse(t, query)) {
			if name := metric(selector); name != "" {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func rulesQueries(t *testing.T) []string {
	t.Helper()
	var queries []string
	for _, rule := range append(allRules(t, true), allRules(t, false)...) {
		queries = append(queries, rule.Expr)
	}
	return queries
}

func TestMetricsInQueriesExist(t *testing.T) {
	t.Parallel()
	known := slices.Concat(ownMetrics(), libraryMetrics(), prometheusSeries)
	for _, rule := range allRules(t, false) {
		known = append(known, rule.Record)
	}
	for _, name := range metricsIn(t, append(rulesQueries(t), dashboardQueries(t)...)) {
		if !slices.Contains(known, name) {
			t.Errorf("a query uses %s, which does not exist", name)
		}
	}
}

func TestMetricsAreUsed(t *testing.T) {
	t.Parallel()
	used := metricsIn(t, append(rulesQueries(t), dashboardQueries(t)...))
	for _, name := range ownMetrics() {
		if !slices.Contains(used, name) {
			t.Errorf("no panel and no rule uses %s", name)
		}
	}
	for _, rule := range allRules(t, false) {
		if !slices.Contains(used, rule.Record) {
			t.Errorf("no panel and no rule uses the recorded series %s", rule.Record)
		}
	}
}
