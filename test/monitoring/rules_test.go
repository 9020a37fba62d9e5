// Package monitoring tests the alerts and dashboards: they follow the project's standard, every
// metric is used, and every query returns data. With the real Prometheus and Alertmanager, it also
// tests that each kind of trouble is reported once, and that nothing is reported without trouble.
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

// allRules returns the alerts of all groups, or the recording rules of all groups.
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

// parse returns the syntax tree of a query.
func parse(t *testing.T, query string) parser.Expr {
	t.Helper()
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return expr
}

// nodes returns the nodes of type N in a query.
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

// runbookAnchors returns the anchors of the runbook's sections.
func runbookAnchors(t *testing.T) []string {
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

func TestAlerts(t *testing.T) {
	t.Parallel()
	anchors := runbookAnchors(t)
	for _, alert := range allRules(t, true) {
		t.Run(alert.Alert, func(t *testing.T) {
			t.Parallel()
			if !regexp.MustCompile(`^CDNExport[A-Z][A-Za-z]+$`).MatchString(alert.Alert) || len(alert.Alert) > 40 {
				t.Error("the name must be CDNExport… in CamelCase, with at most 40 characters")
			}
			severity := alert.Labels["severity"]
			if !slices.Contains([]string{"critical", "warning", "info"}, severity) {
				t.Errorf("severity is %q, want critical, warning or info", severity)
			}
			annotations := slices.Sorted(maps.Keys(alert.Annotations))
			if !slices.Equal(annotations, []string{"description", "runbook_url", "summary"}) {
				t.Errorf("annotations are %q, want description, runbook_url and summary", annotations)
			}
			summary := alert.Annotations["summary"]
			if strings.Contains(summary, "{{") || !strings.HasSuffix(summary, ".") {
				t.Errorf("summary %q must be a sentence without templates that ends with a period", summary)
			}
			description := alert.Annotations["description"]
			if !strings.HasSuffix(description, ".") {
				t.Errorf("description %q does not end with a period", description)
			}
			expr := parse(t, alert.Expr)
			if isAbsent(expr) {
				if strings.Contains(description, "{{") {
					t.Error("the description uses labels, but absent() drops them")
				}
			} else if !strings.Contains(description, "{{") {
				t.Error("the description uses no label")
			}
			if anchor := strings.ToLower(alert.Alert); alert.Annotations["runbook_url"] != runbook+"#"+anchor {
				t.Errorf("runbook_url is %q, want %s#%s", alert.Annotations["runbook_url"], runbook, anchor)
			} else if !slices.Contains(anchors, anchor) {
				t.Error("the runbook has no section for this alert")
			}
			if time.Duration(alert.For) < 2*time.Minute {
				t.Errorf("for is %s, shorter than two scrape intervals", alert.For)
			}
			checkExpr(t, expr)
		})
	}
	for _, anchor := range anchors {
		isAlert := func(r rulefmt.Rule) bool { return strings.EqualFold(r.Alert, anchor) }
		if !slices.ContainsFunc(allRules(t, true), isAlert) {
			t.Errorf("the runbook has a section %s, but there is no such alert", anchor)
		}
	}
}

func TestRecordingRules(t *testing.T) {
	t.Parallel()
	for _, rule := range allRules(t, false) {
		t.Run(rule.Record, func(t *testing.T) {
			t.Parallel()
			if !strings.HasPrefix(rule.Record, "alicdn_export:") {
				t.Error("the name does not begin with alicdn_export:")
			}
			checkExpr(t, parse(t, rule.Expr))
		})
	}
}

// checkExpr reports a rule that a lost scrape would affect, that does not list the labels it keeps,
// or that may divide by zero.
func checkExpr(t *testing.T, expr parser.Expr) {
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
				t.Errorf("%s has no value after a lost scrape", n)
			}
		case *parser.AggregateExpr:
			if n.Without || len(n.Grouping) == 0 {
				t.Errorf("%s does not list its labels with by", n)
			}
		case *parser.BinaryExpr:
			if n.Op == parser.DIV && n.RHS.Type() == parser.ValueTypeVector && !guarded(n.RHS) {
				t.Errorf("%s may divide by 0", n)
			}
		}
		return nil
	})
}

// guarded reports whether a denominator is always above 0.
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

func TestThresholds(t *testing.T) {
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
				t.Errorf("%s contains the threshold %v, which belongs in the first group", alert.Alert, number.Val)
			}
		}
	}
}

// compressed returns the rules file with windows and delays divided by factor. limits replaces the
// expressions of thresholds by name.
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
		t.Fatalf("the rules contain only %d of these thresholds: %v", replaced, limits)
	}
	content, err := yaml.Marshal(groups)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
