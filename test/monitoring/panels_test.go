package monitoring

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// archive is a Prometheus with the thirty days of the story. It scrapes nothing.
type archive struct{ *process }

// startArchive records the days with scrapes every five minutes. Without pictures to draw, there are few scrapes before
// the last day, which takes a tenth of the time.
func startArchive(t *testing.T, pictures bool) archive {
	t.Helper()
	const interval = 5 * time.Minute
	lastDay := storyEnd.Add(-24 * time.Hour)
	var times []time.Time
	for now := storyStart; !now.After(storyEnd); now = now.Add(interval) {
		if pictures || !now.Before(lastDay) || now.Sub(storyStart)%(3*time.Hour) == 0 {
			times = append(times, now)
		}
	}
	story := recordStory(t, times)
	evaluated := evaluations{storyStart, storyEnd, interval}
	if !pictures {
		evaluated.start = lastDay
	}
	story.addAlerts(t, ruleList(t), evaluated)
	directory := t.TempDir()
	samples, config := filepath.Join(directory, "samples.txt"), filepath.Join(directory, "prometheus.yml")
	file, err := os.Create(samples)
	if err != nil {
		t.Fatal(err)
	}
	if err := story.writeOpenMetrics(file); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(directory, "data")
	// One block: promtool reads the whole file for each.
	mustRun(t, tool(t, "promtool"), "tsdb", "create-blocks-from", "--quiet", "--max-block-duration=1458h",
		"openmetrics", samples, data)
	write(t, config, "{}\n")
	a := archive{start(t, nil, tool(t, "prometheus"), "--config.file="+config, "--storage.tsdb.path="+data,
		"--storage.tsdb.retention.time=100y", "--web.listen-address=127.0.0.1:0")}
	await(t, "Prometheus has read the blocks", func() error {
		return get(t.Context(), a.address, "/api/v1/status/tsdb", nil, new(any))
	})
	return a
}

// series returns the series that a query has in the thirty days.
func (a archive) series(t *testing.T, query string, from time.Time) []series {
	t.Helper()
	var resp struct {
		Data struct {
			Result []series `json:"result"`
		} `json:"data"`
	}
	err := get(t.Context(), a.address, "/api/v1/query_range", url.Values{
		"query": {query}, "step": {"1800"},
		"start": {fmt.Sprint(from.Unix())}, "end": {fmt.Sprint(storyEnd.Unix())},
	}, &resp)
	if err != nil {
		t.Errorf("%s: %v", query, err)
	}
	return resp.Data.Result
}

// unanswered are the queries without data in the thirty days, by panel and refId, with the reason.
// TestPanelStates proves that they have data when they should.
var unanswered = map[string]string{
	"Pending B":    "no export is stuck",
	"Last month D": "every account has a limit for its months",
}

// The native histogram is proven by TestPanelHistograms.
func TestPanels(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes a minute")
	}
	pictures := os.Getenv("PICTURES")
	prom := startArchive(t, pictures != "")
	for file, d := range dashboards(t) {
		for _, p := range d.panels() {
			for _, target := range p.Targets {
				query := expandVariables(strings.ReplaceAll(target.Expr, "$__rate_interval", "20m"))
				_, excused := unanswered[p.Title+" "+target.RefID]
				if found := len(prom.series(t, query, storyStart)) > 0; found == excused {
					t.Errorf("%s, %s: the query %s has data: %v, want %v: %s", file, p.Title, target.RefID, found, !excused, query)
				}
			}
		}
	}
	// At the end, the first row says whose the problems are.
	for title, want := range map[string]string{"Finance must act": "games", "Operators must act": "wiki"} {
		found := prom.series(t, panelQuery(t, title, "A"), storyEnd)
		if len(found) != 1 || found[0].Metric["account"] != want {
			t.Errorf("%s: %v, want only %s", title, found, want)
		}
	}
	if pictures == "" {
		pictures = t.TempDir()
	}
	for _, look := range looks(os.Getenv("PICTURES") != "") {
		draw(t, prom, look, pictures)
	}
}

// look is one picture of a dashboard.
type look struct{ dashboard, theme, width string }

// looks are the pictures to draw: one of each width of each dashboard, and for the docs every theme.
func looks(all bool) []look {
	var looks []look
	for _, dashboard := range []string{"overview", "account"} {
		looks = append(looks, look{dashboard, "dark", "1600"}, look{dashboard, "light", "900"})
		if all {
			looks = append(looks, look{dashboard, "light", "1600"}, look{dashboard, "dark", "900"})
		}
	}
	return looks
}

// draw draws a dashboard in a browser. The renderer fails if a panel has an error or no data, or if a title is cut off.
func draw(t *testing.T, prom archive, look look, directory string) {
	t.Helper()
	name := look.dashboard + "-" + look.theme + ".png"
	if look.width != "1600" { // This picture is not kept; the renderer only checks for titles that are cut off.
		directory = t.TempDir()
	}
	args := []string{
		root + "/test/render/render.mjs", "--dashboard", root + "/dashboards/" + look.dashboard + ".json",
		"--prometheus", "http://" + prom.address, "--out", filepath.Join(directory, name),
		"--from", fmt.Sprint(storyStart.UnixMilli()), "--to", fmt.Sprint(storyEnd.UnixMilli()),
		"--time-zone", "Asia/Shanghai", "--scrape-interval", "5m", "--expand-rows",
		"--theme", look.theme, "--width", look.width,
	}
	if look.dashboard == "account" {
		args = append(args, "--var", "account=games", "--var", "export=usage", "--allow-no-data", "^Pending$")
	}
	out, err := exec.CommandContext(t.Context(), "node", args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s, %s wide: %v\n%s", name, look.width, err, out)
	}
	if text := bytes.TrimSpace(out); len(text) > 0 {
		t.Logf("%s", text)
	}
}
