package docs_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A Prometheus answers every query on a page of recipes with data. It scrapes an exporter whose accounts have every
// kind of problem that the recipes look for.
func TestRecipes(t *testing.T) {
	if testing.Short() {
		t.Skip("runs programs for half a minute")
	}
	t.Parallel()
	prometheus := startRecipes(t)
	count := 0
	for _, p := range readPages(t) {
		for _, e := range p.examples() {
			if filepath.Base(p.path) != "recipes.md" || e.info != "promql" {
				continue
			}
			count++
			query := strings.TrimSpace(e.code)
			t.Run(fmt.Sprint(e.line), func(t *testing.T) {
				t.Parallel()
				var last error
				for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(500 * time.Millisecond) {
					if last = ask(prometheus, query); last == nil {
						return
					}
				}
				t.Errorf("%s: %v\n%s", e.where(), last, query)
			})
		}
	}
	if count < 10 {
		t.Errorf("%d recipes", count)
	}
}

// startRecipes starts simulators, an exporter and a Prometheus. It returns the Prometheus' address.
func startRecipes(t *testing.T) string {
	t.Helper()
	s := newSession(t, buildProgram(t))
	s.env = append(s.env, "ALIBABA_CLOUD_ACCESS_KEY_ID=LTAI5tSimulatedAccessKey",
		"ALIBABA_CLOUD_ACCESS_KEY_SECRET=SimulatedAccessKeySecret000001")
	background := func(command string) {
		t.Helper()
		if err := s.run(example{info: "sh background", code: command}); err != nil {
			t.Fatalf("%s: %v", command, err)
		}
	}
	var accounts strings.Builder
	for _, scenario := range []string{"healthy", "failed", "stuck", "denied"} {
		port := freePort(t)
		background("alicdn_export_exporter simulate --scenario " + scenario + " --address 127.0.0.1:" + port)
		expectations := "{name: monthly, export: usage, task_name: usage-.*, every: month, grace: 3d}"
		if scenario == "healthy" {
			expectations = "{name: weekly, export: usage, task_name: weekly-.*, every: week, grace: 3d}"
		}
		fmt.Fprintf(&accounts, "  - {name: %s, endpoint: 'http://127.0.0.1:%s', expectations: [%s]}\n", scenario, port, expectations)
	}
	exporter, prometheus := "127.0.0.1:"+freePort(t), "127.0.0.1:"+freePort(t)
	for file, content := range map[string]string{
		"accounts.yml": "accounts:\n" + accounts.String(),
		"scrape.yml": "scrape_configs: [{job_name: alicdn_export, scrape_interval: 1s, scrape_timeout: 1s, " +
			"static_configs: [{targets: ['" + exporter + "']}]}]\n",
	} {
		if err := os.WriteFile(filepath.Join(s.dir, file), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	background("alicdn_export_exporter --config.file=accounts.yml --cache.ttl=500ms --collector.task-info=100 --web.listen-address=" + exporter)
	background("prometheus --config.file=scrape.yml --storage.tsdb.path=data --web.listen-address=" + prometheus)
	return prometheus
}

// ask returns an error unless Prometheus answers a query with data.
func ask(prometheus, query string) error {
	resp, err := http.PostForm("http://"+prometheus+"/api/v1/query", url.Values{"query": {query}})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var answer struct {
		Error string
		Data  struct {
			Result []struct {
				Value [2]any
			}
		}
	}
	switch err := json.NewDecoder(resp.Body).Decode(&answer); {
	case err != nil:
		return err
	case answer.Error != "":
		return fmt.Errorf("%s", answer.Error)
	case len(answer.Data.Result) == 0:
		return fmt.Errorf("no data")
	}
	for _, sample := range answer.Data.Result {
		if sample.Value[1] == "NaN" {
			return fmt.Errorf("not a number")
		}
	}
	return nil
}
