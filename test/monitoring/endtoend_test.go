package monitoring

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestEndToEnd runs the real programs: an exporter reads a simulated account whose export failed, a
// Prometheus evaluates the rules, sixty times as fast, and an Alertmanager notifies a webhook. Then the
// export succeeds.
func TestEndToEnd(t *testing.T) {
	t.Parallel() // It waits most of the time.
	if testing.Short() {
		t.Skip("takes a minute")
	}
	simulated := newAPI(t, scenario{account: "failed"})
	hook := newWebhook(t)
	manager := startAlertmanager(t, hook, "")
	startPrometheus(t, manager.address, startExporter(t, "--account.name=failed", "--api.endpoint="+simulated.URL).address)

	const alert = "finance: failed UnrecoveredFailure"
	await(t, "the alert is sent", func() error {
		if firing := hook.firing(); !slices.Contains(firing, alert) {
			return fmt.Errorf("firing: %q", firing)
		}
		return nil
	})
	simulated.setScenario(t, scenario{account: "healthy"})
	await(t, "the alert is sent as resolved", func() error {
		// At the turn of a month, other alerts of the account may fire.
		if firing := strings.Join(hook.firing(), " "); strings.Contains(firing, "UnrecoveredFailure") {
			return fmt.Errorf("firing: %q", firing)
		}
		return nil
	})
}
