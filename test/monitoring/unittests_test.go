package monitoring

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// unitTestFiles are those for "promtool test rules".
func unitTestFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(root + "/alerts/tests/*_test.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no unit tests: %v", err)
	}
	return files
}

func TestUnitTestsOfTheRules(t *testing.T) {
	t.Parallel()
	succeed(t, tool(t, "promtool"), append([]string{"test", "rules"}, unitTestFiles(t)...)...)
}

// unitTest is a test of promtool's, as far as it is about alerts.
type unitTest struct {
	Name     string         `yaml:"name"`
	Interval model.Duration `yaml:"interval"`
	Input    []struct {
		Series string `yaml:"series"`
		Values string `yaml:"values"`
	} `yaml:"input_series"`
	Cases []unitTestCase `yaml:"alert_rule_test"`
}

type unitTestCase struct {
	Alertname string         `yaml:"alertname"`
	EvalTime  model.Duration `yaml:"eval_time"`
	ExpAlerts []struct {
		ExpAnnotations map[string]string `yaml:"exp_annotations"`
	} `yaml:"exp_alerts"`
}

// unitTests are all of them, by name.
func unitTests(t *testing.T) map[string]unitTest {
	t.Helper()
	tests := make(map[string]unitTest)
	for _, file := range unitTestFiles(t) {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var all struct {
			EvaluationInterval model.Duration `yaml:"evaluation_interval"`
			Tests              []unitTest     `yaml:"tests"`
		}
		if err := yaml.Unmarshal(content, &all); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if time.Duration(all.EvaluationInterval) != minute {
			t.Errorf("%s: rules are evaluated every %s", file, all.EvaluationInterval)
		}
		for _, test := range all.Tests {
			if _, twice := tests[test.Name]; twice || test.Name == "" {
				t.Errorf("%s: %q is the name of two tests, or of none", file, test.Name)
			}
			if time.Duration(test.Interval) != minute {
				t.Errorf("%s: a scrape every %s", test.Name, test.Interval)
			}
			tests[test.Name] = test
		}
	}
	return tests
}

// minute is the interval of the scrapes and evaluations in the unit tests, and so
// the least by which a rule can be wrong there.
const minute = time.Minute

// moment is when a test looks, and whether the alert fires then.
type moment struct {
	at    time.Duration
	fires bool
}

// moments are those of one alert in a test, in their order. What fires does so with
// all its annotations.
func moments(t *testing.T, test unitTest, alert string) []moment {
	t.Helper()
	var all []moment
	for _, c := range test.Cases {
		if c.Alertname != alert {
			continue // It says what becomes of another alert meanwhile.
		}
		for _, expected := range c.ExpAlerts {
			if len(expected.ExpAnnotations) != 3 {
				t.Errorf("%s, %s: not all annotations", test.Name, c.EvalTime)
			}
		}
		all = append(all, moment{time.Duration(c.EvalTime), len(c.ExpAlerts) > 0})
	}
	slices.SortStableFunc(all, func(a, b moment) int { return int(a.at - b.at) })
	return all
}

// course is a letter for each moment: F while the alert fires, - while it does not.
func course(all []moment) string {
	var b strings.Builder
	for _, m := range all {
		if m.fires {
			b.WriteByte('F')
		} else {
			b.WriteByte('-')
		}
	}
	return b.String()
}

// turns tells whether the test sees the alert begin, or end, to the minute.
func turns(all []moment, begins bool) bool {
	for i := 1; i < len(all); i++ {
		if all[i].fires == begins && all[i-1].fires != begins && all[i].at-all[i-1].at == minute {
			return true
		}
	}
	return false
}

// samples are those of a test's series, one a minute.
func samples(t *testing.T, series, values string) (name string, samples []parser.SequenceValue) {
	t.Helper()
	labels, samples, err := parser.NewParser(parser.Options{}).ParseSeriesDesc(series + " " + values)
	if err != nil {
		t.Fatalf("%s %s: %v", series, values, err)
	}
	return labels.Get(model.MetricNameLabel), samples
}

// lost are the minutes at which a test's series have no value, or say that there was
// no scrape, although they have values later.
func lost(t *testing.T, test unitTest) map[time.Duration]bool {
	t.Helper()
	minutes := make(map[time.Duration]bool)
	for _, input := range test.Input {
		name, all := samples(t, input.Series, input.Values)
		for i, sample := range all[:len(all)-1] {
			if sample.Omitted || value.IsStaleNaN(sample.Value) || name == "up" && sample.Value == 0 {
				minutes[time.Duration(i)*minute] = true
			}
		}
	}
	return minutes
}

// vanishes tells whether a series of the test ends for good.
func vanishes(t *testing.T, test unitTest) bool {
	t.Helper()
	for _, input := range test.Input {
		if _, all := samples(t, input.Series, input.Values); value.IsStaleNaN(all[len(all)-1].Value) {
			return true
		}
	}
	return false
}

// Of each alert three tests say what it does: in the course of things, to the minute;
// without its data; and when scrapes are lost.
func TestEveryAlertHasItsUnitTests(t *testing.T) {
	t.Parallel()
	tests := unitTests(t)
	for _, alert := range allRules(t, true) {
		t.Run(alert.Alert, func(t *testing.T) {
			named := func(situation string) (unitTest, []moment) {
				test, ok := tests[alert.Alert+": "+situation]
				if !ok {
					t.Errorf("no unit test is called %q", alert.Alert+": "+situation)
				}
				return test, moments(t, test, alert.Alert)
			}
			_, all := named("inactive, firing, resolved")
			if got := course(all); !regexp.MustCompile(`^-+F+-+$`).MatchString(got) || !turns(all, true) || !turns(all, false) {
				t.Errorf("its course is %q, want inactive, firing, resolved, and both turns to the minute", got)
			}

			test, all := named("missing data")
			if isAbsent(parse(t, alert.Expr)) {
				if got := course(all); !regexp.MustCompile(`^-+F+$`).MatchString(got) || !turns(all, true) {
					t.Errorf("without data its course is %q, want that it begins to fire, to the minute", got)
				}
			} else if got := course(all); !regexp.MustCompile(`^-*F+-+$`).MatchString(got) || !turns(all, false) || !vanishes(t, test) {
				t.Errorf("without data its course is %q, want that it ends, to the minute, when a series vanishes", got)
			}

			test, all = named("lost scrapes")
			if got := course(all); !regexp.MustCompile(`^-+F+-?$`).MatchString(got) || !turns(all, true) {
				t.Errorf("with lost scrapes its course is %q, want that it begins to fire, to the minute, and goes on", got)
			}
			missed := lost(t, test)
			for _, fires := range []bool{false, true} {
				if !slices.ContainsFunc(all, func(m moment) bool { return m.fires == fires && missed[m.at] }) {
					t.Errorf("no scrape is lost where firing is %v", fires)
				}
			}
		})
	}
}

func isAbsent(expr parser.Expr) bool {
	calls := nodes[*parser.Call](expr)
	return len(calls) > 0 && calls[0].Func.Name == "absent"
}

// changes are made to a rule to see that its unit tests notice. Each tells whether it
// changed something.
var changes = map[string]func(*testing.T, *rulefmt.Rule) bool{
	"for is a minute longer":              func(_ *testing.T, r *rulefmt.Rule) bool { return longer(&r.For, minute) },
	"for is a minute shorter":             func(_ *testing.T, r *rulefmt.Rule) bool { return longer(&r.For, -minute) },
	"keep_firing_for is a minute longer":  func(_ *testing.T, r *rulefmt.Rule) bool { return longer(&r.KeepFiringFor, minute) },
	"keep_firing_for is a minute shorter": func(_ *testing.T, r *rulefmt.Rule) bool { return longer(&r.KeepFiringFor, -minute) },
	"it looks back a minute only": func(t *testing.T, r *rulefmt.Rule) bool {
		return lookBack(t, r, func(time.Duration) time.Duration { return minute })
	},
	"it looks back twice as long": func(t *testing.T, r *rulefmt.Rule) bool {
		return lookBack(t, r, func(d time.Duration) time.Duration { return 2 * d })
	},
	"more is as much": func(t *testing.T, r *rulefmt.Rule) bool {
		changed := strings.ReplaceAll(r.Expr, "> ", ">= ")
		parse(t, changed)
		defer func() { r.Expr = changed }()
		return changed != r.Expr && r.Alert != ""
	},
	"the threshold is higher": func(_ *testing.T, r *rulefmt.Rule) bool { return threshold(r, "1.05") },
	"the threshold is lower":  func(_ *testing.T, r *rulefmt.Rule) bool { return threshold(r, "0.95") },
}

func longer(d *model.Duration, by time.Duration) bool {
	if *d == 0 {
		return false
	}
	*d += model.Duration(by)
	return true
}

func lookBack(t *testing.T, r *rulefmt.Rule, to func(time.Duration) time.Duration) bool {
	t.Helper()
	expr := parse(t, r.Expr)
	windows := nodes[*parser.MatrixSelector](expr)
	for _, window := range windows {
		window.Range = to(window.Range)
	}
	r.Expr = expr.String()
	return len(windows) > 0
}

func threshold(r *rulefmt.Rule, factor string) bool {
	if !strings.HasSuffix(r.Record, ":limit") {
		return false
	}
	r.Expr = "(" + r.Expr + ") * " + factor
	return true
}

// TestUnitTestsNotice breaks one rule after the other and lets promtool judge: a rule
// that can be changed unnoticed is not tested. It is not parallel with the tests that
// run against the clock, because it needs the whole machine.
func TestUnitTestsNotice(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes minutes")
	}
	for _, change := range slices.Sorted(maps.Keys(changes)) {
		t.Run(change, func(t *testing.T) {
			t.Parallel()
			// Alerts do not depend on each other: all are changed at once.
			broken := loadRules(t)
			var alerts []string
			for _, rule := range each(broken) {
				if rule.Alert != "" && changes[change](t, rule) {
					alerts = append(alerts, rule.Alert)
				}
			}
			if len(alerts) > 0 {
				verdict := judge(t, broken)
				for _, alert := range alerts {
					if !strings.Contains(verdict, "alertname: "+alert+",") {
						t.Errorf("%s: no unit test notices", alert)
					}
				}
			}
			// What is recorded is used by many: one at a time.
			for i, rule := range each(loadRules(t)) {
				broken := loadRules(t)
				if rule.Record == "" || !changes[change](t, each(broken)[i]) {
					continue
				}
				if !strings.Contains(judge(t, broken, "--run="+usersOf(broken, rule.Record)), "FAILED") {
					t.Errorf("%s: no unit test notices", rule.Record)
				}
			}
		})
	}
}

// each are the rules of all groups, to be changed.
func each(groups *rulefmt.RuleGroups) []*rulefmt.Rule {
	var rules []*rulefmt.Rule
	for _, group := range groups.Groups {
		for i := range group.Rules {
			rules = append(rules, &group.Rules[i])
		}
	}
	return rules
}

// usersOf matches the names of the unit tests that may notice a change of a recorded
// series: those of the alerts that ask for it, or for what is made of it, and those
// of no alert.
func usersOf(groups *rulefmt.RuleGroups, record string) string {
	names := []string{"[^C]"}
	for _, rule := range each(groups) {
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

// judge is what promtool prints of the unit tests with other rules.
func judge(t *testing.T, rules *rulefmt.RuleGroups, args ...string) string {
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
	out, _ := run(t, tool(t, "promtool"), args...) // An error is what is hoped for.
	return out
}
