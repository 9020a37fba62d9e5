package monitoring

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"alicdn_export_exporter/internal/simulator"
)

// TestEndToEnd runs the real programs: an exporter reads a simulated account whose export failed, a
// Prometheus evaluates the rules, sixty times as fast, and an Alertmanager notifies a webhook. Then a
// person runs the command that the exporter shows.
func TestEndToEnd(t *testing.T) {
	t.Parallel() // It waits most of the time.
	if testing.Short() {
		t.Skip("takes a minute")
	}
	simulated := newEditable(t, simulator.UsageAction, []simulator.Task{
		exported("usage", simulator.StatusFailed, monthAgo(2), monthAgo(1), 6*time.Hour),
	})
	hook := newWebhook(t)
	manager := startAlertmanager(t, hook, "")
	exporter := startExporter(t, "--account.name=failed", "--api.endpoint=http://"+simulated.address)
	startPrometheus(t, manager.address, exporter.address)

	firing := func(alert string) bool { return slices.Contains(hook.firing(), "finance: failed "+alert) }
	await(t, "the alerts are sent", func() error {
		if !firing("UnrecoveredFailure") || !firing("NeverSucceeded") {
			return fmt.Errorf("firing: %q", hook.firing())
		}
		return nil
	})
	response, err := http.Get("http://" + exporter.address + "/api/v1/exports")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range parseDocument(t, string(body)).commands("failed") {
		args := shellArguments(t, line)
		if err := simulated.send(t, simulator.PersonAccessKeyID, simulator.PersonAccessKeySecret, args); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	simulated.ahead.Store(int64(2 * time.Minute))
	await(t, "the alerts are sent as resolved", func() error {
		// In the first hours of a month, its usage is not complete yet, so that month's alert may stay.
		if firing := strings.Join(hook.firing(), " "); strings.Contains(firing, "UnrecoveredFailure") ||
			strings.Contains(firing, "NeverSucceeded") {
			return fmt.Errorf("firing: %q", firing)
		}
		return nil
	})
}
