package monitoring

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// withoutData are the panels that have nothing to show in a healthy or a troubled
// world of the tests, each with the reason.
var withoutData = map[string]string{
	"Reload":   "config_last_reload_successful is not there yet",
	"Reloaded": "config_last_reload_success_timestamp_seconds is not there yet",
}

// world starts exporters of several accounts, one of them with trouble of each
// kind that the panels show, and a Prometheus that has watched them for a while.
func world(t *testing.T) (prom *process, exporters []*process) {
	t.Helper()
	targets := make(map[string]string)
	for _, account := range []string{"healthy", "failed", "stuck", "throttle", "moving", "clock-skew"} {
		exporter := watched(t, account, newAPI(t, scenario(t, account)).URL, "--collector.task-info=8")
		exporters = append(exporters, exporter)
		targets[account] = exporter.address
	}
	prom = startPrometheus(t, "", targets, map[string]string{})
	// Refreshes and errors draw as rates, alerts when they have lasted.
	await(t, "every account has been watched and alerts fire", func() error {
		watched, err := prom.query(`min(count_over_time(alicdn_export_up[10m])) >= 45`)
		if err != nil {
			return err
		}
		if len(watched) == 0 {
			return errors.New("too few scrapes")
		}
		firing, err := prom.query(`ALERTS{alertstate="firing", alertname=~"CDNExportUnrecoveredFailure|CDNExportStuckPending|CDNExportAccountRefused"}`)
		if err == nil && len(firing) < 3 {
			err = fmt.Errorf("%d of the alerts fire", len(firing))
		}
		return err
	})
	return prom, exporters
}

func TestEveryPanelIsAnswered(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a minute")
	}
	t.Parallel()
	prom, exporters := world(t)
	for file, d := range dashboards(t) {
		for _, p := range d.shown() {
			for _, target := range p.Targets {
				query := strings.ReplaceAll(target.Expr, "$__rate_interval", "15s")
				answer, err := prom.query(plain(query))
				if err != nil {
					t.Errorf("%s, %s: %v", file, p.Title, err)
				}
				if _, excused := withoutData[p.Title]; (len(answer) == 0) != excused {
					t.Errorf("%s, %s: %d series, excused: %v: %s", file, p.Title, len(answer), excused, plain(query))
				}
			}
		}
	}
	now := time.Now()
	for _, exporter := range exporters {
		exporter.stop()
	}
	t.Run("Pictures", func(t *testing.T) { render(t, prom, now) })
}

// render draws every dashboard as it was then, in a browser, dark and light, wide and narrow. The
// renderer fails where a panel has an error or no data, or a title is cut off.
// PICTURES names a directory to keep the pictures in.
func render(t *testing.T, prom *process, then time.Time) {
	t.Helper()
	directory := os.Getenv("PICTURES")
	if directory == "" {
		directory = t.TempDir()
	}
	var allowed []string
	for _, title := range slices.Sorted(maps.Keys(withoutData)) {
		allowed = append(allowed, "--allow-no-data", "^"+title+"$")
	}
	for _, name := range []string{"overview", "account", "exporter"} {
		for _, look := range []struct{ theme, width string }{{"dark", "1600"}, {"light", "1600"}, {"dark", "900"}} {
			picture := filepath.Join(directory, name+"-"+look.theme+".png")
			if look.width != "1600" { // Only looked at by the renderer, for titles that are cut off.
				picture = filepath.Join(t.TempDir(), name+"-narrow.png")
			}
			args := append([]string{
				root + "/test/render/render.mjs", "--dashboard", root + "/dashboards/" + name + ".json",
				"--prometheus", "http://" + prom.address, "--out", picture,
				"--from", fmt.Sprint(then.Add(-time.Minute).UnixMilli()), "--to", fmt.Sprint(then.UnixMilli()),
				"--scrape-interval", "1s", "--expand-rows", "--theme", look.theme, "--width", look.width,
			}, allowed...)
			if name == "account" {
				args = append(args, "--var", "account=failed", "--var", "export=usage", "--allow-no-data", "^(Pending for|API errors by code)$")
			}
			out, err := exec.CommandContext(t.Context(), "node", args...).CombinedOutput()
			if err != nil {
				t.Errorf("%s: %v\n%s", picture, err, out)
			}
		}
	}
}
