package apiclient_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/simulator"
	"alicdn_export_exporter/internal/simulator/scenario"
)

// The scenario "moving" can be read, although most of its walks are not proven alone.
func TestReadMovingScenario(t *testing.T) {
	for _, every := range []time.Duration{15 * time.Second, time.Minute} {
		t.Run("every "+every.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(300 * 24 * time.Hour) // Until after the month of the fake clock's first day.
				api, err := scenario.New("moving", simulator.Options{})
				if err != nil {
					t.Fatal(err)
				}
				client := newClient(t, "http://127.0.0.1", limited(20, 8), retrying(3), signedFor, through(api))
				const refreshes = 60
				failed, unchanged := 0, 0
				var previous []string
				for range refreshes {
					began := time.Now()
					listing, err := client.List(t.Context(), apiclient.Usage, previous)
					if err != nil {
						t.Log(err)
						failed++
					} else {
						if slices.Equal(previous, listing.IDs()) {
							unchanged++
						}
						previous = listing.IDs()
					}
					time.Sleep(every - time.Since(began)) // Fake time.
				}
				if failed > 0 || unchanged > 0 {
					t.Errorf("of %d refreshes, %d failed, and %d read the same list as the one before", refreshes, failed, unchanged)
				}
			})
		})
	}
}
