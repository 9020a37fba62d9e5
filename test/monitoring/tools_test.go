package monitoring

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/rulefmt"
	"go.yaml.in/yaml/v3"
)

func TestPromtoolAcceptsTheRules(t *testing.T) {
	t.Parallel()
	succeed(t, tool(t, "promtool"), "check", "rules", "--lint=all", "--lint-fatal", rulesFile)
}

func TestPromtoolAcceptsTheExample(t *testing.T) {
	t.Parallel()
	succeed(t, tool(t, "promtool"), "check", "config", "--lint=all", "--lint-fatal", root+"/alerts/examples/prometheus.yml")
}

func TestAmtoolAcceptsTheExample(t *testing.T) {
	t.Parallel()
	succeed(t, tool(t, "amtool"), "check-config", root+"/alerts/examples/alertmanager.yml")
}

func TestRoutesBySeverityAndAccount(t *testing.T) {
	t.Parallel()
	for labels, want := range map[string]string{
		"alertname=CDNExportAccountRefused severity=critical account=prod":     "on-call",
		"alertname=CDNExportMonthUncovered severity=warning account=prod":      "finance",
		"alertname=CDNExportUnknownStatus severity=info account=prod":          "nobody",
		"alertname=CDNExportExporterAbsent severity=critical":                  "on-call",
		"alertname=CDNExportAccountRefused severity=critical account=platform": "platform,on-call",
	} {
		args := append([]string{"config", "routes", "test", "--config.file=" + root + "/alerts/examples/alertmanager.yml"}, strings.Fields(labels)...)
		if got := strings.TrimSpace(succeed(t, tool(t, "amtool"), args...)); got != want {
			t.Errorf("%s goes to %s, want %s", labels, got, want)
		}
	}
}

// Every alert about an account is silenced when the account is down, but for those
// that say that it is, or why.
func TestInhibitionNamesEveryConsequence(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(root + "/alerts/examples/alertmanager.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, alert := range allRules(t, true) {
		name := alert.Alert
		consequence := strings.Contains(alert.Expr, "by (job, account, export") && !strings.HasPrefix(name, "CDNExportAccount") ||
			strings.Contains(alert.Expr, "month:state")
		listed := regexp.MustCompile(`target_matchers:\n\s+- alertname=~"[^"]*\b` + name + `\b`).Match(content)
		if consequence != listed {
			t.Errorf("%s: a consequence of an account that is down: %v; silenced then: %v", name, consequence, listed)
		}
	}
}

// What silences others outlasts them, so that nobody hears of a consequence when its
// cause is over.
func TestWhatSilencesOutlastsWhatItSilences(t *testing.T) {
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
	named := func(matchers []string) []rulefmt.Rule {
		var named []rulefmt.Rule
		for _, alert := range allRules(t, true) {
			if regexp.MustCompile(`^alertname=.*\b` + alert.Alert + `\b`).MatchString(strings.Join(matchers, " ")) {
				named = append(named, alert)
			}
		}
		if len(named) == 0 {
			t.Errorf("%q names no alert", matchers)
		}
		return named
	}
	if len(config.InhibitRules) == 0 {
		t.Error("nothing is silenced")
	}
	for _, rule := range config.InhibitRules {
		for _, source := range named(rule.SourceMatchers) {
			for _, target := range named(rule.TargetMatchers) {
				if source.KeepFiringFor < target.KeepFiringFor {
					t.Errorf("%s stays for %s, but %s, which it silences, for %s", source.Alert, source.KeepFiringFor, target.Alert, target.KeepFiringFor)
				}
			}
		}
	}
}
