package monitoring

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write alerts/prometheusrule.yaml")

// manifestHead is the part of the PrometheusRule before the rule groups.
const manifestHead = `# Generated from alicdn_export.rules.yml by "make rules". Do not edit.
#
# The Prometheus Operator ignores it without the labels that its ruleSelector asks for. With kube-prometheus-stack, that
# is often "release: <name of the Helm release>".
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: alicdn-export
  labels:
    app.kubernetes.io/name: alicdn-export-exporter
spec:
`

// manifest converts a rules file to a PrometheusRule, including its comments.
func manifest(rules string) string {
	var b strings.Builder
	b.WriteString(manifestHead)
	for line := range strings.Lines(rules) {
		if strings.TrimSpace(line) != "" {
			b.WriteString("  ")
		}
		b.WriteString(line)
	}
	return b.String()
}

func TestManifestIsCurrent(t *testing.T) {
	t.Parallel()
	rules, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	want := manifest(string(rules))
	const file = root + "/alerts/prometheusrule.yaml"
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("prometheusrule.yaml is out of date, run \"make rules\"; -want +got:\n%s", diff)
	}
}
