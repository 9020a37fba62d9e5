package monitoring

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/config"
)

// fromPrometheus are series that Prometheus makes.
var fromPrometheus = []string{"up", "ALERTS"}

// described returns the names that collectors describe.
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

// ownMetrics are those that the exporter makes.
func ownMetrics() []string {
	return described(collector.New(collector.Config{Logger: log.NewNopLogger()}), config.NewReloader(nil),
		versioncollector.NewCollector("alicdn_export"))
}

// libraryMetrics are those of the process and of Go's runtime.
func libraryMetrics() []string {
	return described(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
}

// metric is the name that a selector asks for, without a histogram's suffix.
func metric(selector *parser.VectorSelector) string {
	for _, matcher := range selector.LabelMatchers {
		if matcher.Name == model.MetricNameLabel {
			return strings.TrimSuffix(matcher.Value, "_bucket")
		}
	}
	return ""
}

// used are the metrics that queries ask for.
func used(t *testing.T, queries []string) []string {
	t.Helper()
	var names []string
	for _, query := range queries {
		for _, selector := range nodes[*parser.VectorSelector](parse(t, query)) {
			names = append(names, metric(selector))
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

func TestEveryMetricInAQueryExists(t *testing.T) {
	t.Parallel()
	known := slices.Concat(ownMetrics(), libraryMetrics(), fromPrometheus)
	for _, rule := range allRules(t, false) {
		known = append(known, rule.Record)
	}
	for _, name := range used(t, append(rulesQueries(t), dashboardQueries(t)...)) {
		if !slices.Contains(known, name) {
			t.Errorf("%s is asked for, but nothing makes it", name)
		}
	}
}

func TestEveryMetricIsUsed(t *testing.T) {
	t.Parallel()
	asked := used(t, append(rulesQueries(t), dashboardQueries(t)...))
	for _, name := range ownMetrics() {
		if !slices.Contains(asked, name) {
			t.Errorf("%s is on no panel and in no rule", name)
		}
	}
	for _, rule := range allRules(t, false) {
		if !slices.Contains(asked, rule.Record) {
			t.Errorf("%s is recorded for nothing", rule.Record)
		}
	}
}
