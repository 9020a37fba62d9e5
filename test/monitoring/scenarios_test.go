package monitoring

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"alicdn_export_exporter/collector"
	simscenario "alicdn_export_exporter/internal/simulator/scenario"
)

// scenario is an account with one kind of trouble, and the alerts that it causes.
type scenario struct {
	account string
	// name is the simulator's scenario; the default is the account's name.
	name string
	// change, if not nil, changes the API's responses.
	change middleware
	// timeout is that of an API call; the default is ten seconds.
	timeout time.Duration
	// fires are the alerts on November 26, 2026.
	fires []string
}

func scenarios() []scenario {
	return []scenario{
		{account: "healthy"},
		{account: "throttle"},
		{account: "moving", fires: []string{"ExpectationOverdue", "MonthUncovered 2026-09", "MonthUncovered 2026-10"}},
		{account: "stuck", fires: []string{"StuckPending"}},
		{account: "denied", fires: []string{"AccountRefused denied"}},
		{account: "outage", fires: []string{"AccountUnreachable"}},
		{account: "clock-skew", fires: []string{"AccountRefused clock", "ClockSkew"}},
		{account: "forgotten-month", fires: []string{
			"ExpectationOverdue", "MonthUncovered 2026-10", "NewestSuccessTooOld",
		}},
		{account: "too-early", fires: []string{
			"ExpectationOverdue", "MonthUncovered 2026-09", "MonthUncovered 2026-10",
		}},
		{account: "failed", fires: []string{
			"ExpectationOverdue", "MonthUncovered 2026-10", "NewestSuccessTooOld", "UnrecoveredFailure",
		}},
		{account: "empty", name: "healthy", change: emptyList, fires: []string{
			"ExpectationOverdue", "MonthUncovered 2026-09", "MonthUncovered 2026-10", "NeverSucceeded",
		}},
		{account: "unlisted", name: "healthy", change: oneUnlisted, fires: []string{"TasksUnlisted"}},
		{account: "unknown", name: "healthy", change: oneUnknownStatus, fires: []string{"TasksMalformed", "UnknownStatus"}},
		{account: "slow", name: "healthy", change: slow, timeout: 2 * time.Minute, fires: []string{"RefreshesTooSlow"}},
	}
}

// midMonth is a moment at which all of last month is due.
var midMonth = time.Date(2026, time.November, 26, 10, 0, 0, 0, shanghai)

// alertOf is the alert of each kind of problem.
var alertOf = map[collector.ProblemKind]string{
	collector.Refused: "AccountRefused", collector.Unreachable: "AccountUnreachable", collector.Stale: "SnapshotStale",
	collector.Slow: "RefreshesTooSlow", collector.Clock: "ClockSkew", collector.Overdue: "ExpectationOverdue",
	collector.Failed: "UnrecoveredFailure", collector.Stuck: "StuckPending", collector.MonthMissing: "MonthUncovered",
	collector.SuccessTooOld: "NewestSuccessTooOld", collector.NeverSucceeded: "NeverSucceeded",
	collector.Unlisted: "TasksUnlisted", collector.UnknownStatus: "UnknownStatus", collector.Malformed: "TasksMalformed",
}

// TestScenarios lets an exporter read the simulated API for more than an hour, on a clock that is set to
// several moments. The alerts that fire in the end must be those of the problems that the exporter
// knows of.
func TestScenarios(t *testing.T) {
	t.Parallel()
	rules := ruleList(t)
	for name, start := range map[string]time.Time{
		"in the middle of a month":     midMonth,
		"in the first hour of a month": time.Date(2026, time.November, 1, 0, 5, 0, 0, shanghai),
		"over the turn of a month":     time.Date(2026, time.November, 30, 23, 30, 0, 0, shanghai),
		"on the last day of a year":    time.Date(2026, time.December, 31, 12, 0, 0, 0, shanghai),
		"on a leap day":                time.Date(2028, time.February, 29, 23, 0, 0, 0, shanghai),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := simulate(t, start, 70*time.Minute, time.Minute, 50*time.Second, scenarios())
			episodes := r.firing(t, rules, r.evaluations)
			r.compareProblems(t, episodes)
			for _, e := range episodes {
				if account := e.labels.Get("account"); account == "healthy" || account == "throttle" {
					t.Errorf("%s at %s", e.key(), e.begin)
				}
			}
			if start.Equal(midMonth) {
				var want []string
				for _, s := range scenarios() {
					for _, alert := range s.fires {
						want = append(want, s.account+" "+alert)
					}
				}
				slices.Sort(want)
				if diff := cmp.Diff(want, firingAtEnd(episodes)); diff != "" {
					t.Errorf("firing in the end, -want +got:\n%s", diff)
				}
			}
		})
	}
	t.Run("with a list that is read only once", func(t *testing.T) {
		t.Parallel()
		r := simulate(t, midMonth, 55*time.Minute, 5*time.Minute, time.Hour, []scenario{{account: "healthy"}})
		episodes := r.firing(t, rules, r.evaluations)
		r.compareProblems(t, episodes)
		if diff := cmp.Diff([]string{"healthy SnapshotStale"}, firingAtEnd(episodes)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
	t.Run("with 20,000 tasks", func(t *testing.T) {
		t.Parallel()
		r := simulate(t, midMonth, time.Hour, 5*time.Minute, 4*time.Minute, []scenario{{account: "huge"}})
		if episodes := r.firing(t, rules, r.evaluations); len(episodes) > 0 || len(r.problems) > 0 {
			t.Errorf("alerts %v, problems %q", episodes, r.problems)
		}
	})
}

// compareProblems reports alerts that fire in the end without a problem, and problems without an alert.
func (r recording) compareProblems(t *testing.T, episodes []episode) {
	t.Helper()
	want, got := make(map[string]bool), make(map[string]bool)
	for _, problem := range r.problems {
		account, kind, _ := strings.Cut(problem, " ")
		want[account+" "+alertOf[collector.ProblemKind(kind)]] = true
	}
	for _, e := range episodes {
		if e.end.IsZero() {
			got[e.labels.Get("account")+" "+strings.TrimPrefix(e.rule.Alert, "CDNExport")] = true
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("-problems +alerts:\n%s", diff)
	}
}

// Each kind of problem has an alert, each alert about an account belongs to a kind of problem, and each
// scenario of the simulator is tested.
func TestScenariosAreComplete(t *testing.T) {
	t.Parallel()
	aboutExporters := []string{"ExporterAbsent", "ExporterDown", "ExporterVanished", "AccountVanished", "ReloadFailed"}
	var alerts []string
	for _, alert := range allRules(t, true) {
		if name := strings.TrimPrefix(alert.Alert, "CDNExport"); !slices.Contains(aboutExporters, name) {
			alerts = append(alerts, name)
		}
	}
	slices.Sort(alerts)
	if diff := cmp.Diff(alerts, slices.Sorted(maps.Values(alertOf))); diff != "" {
		t.Errorf("-alerts +alerts of problems:\n%s", diff)
	}
	if len(collector.ProblemKinds()) != len(alertOf) {
		t.Error("a kind of problem has no alert")
	}
	tested := []string{"huge"}
	fired := []string{"SnapshotStale"}
	for _, s := range scenarios() {
		tested = append(tested, s.account)
		for _, alert := range s.fires {
			name, _, _ := strings.Cut(alert, " ")
			fired = append(fired, name)
		}
	}
	for _, alert := range alerts {
		if !slices.Contains(fired, alert) {
			t.Errorf("no scenario makes %s fire", alert)
		}
	}
	for _, name := range simscenario.Names() {
		if !slices.Contains(tested, name) {
			t.Errorf("the simulator's scenario %s is not tested", name)
		}
	}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// equal returns err, or an error if want and got differ.
func equal[T any](want, got T, err error) error {
	if err != nil {
		return err
	}
	if diff := cmp.Diff(want, got); diff != "" {
		return fmt.Errorf("-want +got:\n%s", diff)
	}
	return nil
}
