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
)

// runbookURL matches the address of a section of the runbook. Its group is the address of the runbook.
var runbookURL = regexp.MustCompile(`^(https?://[^#]+)#\w+$`)

// runbook returns the address of the runbook, which all alerts and dashboards share.
func runbook(t *testing.T) string {
	t.Helper()
	found := runbookURL.FindStringSubmatch(allRules(t, true)[0].Annotations["runbook_url"])
	if found == nil {
		t.Fatal("runbook_url is not an address with an anchor")
	}
	return found[1]
}

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

// ruleList returns the rules of all groups, in the order of the file.
func ruleList(t *testing.T) []rulefmt.Rule {
	t.Helper()
	var rules []rulefmt.Rule
	for _, group := range loadRules(t).Groups {
		rules = append(rules, group.Rules...)
	}
	return rules
}

// allRules returns the alerts of all groups, or the recording rules of all groups.
func allRules(t *testing.T, alerts bool) []rulefmt.Rule {
	t.Helper()
	rules := slices.DeleteFunc(ruleList(t), func(r rulefmt.Rule) bool { return (r.Alert != "") != alerts })
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

// maxScrapeInterval is the longest scrape interval that the rules support.
const maxScrapeInterval = 5 * time.Minute

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
			if concern := alert.Labels["concern"]; concern != "export" && concern != "exporter" {
				t.Errorf("concern is %q, want export or exporter", concern)
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
			if anchor := strings.ToLower(alert.Alert); alert.Annotations["runbook_url"] != runbook(t)+"#"+anchor {
				t.Errorf("runbook_url is %q, want %s#%s", alert.Annotations["runbook_url"], runbook(t), anchor)
			} else if !slices.Contains(anchors, anchor) {
				t.Error("the runbook has no section for this alert")
			}
			if time.Duration(alert.For) < 2*maxScrapeInterval {
				t.Errorf("for is %s, shorter than two scrape intervals", alert.For)
			}
			// Nothing is lost when a list is not read for a day.
			if severity == "critical" && time.Duration(alert.For) < 6*time.Hour {
				t.Errorf("critical after only %s", alert.For)
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
				if matrix.Range < 3*maxScrapeInterval {
					t.Errorf("%s may have no value after a lost scrape", matrix)
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

// compressed returns the rules file with windows and delays divided by factor.
func compressed(t *testing.T, factor int) []byte {
	t.Helper()
	groups := loadRules(t)
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
		}
	}
	content, err := yaml.Marshal(groups)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
