package monitoring

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// unitTestFiles returns the files for "promtool test rules".
func unitTestFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(root + "/alerts/tests/*_test.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no unit tests: %v", err)
	}
	return files
}

func TestRuleUnitTests(t *testing.T) {
	t.Parallel()
	mustRun(t, tool(t, "promtool"), append([]string{"test", "rules"}, unitTestFiles(t)...)...)
}

// unitTest is a test for promtool, without the parts that are not about alerts.
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

// unitTests returns all unit tests by name.
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
			t.Errorf("%s: evaluation_interval is %s, want 1m", file, all.EvaluationInterval)
		}
		for _, test := range all.Tests {
			if _, ok := tests[test.Name]; ok || test.Name == "" {
				t.Errorf("%s: the test name %q is empty or a duplicate", file, test.Name)
			}
			if time.Duration(test.Interval) != minute {
				t.Errorf("%s: interval is %s, want 1m", test.Name, test.Interval)
			}
			tests[test.Name] = test
		}
	}
	return tests
}

// minute is the interval of scrapes and evaluations in the unit tests, and so the smallest mistake
// in a rule that they can detect.
const minute = time.Minute

// check is a time at which a test checks an alert, and whether the alert must fire then.
type check struct {
	time  time.Duration
	fires bool
}

// checksOf returns the checks of one alert in a test, ordered by time. It reports a firing alert
// without all annotations.
func checksOf(t *testing.T, test unitTest, alert string) []check {
	t.Helper()
	var all []check
	for _, c := range test.Cases {
		if c.Alertname != alert {
			continue // It checks another alert.
		}
		for _, expected := range c.ExpAlerts {
			if len(expected.ExpAnnotations) != 3 {
				t.Errorf("%s, %s: annotations are missing", test.Name, c.EvalTime)
			}
		}
		all = append(all, check{time.Duration(c.EvalTime), len(c.ExpAlerts) > 0})
	}
	slices.SortStableFunc(all, func(a, b check) int { return cmp.Compare(a.time, b.time) })
	return all
}

// course returns a letter for each check: F if the alert fires, - if it does not.
func course(all []check) string {
	var b strings.Builder
	for _, c := range all {
		if c.fires {
			b.WriteByte('F')
		} else {
			b.WriteByte('-')
		}
	}
	return b.String()
}

// checksTransition reports whether the test checks the beginning, or the end, of the alert to the minute.
func checksTransition(all []check, begins bool) bool {
	for i := 1; i < len(all); i++ {
		if all[i].fires == begins && all[i-1].fires != begins && all[i].time-all[i-1].time == minute {
			return true
		}
	}
	return false
}

// samples returns the name and the samples of a test's series, one per minute.
func samples(t *testing.T, series, values string) (name string, samples []parser.SequenceValue) {
	t.Helper()
	labels, samples, err := parser.NewParser(parser.Options{}).ParseSeriesDesc(series + " " + values)
	if err != nil {
		t.Fatalf("%s %s: %v", series, values, err)
	}
	return labels.Get(model.MetricNameLabel), samples
}

// lostScrapes returns the minutes at which one of the test's series has no value, or up is 0,
// although it has a value later.
func lostScrapes(t *testing.T, test unitTest) map[time.Duration]bool {
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

// hasEndingSeries reports whether a series of the test ends for good.
func hasEndingSeries(t *testing.T, test unitTest) bool {
	t.Helper()
	for _, input := range test.Input {
		if _, all := samples(t, input.Series, input.Values); value.IsStaleNaN(all[len(all)-1].Value) {
			return true
		}
	}
	return false
}

// Each alert has three unit tests: its transitions, to the minute; without its data; and with lost
// scrapes.
func TestRuleUnitTestsAreComplete(t *testing.T) {
	t.Parallel()
	tests := unitTests(t)
	for _, alert := range allRules(t, true) {
		t.Run(alert.Alert, func(t *testing.T) {
			find := func(situation string) (unitTest, []check) {
				test, ok := tests[alert.Alert+": "+situation]
				if !ok {
					t.Errorf("there is no unit test %q", alert.Alert+": "+situation)
				}
				return test, checksOf(t, test, alert.Alert)
			}
			_, all := find("inactive, firing, resolved")
			if got := course(all); !regexp.MustCompile(`^-+F+-+$`).MatchString(got) ||
				!checksTransition(all, true) || !checksTransition(all, false) {
				t.Errorf("course %q: want inactive, firing, resolved, with both transitions to the minute", got)
			}

			test, all := find("missing data")
			if isAbsent(parse(t, alert.Expr)) {
				if got := course(all); !regexp.MustCompile(`^-+F+$`).MatchString(got) || !checksTransition(all, true) {
					t.Errorf("without data, course %q: want that the alert starts to fire, to the minute", got)
				}
			} else if got := course(all); !regexp.MustCompile(`^-*F+-+$`).MatchString(got) ||
				!checksTransition(all, false) || !hasEndingSeries(t, test) {
				t.Errorf("without data, course %q: want that the alert ends, to the minute, when a series ends", got)
			}

			test, all = find("lost scrapes")
			if got := course(all); !regexp.MustCompile(`^-+F+-?$`).MatchString(got) || !checksTransition(all, true) {
				t.Errorf("lost scrapes, course %q: want that the alert fires, to the minute, and continues", got)
			}
			lost := lostScrapes(t, test)
			for _, fires := range []bool{false, true} {
				if !slices.ContainsFunc(all, func(c check) bool { return c.fires == fires && lost[c.time] }) {
					t.Errorf("no scrape is lost at a check where firing is %v", fires)
				}
			}
		})
	}
}

// isAbsent reports whether the rule uses absent().
func isAbsent(expr parser.Expr) bool {
	calls := nodes[*parser.Call](expr)
	return len(calls) > 0 && calls[0].Func.Name == "absent"
}
