package monitoring

import (
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
)

// together is how queries take together what the replicas of an exporter say of an
// account, by metric: the operators, such as min, that stand around it first.
func together(t *testing.T, queries []string) map[string][]string {
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
			if selector, ok := expr.(*parser.VectorSelector); ok && strings.HasPrefix(metric(selector), "alicdn_export_") {
				operators[metric(selector)] = append(operators[metric(selector)], aggregate.Op.String())
			}
		}
	}
	return operators
}

// Where two replicas do not say the same, the dashboards show what the alerts count.
func TestDashboardsTakeReplicasTogetherAsAlertsDo(t *testing.T) {
	t.Parallel()
	counted := together(t, rulesQueries(t))
	compared := 0
	for name, operators := range together(t, dashboardQueries(t)) {
		for _, operator := range operators {
			if len(counted[name]) == 0 {
				continue
			}
			compared++
			if !slices.Contains(counted[name], operator) {
				t.Errorf("%s: the dashboards take its %s, the alerts its %q", name, operator, counted[name])
			}
		}
	}
	if compared < 10 {
		t.Errorf("%d comparisons", compared)
	}
}
