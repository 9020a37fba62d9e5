package monitoring

import (
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
)

// replicaOperators returns, by metric, the operators (such as min) with which queries aggregate
// the replicas of an exporter for an account. Only the innermost operator counts.
func replicaOperators(t *testing.T, queries []string) map[string][]string {
	t.Helper()
	operators := make(map[string][]string)
	for _, query := range queries {
		for _, aggregate := range nodes[*parser.AggregateExpr](parse(t, query)) {
			if !slices.Contains(aggregate.Grouping, "account") || slices.Contains(aggregate.Grouping, "instance") {
				continue
			}
			expr := aggregate.Expr
			if call, ok := expr.(*parser.Call); ok && strings.HasSuffix(call.Func.Name, "_over_time") {
				expr = call.Args[0]
			}
			if matrix, ok := expr.(*parser.MatrixSelector); ok {
				expr = matrix.VectorSelector
			}
			selector, ok := expr.(*parser.VectorSelector)
			if ok && strings.HasPrefix(metric(selector), "alicdn_export_") {
				operators[metric(selector)] = append(operators[metric(selector)], aggregate.Op.String())
			}
		}
	}
	return operators
}

// If two replicas disagree, dashboards and alerts must use the same value.
func TestDashboardReplicas(t *testing.T) {
	t.Parallel()
	inAlerts := replicaOperators(t, rulesQueries(t))
	compared := 0
	for name, operators := range replicaOperators(t, dashboardQueries(t)) {
		for _, operator := range operators {
			if len(inAlerts[name]) == 0 {
				continue
			}
			compared++
			if !slices.Contains(inAlerts[name], operator) {
				t.Errorf("%s: the dashboards use %s, the alerts use %q", name, operator, inAlerts[name])
			}
		}
	}
	if compared < 10 {
		t.Errorf("only %d comparisons, want at least 10", compared)
	}
}
