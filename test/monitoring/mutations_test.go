package monitoring

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
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
	"any replica counts": func(_ *testing.T, r *rulefmt.Rule) bool {
		before := r.Expr
		r.Expr = strings.ReplaceAll(r.Expr, "and on (job, instance, account, export) alicdn_export:replica:chosen", "")
		return r.Expr != before
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

// harmless are mutations that change nothing about the alerts.
var harmless = map[string][]string{
	// The threshold lies between whole numbers.
	"> becomes >=":            {"CDNExportAccountRefused"},
	"the threshold is higher": {"alicdn_export:failed_refreshes:limit"},
	"the threshold is lower":  {"alicdn_export:failed_refreshes:limit"},
	// An old replica has the older months, and the newest ones count.
	"any replica counts": {"alicdn_export:month_end_timestamp_seconds:chosen"},
	// The alert that uses it waits longer than a gap or a window.
	"the window is only a minute": {"alicdn_export:config_timestamp_seconds:max15m"},
	"the window is twice as long": {"alicdn_export:config_timestamp_seconds:max15m"},
}

// TestRuleUnitTestsDetectMutations changes one rule at a time: a test of an alert that uses the rule
// must fail.
func TestRuleUnitTestsDetectMutations(t *testing.T) {
	t.Parallel()
	rules, tests := ruleList(t), unitTests(t)
	for _, mutation := range slices.Sorted(maps.Keys(mutations)) {
		t.Run(mutation, func(t *testing.T) {
			t.Parallel()
			for i := range rules {
				broken, name := slices.Clone(rules), rules[i].Alert+rules[i].Record
				if !mutations[mutation](t, &broken[i]) {
					continue
				}
				used, found := detected(t, tests, broken, name)
				if used && found == slices.Contains(harmless[mutation], name) {
					t.Errorf("%s: a test fails: %v", name, found)
				}
			}
		})
	}
}

// detected reports whether a test fails with the rules, one of which has changed. used is false if no
// alert uses it.
func detected(t *testing.T, tests []unitTest, rules []rulefmt.Rule, changed string) (used, found bool) {
	t.Helper()
	for _, test := range tests {
		for _, alert := range test.alertsIn() {
			needed := withInputs(t, rules, alert)
			if !slices.ContainsFunc(needed, func(r rulefmt.Rule) bool { return r.Alert+r.Record == changed }) {
				continue
			}
			used = true
			episodes := test.run(t, needed, test.inputs(t), time.Duration(test.Interval))
			if test.wrong(alert, episodes) != "" || test.Name == alert && test.wrongWithOldReplica(t, needed) != "" {
				return true, true
			}
		}
	}
	return used, false
}
