package monitoring

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// world is an exporter of several accounts, one of them with trouble of each kind
// that the panels show, and a Prometheus that has watched it for a while.
func world(t *testing.T) (prom *promServer, exporter *process) {
	t.Helper()
	_, config := serve(t, []scenario{
		{account: "healthy"}, {account: "failed"}, {account: "stuck"}, {account: "throttle"}, {account: "moving"}, {account: "clock-skew"},
	})
	file := filepath.Join(t.TempDir(), "config.yml")
	write(t, file, config)
	exporter = watching(t, "--config.file="+file, "--collector.task-info=8")
	prom = startPrometheus(t, "", nil, exporter.address)
	// Refreshes and errors draw as rates, alerts when they have lasted.
	await(t, "every account has been watched and alerts fire", func() error {
		watched, err := prom.query(fmt.Sprintf("min(count_over_time(alicdn_export_up[10m])) >= %d", scrapesIn(30*time.Minute)))
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
	return prom, exporter
}

func TestEveryPanelIsAnswered(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a minute")
	}
	prom, exporter := world(t)
	for file, d := range dashboards(t) {
		for _, p := range d.shown() {
			for _, target := range p.Targets {
				query := strings.ReplaceAll(target.Expr, "$__rate_interval", "15s")
				answer, err := prom.query(plain(query))
				if err != nil {
					t.Errorf("%s, %s: %v", file, p.Title, err)
				}
				if len(answer) == 0 {
					t.Errorf("%s, %s: no series: %s", file, p.Title, plain(query))
				}
			}
		}
	}
	now := time.Now()
	exporter.stop()
	t.Run("Pictures", func(t *testing.T) { render(t, prom, now) })
}

// render draws every dashboard as it was then, in a browser, dark and light, wide and narrow. The
// renderer fails where a panel has an error or no data, or a title is cut off.
// PICTURES names a directory to keep the pictures in.
func render(t *testing.T, prom *promServer, then time.Time) {
	t.Helper()
	directory := os.Getenv("PICTURES")
	if directory == "" {
		directory = t.TempDir()
	}
	for _, name := range []string{"overview", "account", "exporter"} {
		for _, look := range []struct{ theme, width string }{{"dark", "1600"}, {"light", "1600"}, {"dark", "900"}} {
			picture := filepath.Join(directory, name+"-"+look.theme+".png")
			if look.width != "1600" { // Only looked at by the renderer, for titles that are cut off.
				picture = filepath.Join(t.TempDir(), name+"-narrow.png")
			}
			args := []string{
				root + "/test/render/render.mjs", "--dashboard", root + "/dashboards/" + name + ".json",
				"--prometheus", "http://" + prom.address, "--out", picture,
				"--from", fmt.Sprint(then.Add(-time.Minute).UnixMilli()), "--to", fmt.Sprint(then.UnixMilli()),
				"--scrape-interval", scrapeInterval.String(), "--expand-rows", "--theme", look.theme, "--width", look.width,
			}
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
