package monitoring

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/rulefmt"
	"go.yaml.in/yaml/v3"
)

func TestRulesPassPromtool(t *testing.T) {
	t.Parallel()
	mustRun(t, tool(t, "promtool"), "check", "rules", "--lint=all", "--lint-fatal", rulesFile)
}

func TestPrometheusExample(t *testing.T) {
	t.Parallel()
	mustRun(t, tool(t, "promtool"), "check", "config", "--lint=all", "--lint-fatal",
		root+"/alerts/examples/prometheus.yml")
}

func TestAlertmanagerExample(t *testing.T) {
	t.Parallel()
	mustRun(t, tool(t, "amtool"), "check-config", root+"/alerts/examples/alertmanager.yml")
}

func TestAlertmanagerRoutes(t *testing.T) {
	t.Parallel()
	for labels, want := range map[string]string{
		"alertname=CDNExportExporterAbsent severity=critical concern=exporter":                 "on-call",
		"alertname=CDNExportAccountRefused severity=warning concern=exporter account=prod":     "operators",
		"alertname=CDNExportReloadFailed severity=warning concern=exporter":                    "operators",
		"alertname=CDNExportUnknownStatus severity=info concern=exporter account=prod":         "chat",
		"alertname=CDNExportMonthUncovered severity=warning concern=export account=prod":       "finance",
		"alertname=CDNExportMonthUncovered severity=warning concern=export account=platform":   "platform",
		"alertname=CDNExportAccountRefused severity=warning concern=exporter account=platform": "operators",
	} {
		args := []string{"config", "routes", "test", "--config.file=" + root + "/alerts/examples/alertmanager.yml"}
		args = append(args, strings.Fields(labels)...)
		if got := strings.TrimSpace(mustRun(t, tool(t, "amtool"), args...)); got != want {
			t.Errorf("%s goes to %s, want %s", labels, got, want)
		}
	}
}

// If an account cannot be read, every alert about it is inhibited, except the alerts that report this.
func TestAlertmanagerInhibition(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(root + "/alerts/examples/alertmanager.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, alert := range allRules(t, true) {
		name := alert.Alert
		isCause := strings.HasPrefix(name, "CDNExportAccount")
		consequence := !isCause && strings.Contains(alert.Expr, "by (job, account, export")
		listed := regexp.MustCompile(`target_matchers:\n\s+- alertname=~"[^"]*\b` + name + `\b`).Match(content)
		if consequence != listed {
			t.Errorf("%s: follows from an unreadable account: %v; inhibited: %v", name, consequence, listed)
		}
	}
}

// An alert that inhibits others must fire at least as long as they do. Otherwise a consequence is
// sent after its cause has ended.
func TestAlertmanagerInhibitionDurations(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(root + "/alerts/examples/alertmanager.yml")
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		InhibitRules []struct {
			SourceMatchers []string `yaml:"source_matchers"`
			TargetMatchers []string `yaml:"target_matchers"`
		} `yaml:"inhibit_rules"`
	}
	if err := yaml.Unmarshal(content, &config); err != nil {
		t.Fatal(err)
	}
	matching := func(matchers []string) []rulefmt.Rule {
		var alerts []rulefmt.Rule
		for _, alert := range allRules(t, true) {
			if regexp.MustCompile(`^alertname=.*\b` + alert.Alert + `\b`).MatchString(strings.Join(matchers, " ")) {
				alerts = append(alerts, alert)
			}
		}
		if len(alerts) == 0 {
			t.Errorf("%q matches no alert", matchers)
		}
		return alerts
	}
	if len(config.InhibitRules) == 0 {
		t.Error("the example has no inhibit_rules")
	}
	for _, rule := range config.InhibitRules {
		for _, source := range matching(rule.SourceMatchers) {
			for _, target := range matching(rule.TargetMatchers) {
				if source.KeepFiringFor < target.KeepFiringFor {
					t.Errorf("%s keeps firing for %s, but inhibits %s, which keeps firing for %s",
						source.Alert, source.KeepFiringFor, target.Alert, target.KeepFiringFor)
				}
			}
		}
	}
}
