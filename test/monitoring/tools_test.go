package monitoring

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

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

// unitTests are the files for "promtool test rules".
func unitTests(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(root + "/alerts/tests/*_test.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no unit tests: %v", err)
	}
	return files
}

func TestUnitTestsOfTheRules(t *testing.T) {
	t.Parallel()
	succeed(t, tool(t, "promtool"), append([]string{"test", "rules"}, unitTests(t)...)...)
}

// A unit test says for each alert when it does not fire, when it does and with
// which sentences, and that it ends.
func TestEveryAlertHasItsUnitTest(t *testing.T) {
	t.Parallel()
	type testCase struct {
		Alertname string `yaml:"alertname"`
		ExpAlerts []struct {
			ExpAnnotations map[string]string `yaml:"exp_annotations"`
		} `yaml:"exp_alerts"`
	}
	course := make(map[string]string)
	for _, file := range unitTests(t) {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var tests struct {
			Tests []struct {
				Name  string     `yaml:"name"`
				Cases []testCase `yaml:"alert_rule_test"`
			} `yaml:"tests"`
		}
		if err := yaml.Unmarshal(content, &tests); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, test := range tests.Tests {
			for _, c := range test.Cases {
				if !strings.HasPrefix(test.Name, c.Alertname) {
					continue // It is another alert's test.
				}
				if len(c.ExpAlerts) == 0 {
					course[c.Alertname] += "-"
					continue
				}
				course[c.Alertname] += "F"
				for _, alert := range c.ExpAlerts {
					if len(alert.ExpAnnotations) != 3 {
						t.Errorf("%s: a case without all annotations", c.Alertname)
					}
				}
			}
		}
	}
	for _, alert := range allRules(t, true) {
		if got := course[alert.Alert]; !regexp.MustCompile(`^-+F+-`).MatchString(got) {
			t.Errorf("%s: its cases go %q, want some that do not fire, then some that do, then one that does not", alert.Alert, got)
		}
	}
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
