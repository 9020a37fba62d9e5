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

// startPanelData starts an exporter with several accounts, including one for each kind of
// trouble that the panels show, and a Prometheus that has scraped it for a while.
func startPanelData(t *testing.T) (prom *promServer, exporter *process) {
	t.Helper()
	_, config := serve(t, []scenario{
		{account: "healthy"},
		{account: "failed"},
		{account: "stuck"},
		{account: "throttle"},
		{account: "moving"},
		{account: "clock-skew"},
	})
	file := filepath.Join(t.TempDir(), "config.yml")
	write(t, file, config)
	exporter = startExporter(t, "--config.file="+file, "--collector.task-info=8")
	prom = startPrometheus(t, "", nil, exporter.address)
	// Panels show rates of refreshes and errors, and alerts that fire. Both need some time.
	await(t, "every account has been scraped often enough and alerts fire", func() error {
		enough := fmt.Sprintf("min(count_over_time(alicdn_export_up[10m])) >= %d", scrapesIn(30*time.Minute))
		scraped, err := prom.query(enough)
		if err != nil {
			return err
		}
		if len(scraped) == 0 {
			return errors.New("too few scrapes")
		}
		firing, err := prom.query(`ALERTS{alertstate="firing",
			alertname=~"CDNExportUnrecoveredFailure|CDNExportStuckPending|CDNExportAccountRefused"}`)
		if err == nil && len(firing) < 3 {
			err = fmt.Errorf("%d of 3 alerts fire", len(firing))
		}
		return err
	})
	return prom, exporter
}

func TestPanels(t *testing.T) {
	t.Parallel() // It waits most of the time.
	if testing.Short() {
		t.Skip("takes a minute")
	}
	prom, exporter := startPanelData(t)
	for file, d := range dashboards(t) {
		for _, p := range d.panels() {
			for _, target := range p.Targets {
				query := strings.ReplaceAll(target.Expr, "$__rate_interval", "15s")
				result, err := prom.query(expandVariables(query))
				if err != nil {
					t.Errorf("%s, %s: %v", file, p.Title, err)
				}
				if len(result) == 0 {
					t.Errorf("%s, %s: the query returns no series: %s", file, p.Title, expandVariables(query))
				}
			}
		}
	}
	now := time.Now()
	exporter.stop()
	t.Run("Pictures", func(t *testing.T) { render(t, prom, now) })
}

// render draws every dashboard for the time end in a browser: dark and light, wide and narrow. The
// renderer fails if a panel has an error or no data, or if a title is cut off. The environment
// variable PICTURES names a directory for the pictures.
func render(t *testing.T, prom *promServer, end time.Time) {
	t.Helper()
	directory := os.Getenv("PICTURES")
	if directory == "" {
		directory = t.TempDir()
	}
	for _, name := range []string{"overview", "account", "exporter"} {
		for _, look := range []struct{ theme, width string }{{"dark", "1600"}, {"light", "1600"}, {"dark", "900"}} {
			picture := filepath.Join(directory, name+"-"+look.theme+".png")
			if look.width != "1600" { // This picture is not kept; the renderer only checks for titles that are cut off.
				picture = filepath.Join(t.TempDir(), name+"-narrow.png")
			}
			args := []string{
				root + "/test/render/render.mjs", "--dashboard", root + "/dashboards/" + name + ".json",
				"--prometheus", "http://" + prom.address, "--out", picture,
				"--from", fmt.Sprint(end.Add(-time.Minute).UnixMilli()), "--to", fmt.Sprint(end.UnixMilli()),
				"--scrape-interval", scrapeInterval.String(), "--expand-rows",
				"--theme", look.theme, "--width", look.width,
			}
			if name == "account" {
				args = append(args, "--var", "account=failed", "--var", "export=usage",
					"--allow-no-data", "^(Pending for|API errors by code)$")
			}
			out, err := exec.CommandContext(t.Context(), "node", args...).CombinedOutput()
			if err != nil {
				t.Errorf("%s: %v\n%s", picture, err, out)
			}
		}
	}
}
