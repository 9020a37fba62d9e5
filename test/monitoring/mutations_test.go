package monitoring

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// mutations change a rule, and its unit tests must detect that. Each returns whether it changed
// something.
var mutations = map[string]func(*testing.T, *rulefmt.Rule) bool{
	"for is a minute longer":              func(_ *testing.T, r *rulefmt.Rule) bool { return lengthen(&r.For, minute) },
	"for is a minute shorter":             func(_ *testing.T, r *rulefmt.Rule) bool { return lengthen(&r.For, -minute) },
	"keep_firing_for is a minute longer":  func(_ *testing.T, r *rulefmt.Rule) bool { return lengthen(&r.KeepFiringFor, minute) },
	"keep_firing_for is a minute shorter": func(_ *testing.T, r *rulefmt.Rule) bool { return lengthen(&r.KeepFiringFor, -minute) },
	"the window is only a minute": func(t *testing.T, r *rulefmt.Rule) bool {
		return setWindows(t, r, func(time.Duration) time.Duration { return minute })
	},
	"the window is twice as long": func(t *testing.T, r *rulefmt.Rule) bool {
		return setWindows(t, r, func(d time.Duration) time.Duration { return 2 * d })
	},
	"> becomes >=": func(t *testing.T, r *rulefmt.Rule) bool {
		changed := strings.ReplaceAll(r.Expr, "> ", ">= ")
		parse(t, changed)
		defer func() { r.Expr = changed }()
		return changed != r.Expr && r.Alert != ""
	},
	"the threshold is higher": func(_ *testing.T, r *rulefmt.Rule) bool { return scaleThreshold(r, "1.05") },
	"the threshold is lower":  func(_ *testing.T, r *rulefmt.Rule) bool { return scaleThreshold(r, "0.95") },
}

func lengthen(d *model.Duration, by time.Duration) bool {
	if *d == 0 {
		return false
	}
	*d += model.Duration(by)
	return true
}

func setWindows(t *testing.T, r *rulefmt.Rule, to func(time.Duration) time.Duration) bool {
	t.Helper()
	expr := parse(t, r.Expr)
	windows := nodes[*parser.MatrixSelector](expr)
	for _, window := range windows {
		window.Range = to(window.Range)
	}
	r.Expr = expr.String()
	return len(windows) > 0
}

func scaleThreshold(r *rulefmt.Rule, factor string) bool {
	if !strings.HasSuffix(r.Record, ":limit") {
		return false
	}
	r.Expr = "(" + r.Expr + ") * " + factor
	return true
}

// TestRuleUnitTestsDetectMutations changes the rules and runs promtool: its unit tests must fail. This
// test does not run in parallel with tests that depend on time, because it needs the whole machine.
func TestRuleUnitTestsDetectMutations(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes")
	}
	for _, mutation := range slices.Sorted(maps.Keys(mutations)) {
		t.Run(mutation, func(t *testing.T) {
			t.Parallel()
			// Alerts do not depend on each other, so all are changed at once.
			broken := loadRules(t)
			var alerts []string
			for _, rule := range rulePointers(broken) {
				if rule.Alert != "" && mutations[mutation](t, rule) {
					alerts = append(alerts, rule.Alert)
				}
			}
			if len(alerts) > 0 {
				output := promtoolOutput(t, broken)
				for _, alert := range alerts {
					if !strings.Contains(output, "alertname: "+alert+",") {
						t.Errorf("%s: no unit test fails", alert)
					}
				}
			}
			// Many rules use a recorded series, so these are changed one at a time.
			for i, rule := range rulePointers(loadRules(t)) {
				broken := loadRules(t)
				if rule.Record == "" || !mutations[mutation](t, rulePointers(broken)[i]) {
					continue
				}
				if !strings.Contains(promtoolOutput(t, broken, "--run="+usersOf(broken, rule.Record)), "FAILED") {
					t.Errorf("%s: no unit test fails", rule.Record)
				}
			}
		})
	}
}

// rulePointers returns the rules of all groups; the caller may change them.
func rulePointers(groups *rulefmt.RuleGroups) []*rulefmt.Rule {
	var rules []*rulefmt.Rule
	for _, group := range groups.Groups {
		for i := range group.Rules {
			rules = append(rules, &group.Rules[i])
		}
	}
	return rules
}

// usersOf returns a regular expression for the names of the unit tests that may detect a change to a
// recorded series: tests of alerts that use it directly or through another series, and tests that
// belong to no alert.
func usersOf(groups *rulefmt.RuleGroups, record string) string {
	names := []string{"[^C]"}
	for _, rule := range rulePointers(groups) {
		switch {
		case !strings.Contains(rule.Expr, record):
		case rule.Alert != "":
			names = append(names, rule.Alert)
		default:
			names = append(names, strings.TrimPrefix(strings.TrimSuffix(usersOf(groups, rule.Record), ")"), "^("))
		}
	}
	return "^(" + strings.Join(names, "|") + ")"
}

// promtoolOutput runs the unit tests with other rules and returns promtool's output.
func promtoolOutput(t *testing.T, rules *rulefmt.RuleGroups, args ...string) string {
	t.Helper()
	directory := t.TempDir()
	content, err := yaml.Marshal(rules)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(directory, "tests"), 0o700); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{filepath.Base(rulesFile): content}
	args = append([]string{"test", "rules"}, args...)
	for _, file := range unitTestFiles(t) {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join("tests", filepath.Base(file))
		files[name] = content
		args = append(args, filepath.Join(directory, name))
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(directory, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, _ := run(t, tool(t, "promtool"), args...) // An error is expected.
	return out
}
