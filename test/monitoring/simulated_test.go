package monitoring

import (
	"slices"
	"strings"
	"testing"
	"time"

	simscenario "alicdn_export_exporter/internal/simulator/scenario"
)

// What "simulate --help" says about the alerts of a scenario agrees with the rules, and with TestScenarios.
func TestSimulatedAlerts(t *testing.T) {
	waits := make(map[string]time.Duration)
	for _, rule := range allRules(t, true) {
		waits[rule.Alert] = time.Duration(rule.For)
	}
	for _, s := range simscenario.All() {
		i := slices.IndexFunc(scenarios(), func(tested scenario) bool { return tested.account == s.Name })
		if i < 0 {
			if len(s.Alerts) > 0 {
				t.Errorf("%s is not among the scenarios that cause alerts", s.Name)
			}
			continue
		}
		tested := scenarios()[i]
		mayFire := func(name string) bool {
			return slices.ContainsFunc(tested.fires, func(alert string) bool { return slices.Contains(strings.Fields(alert), name) })
		}
		for _, alert := range s.Alerts {
			wait, ok := waits[alert]
			if !ok || !mayFire(strings.TrimPrefix(alert, "CDNExport")) {
				t.Errorf("%s: %s is a rule: %t; it is not among the alerts of TestScenarios", s.Name, alert, ok)
			}
			if wait >= 20*time.Minute {
				t.Errorf("%s: %s waits %s, the help says that it fires within 20 minutes", s.Name, alert, wait)
			}
		}
		if len(s.Alerts) == 0 && len(tested.fires) > 0 {
			t.Errorf("%s: the help names no alert, TestScenarios has %v", s.Name, tested.fires)
		}
	}
}
