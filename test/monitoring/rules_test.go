// Package monitoring tests the alerts and dashboards: that they keep to the
// project's standard, that every metric is used and every query answered, and,
// with the real Prometheus and Alertmanager, that each trouble is told once and
// that nothing is told where there is none.
package monitoring

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

const (
	root      = "../.."
	rulesFile = root + "/alerts/alicdn_export.rules.yml"
	runbook   = "https://alicdn-export-exporter.example/docs/runbook.md"
)

// loadRules returns the rules file.
func loadRules(t *testing.T) *rulefmt.RuleGroups {
	t.Helper()
	content, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	groups := new(rulefmt.RuleGroups)
	if err := yaml.Unmarshal(content, groups); err != nil {
		t.Fatal(err)
	}
	return groups
}

// allRules returns the rules of all groups that are alerts or not.
func allRules(t *testing.T, alerts bool) []rulefmt.Rule {
	t.Helper()
	var rules []rulefmt.Rule
	for _, group := range loadRules(t).Groups {
		for _, rule := range group.Rules {
			if (rule.Alert != "") == alerts {
				rules = append(rules, rule)
			}
		}
	}
	if len(rules) == 0 {
		t.Fatal("no rules")
	}
	return rules
}

// parse returns the query as a tree.
func parse(t *testing.T, query string) parser.Expr {
	t.Helper()
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return expr
}

// nodes returns the parts of a query that are of a kind.
func nodes[N parser.Node](expr parser.Expr) []N {
	var found []N
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if n, ok := node.(N); ok {
			found = append(found, n)
		}
		return nil
	})
	return found
}

// headings returns the runbook's headings as the links to them are written.
func headings(t *testing.T) []string {
	t.Helper()
	content, err := os.ReadFile(root + "/docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	var anchors []string
	for _, heading := range regexp.MustCompile(`(?m)^## (CDNExport\w+)$`).FindAllStringSubmatch(string(content), -1) {
		anchors = append(anchors, strings.ToLower(heading[1]))
	}
	return anchors
}

func TestAlertsKeepToTheStandard(t *testing.T) {
	t.Parallel()
	anchors := headings(t)
	for _, alert := range allRules(t, true) {
		t.Run(alert.Alert, func(t *testing.T) {
			t.Parallel()
			if !regexp.MustCompile(`^CDNExport[A-Z][A-Za-z]+$`).MatchString(alert.Alert) || len(alert.Alert) > 40 {
				t.Error("its name is not CDNExport… in CamelCase of at most 40 characters")
			}
			if severity := alert.Labels["severity"]; !slices.Contains([]string{"critical", "warning", "info"}, severity) {
				t.Errorf("severity %q is none of critical, warning, info", severity)
			}
			if got := slices.Sorted(maps.Keys(alert.Annotations)); !slices.Equal(got, []string{"description", "runbook_url", "summary"}) {
				t.Errorf("annotations %q", got)
			}
			if summary := alert.Annotations["summary"]; strings.Contains(summary, "{{") || !strings.HasSuffix(summary, ".") {
				t.Errorf("summary %q is no static sentence with a period", summary)
			}
			description := alert.Annotations["description"]
			if !strings.HasSuffix(description, ".") {
				t.Errorf("description %q does not end with a period", description)
			}
			expr := parse(t, alert.Expr)
			if isAbsent(expr) {
				if strings.Contains(description, "{{") {
					t.Error("absent() loses the labels that the description names")
				}
			} else if !strings.Contains(description, "{{") {
				t.Error("its description does not say what it is about")
			}
			if anchor := strings.ToLower(alert.Alert); alert.Annotations["runbook_url"] != runbook+"#"+anchor {
				t.Errorf("runbook_url %q", alert.Annotations["runbook_url"])
			} else if !slices.Contains(anchors, anchor) {
				t.Error("the runbook has no such heading")
			}
			if time.Duration(alert.For) < 2*time.Minute {
				t.Errorf("for %s is shorter than two scrape intervals", alert.For)
			}
			survivesALostScrape(t, expr)
		})
	}
	for _, anchor := range anchors {
		if !slices.ContainsFunc(allRules(t, true), func(r rulefmt.Rule) bool { return strings.EqualFold(r.Alert, anchor) }) {
			t.Errorf("the runbook has the heading %s, but there is no such alert", anchor)
		}
	}
}

func TestRecordingRulesKeepToTheStandard(t *testing.T) {
	t.Parallel()
	for _, rule := range allRules(t, false) {
		t.Run(rule.Record, func(t *testing.T) {
			t.Parallel()
			if !strings.HasPrefix(rule.Record, "alicdn_export:") {
				t.Error("its name does not begin with alicdn_export:")
			}
			survivesALostScrape(t, parse(t, rule.Expr))
		})
	}
}

// survivesALostScrape fails a rule that looks at an exporter's series only as it
// is this moment, or that leaves open which labels it keeps.
func survivesALostScrape(t *testing.T, expr parser.Expr) {
	t.Helper()
	parser.Inspect(expr, func(node parser.Node, path []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			if strings.Contains(n.Name, ":") || len(path) == 0 {
				return nil
			}
			if matrix, ok := path[len(path)-1].(*parser.MatrixSelector); ok {
				if matrix.Range < 5*time.Minute {
					t.Errorf("%s looks back less than five minutes", matrix)
				}
				return nil
			}
			if call, ok := path[len(path)-1].(*parser.Call); !ok || call.Func.Name != "absent" {
				t.Errorf("%s is gone when a scrape is lost", n)
			}
		case *parser.AggregateExpr:
			if n.Without || len(n.Grouping) == 0 {
				t.Errorf("%s does not say by which labels", n)
			}
		case *parser.BinaryExpr:
			if n.Op == parser.DIV && n.RHS.Type() == parser.ValueTypeVector && !guarded(n.RHS) {
				t.Errorf("%s may divide by 0", n)
			}
		}
		return nil
	})
}

// guarded tells whether a denominator is above 0 wherever it is there.
func guarded(expr parser.Expr) bool {
	for {
		parens, ok := expr.(*parser.ParenExpr)
		if !ok {
			break
		}
		expr = parens.Expr
	}
	comparison, ok := expr.(*parser.BinaryExpr)
	return ok && comparison.Op == parser.GTR && !comparison.ReturnBool && comparison.RHS.String() == "0"
}

func TestThresholdsAreInOnePlace(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile(root + "/alerts/README.md")
	if err != nil {
		t.Fatal(err)
	}
	limits := 0
	for _, rule := range allRules(t, false) {
		if strings.HasSuffix(rule.Record, ":limit") {
			limits++
			if !strings.Contains(string(document), "`"+rule.Record+"`") {
				t.Errorf("%s is not in alerts/README.md", rule.Record)
			}
		}
	}
	if limits == 0 {
		t.Error("no thresholds")
	}
	for _, alert := range allRules(t, true) {
		for _, number := range nodes[*parser.NumberLiteral](parse(t, alert.Expr)) {
			if number.Val != 0 && number.Val != 1 {
				t.Errorf("%s has the threshold %v, which belongs into the first group", alert.Alert, number.Val)
			}
		}
	}
}

// compressed returns a rules file whose windows and delays are shorter by a factor,
// and with other limits where some are given.
func compressed(t *testing.T, factor int, limits map[string]string) []byte {
	t.Helper()
	groups := loadRules(t)
	replaced := 0
	for _, group := range groups.Groups {
		for i := range group.Rules {
			rule := &group.Rules[i]
			rule.For /= model.Duration(factor)
			rule.KeepFiringFor /= model.Duration(factor)
			expr := parse(t, rule.Expr)
			for _, window := range nodes[*parser.MatrixSelector](expr) {
				window.Range /= time.Duration(factor)
			}
			rule.Expr = expr.String()
			if limit, ok := limits[rule.Record]; ok {
				rule.Expr = limit
				replaced++
			}
		}
	}
	if replaced != len(limits) {
		t.Fatalf("%d of these thresholds are in the rules: %v", replaced, limits)
	}
	content, err := yaml.Marshal(groups)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
