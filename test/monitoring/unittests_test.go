package monitoring

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
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

// unitTest is a test for promtool, without annotations.
type unitTest struct {
	Name     string         `yaml:"name"`
	Interval model.Duration `yaml:"interval"`
	Start    time.Time      `yaml:"start_timestamp"`
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
		ExpLabels      map[string]string `yaml:"exp_labels"`
		ExpAnnotations map[string]string `yaml:"exp_annotations"`
	} `yaml:"exp_alerts"`
}

// unitTests returns all unit tests.
func unitTests(t *testing.T) []unitTest {
	t.Helper()
	var tests []unitTest
	names := make(map[string]bool)
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
			if names[test.Name] || test.Name == "" {
				t.Errorf("%s: the test name %q is empty or a duplicate", file, test.Name)
			}
			names[test.Name] = true
			if test.Start.IsZero() {
				test.Start = time.Unix(0, 0)
			}
			tests = append(tests, test)
		}
	}
	return tests
}

// minute is the interval of evaluations in the unit tests, and so the smallest mistake in a rule
// that they can detect.
const minute = time.Minute

// input is a series of a unit test.
type input struct {
	labels   labels.Labels
	interval time.Duration
	values   []parser.SequenceValue // one each interval
}

func (u unitTest) inputs(t *testing.T) []input {
	t.Helper()
	var all []input
	for _, series := range u.Input {
		lbls, values, err := parser.NewParser(parser.Options{}).ParseSeriesDesc(series.Series + " " + series.Values)
		if err != nil {
			t.Fatalf("%s: %s: %v", u.Name, series.Series, err)
		}
		all = append(all, input{lbls, time.Duration(u.Interval), values})
	}
	return all
}

// at returns the value that a scrape sees at an offset from the test's start: that of the next
// interval. ok is false if the scrape is lost, or if the series does not exist.
func (i input) at(offset time.Duration) (v float64, ok bool) {
	index := int((offset + i.interval - 1) / i.interval)
	if index >= len(i.values) || i.values[index].Omitted || value.IsStaleNaN(i.values[index].Value) {
		return 0, false
	}
	return i.values[index].Value, true
}

// lost reports whether the series has no value at an offset, or up is 0, although it has values
// before and after it.
func (i input) lost(offset time.Duration) bool {
	v, ok := i.at(offset)
	index := int(offset / i.interval)
	return index > 0 && index+1 < len(i.values) && (!ok || i.labels.Get(model.MetricNameLabel) == "up" && v == 0)
}

// ends reports whether the series ends for good.
func (i input) ends() bool { return value.IsStaleNaN(i.values[len(i.values)-1].Value) }

// last is the last minute of the test.
func (u unitTest) last(inputs []input) time.Duration {
	var last time.Duration
	for _, i := range inputs {
		last = max(last, time.Duration(len(i.values)-1)*i.interval)
	}
	for _, c := range u.Cases {
		last = max(last, time.Duration(c.EvalTime))
	}
	return last
}

// history returns the test's series as scraped at an interval.
func (u unitTest) history(inputs []input, interval time.Duration) *samples {
	h, last := newSamples(), u.last(inputs)
	for _, series := range inputs {
		scraped := false
		for offset := time.Duration(0); offset <= last; offset += interval {
			v, ok := series.at(offset)
			switch {
			case ok:
				h.add(series.labels, u.Start.Add(offset), v)
			case scraped:
				h.add(series.labels, u.Start.Add(offset), staleNaN)
			}
			scraped = ok
		}
	}
	return h
}

// run returns the episodes of alerts with the series of the test, or with others instead, at a
// scrape interval.
func (u unitTest) run(t *testing.T, rules []rulefmt.Rule, inputs []input, interval time.Duration) []episode {
	t.Helper()
	return u.history(inputs, interval).
		firing(t, rules, evaluations{u.Start, u.Start.Add(u.last(inputs)), minute})
}

// wrong returns the first check of an alert that the episodes contradict, or an empty string.
func (u unitTest) wrong(alert string, episodes []episode) string {
	for _, c := range u.Cases {
		if c.Alertname != alert {
			continue
		}
		var want, got []string
		for _, expected := range c.ExpAlerts {
			l := labels.NewBuilder(labels.FromMap(expected.ExpLabels)).Del("severity", "concern").Labels()
			want = append(want, l.String())
		}
		for _, e := range episodes {
			if e.rule.Alert == alert && e.firesAt(u.Start.Add(time.Duration(c.EvalTime))) {
				got = append(got, e.labels.String())
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			return fmt.Sprintf("%s: %s at %s: want %s, got %s", u.Name, alert, c.EvalTime, want, got)
		}
	}
	return ""
}

// alertsIn returns the alerts that a test checks.
func (u unitTest) alertsIn() []string {
	names := make(map[string]bool)
	for _, c := range u.Cases {
		names[c.Alertname] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// The tests' own evaluation of rules must agree with promtool: TestRuleUnitTests has the same expectations.
func TestEpisodes(t *testing.T) {
	t.Parallel()
	rules := ruleList(t)
	for _, test := range unitTests(t) {
		for _, alert := range test.alertsIn() {
			episodes := test.run(t, withInputs(t, rules, alert), test.inputs(t), time.Duration(test.Interval))
			if wrong := test.wrong(alert, episodes); wrong != "" {
				t.Error(wrong)
			}
		}
	}
}

// At every supported scrape interval, each alert fires as often as in the unit tests, and at the
// same time: at most one scrape later.
func TestScrapeIntervals(t *testing.T) {
	t.Parallel()
	rules := ruleList(t)
	for _, interval := range []time.Duration{30 * time.Second, 5 * minute} {
		t.Run(interval.String(), func(t *testing.T) {
			t.Parallel()
			for _, test := range unitTests(t) {
				for _, alert := range test.alertsIn() {
					needed := withInputs(t, rules, alert)
					want := byLabels(test.run(t, needed, test.inputs(t), time.Duration(test.Interval)))
					got := byLabels(test.run(t, needed, test.inputs(t), interval))
					for key := range maps.Keys(want) {
						if !similar(want[key], got[key], max(interval, time.Duration(test.Interval))) {
							t.Errorf("%s: %s %s\n%s\nwith a scrape each %s:\n%s",
								test.Name, alert, key, times(test, want[key]), interval, times(test, got[key]))
						}
						delete(got, key)
					}
					for key, more := range got {
						t.Errorf("%s: %s %s fires only with a scrape each %s: %s",
							test.Name, alert, key, interval, times(test, more))
					}
				}
			}
		})
	}
}

func byLabels(all []episode) map[string][]episode {
	grouped := make(map[string][]episode)
	for _, e := range all {
		grouped[e.labels.String()] = append(grouped[e.labels.String()], e)
	}
	return grouped
}

// similar reports whether there are as many episodes, whose begins and ends differ by less than an interval.
func similar(want, got []episode, interval time.Duration) bool {
	near := func(a, b time.Time) bool {
		return a.IsZero() == b.IsZero() && (a.IsZero() || a.Sub(b).Abs() < interval)
	}
	return slices.EqualFunc(want, got, func(a, b episode) bool { return near(a.begin, b.begin) && near(a.end, b.end) })
}

// times formats episodes relative to the beginning of a test.
func times(test unitTest, all []episode) string {
	var b strings.Builder
	for _, e := range all {
		end := "the end"
		if !e.end.IsZero() {
			end = e.end.Sub(test.Start).String()
		}
		fmt.Fprintf(&b, "%s to %s; ", e.begin.Sub(test.Start), end)
	}
	return b.String()
}

// A replica that cannot read the list anymore changes nothing about the alerts, whatever it shows.
func TestOldReplica(t *testing.T) {
	t.Parallel()
	rules := ruleList(t)
	compared := 0
	for _, test := range unitTests(t) {
		needed := withInputs(t, rules, test.Name)
		if slices.ContainsFunc(needed, func(r rulefmt.Rule) bool { return r.Record == "alicdn_export:replica:chosen" }) {
			compared++
			if wrong := test.wrongWithOldReplica(t, needed); wrong != "" {
				t.Error(wrong)
			}
		}
	}
	if compared < 9 {
		t.Errorf("only %d alerts use the chosen replica, want at least 9", compared)
	}
}

// wrongWithOldReplica returns what an old replica changes about an alert, or an empty string. The test
// has the alert's name.
func (u unitTest) wrongWithOldReplica(t *testing.T, rules []rulefmt.Rule) string {
	t.Helper()
	inputs := u.inputs(t)
	want := byLabels(u.run(t, rules, inputs, minute))
	for _, frozenAt := range []time.Duration{0, 50 * minute, 100 * minute} {
		both := slices.Clone(inputs)
		for _, series := range inputs {
			name := series.labels.Get(model.MetricNameLabel)
			if v, ok := series.at(frozenAt); ok && !series.ends() && !strings.HasSuffix(name, "_limit_seconds") {
				both = append(both, oldReplica(series, name, v, u.Start))
			}
		}
		got := byLabels(u.run(t, rules, both, minute))
		for key := range maps.Keys(want) {
			if !similar(want[key], got[key], 1) {
				return fmt.Sprintf("%s %s:\n%s\nwith an old replica that shows what was true at %s:\n%s",
					u.Name, key, times(u, want[key]), frozenAt, times(u, got[key]))
			}
		}
	}
	return ""
}

// oldReplica returns a series of a replica that always shows v and that cannot read the list.
func oldReplica(series input, name string, v float64, start time.Time) input {
	switch name {
	case "alicdn_export_up":
		v = 0
	case "alicdn_export_snapshot_timestamp_seconds":
		v = float64(start.Unix() - 60)
	}
	values := make([]parser.SequenceValue, len(series.values))
	for i := range values {
		values[i].Value = v
	}
	lbls := labels.NewBuilder(series.labels).Set("instance", "old").Labels()
	return input{lbls, series.interval, values}
}

// Each alert has a unit test with its name: with its transitions, to the minute, a series that ends,
// and lost scrapes.
func TestRuleUnitTestsAreComplete(t *testing.T) {
	t.Parallel()
	tests := make(map[string]unitTest)
	for _, test := range unitTests(t) {
		tests[test.Name] = test
	}
	for _, alert := range allRules(t, true) {
		t.Run(alert.Alert, func(t *testing.T) {
			test, ok := tests[alert.Alert]
			if !ok {
				t.Fatal("there is no unit test with this name")
			}
			slices.SortStableFunc(test.Cases, func(a, b unitTestCase) int { return cmp.Compare(a.EvalTime, b.EvalTime) })
			var course strings.Builder
			begins, ends := false, false
			for i, c := range test.Cases {
				if i > 0 && time.Duration(c.EvalTime-test.Cases[i-1].EvalTime) == minute {
					begins = begins || len(c.ExpAlerts) > 0 && len(test.Cases[i-1].ExpAlerts) == 0
					ends = ends || len(c.ExpAlerts) == 0 && len(test.Cases[i-1].ExpAlerts) > 0
				}
				course.WriteByte("-F"[min(len(c.ExpAlerts), 1)])
				for _, expected := range c.ExpAlerts {
					if len(expected.ExpAnnotations) != 3 {
						t.Errorf("%s: annotations are missing", c.EvalTime)
					}
				}
			}
			if !regexp.MustCompile(`^-+F+-+$`).MatchString(course.String()) || !begins || !ends {
				t.Errorf("course %q: want inactive, firing, resolved, with both transitions to the minute", course.String())
			}
			inputs := test.inputs(t)
			if !slices.ContainsFunc(inputs, input.ends) && !isAbsent(parse(t, alert.Expr)) {
				t.Error("no series ends")
			}
			for _, fires := range []bool{false, true} {
				if !slices.ContainsFunc(test.Cases, func(c unitTestCase) bool {
					isLost := func(i input) bool { return i.lost(time.Duration(c.EvalTime)) }
					return len(c.ExpAlerts) > 0 == fires && slices.ContainsFunc(inputs, isLost)
				}) {
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
