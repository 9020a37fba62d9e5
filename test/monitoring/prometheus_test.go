package monitoring

import (
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The tests compress time: a minute in the rules takes two seconds, which is also the scrape interval.
const (
	compression    = 30
	scrapeInterval = 2 * time.Second
)

// scrapesIn returns the number of scrapes in a duration of the rules, which is compressed.
func scrapesIn(d time.Duration) int { return int(d / compression / scrapeInterval) }

// promServer is a Prometheus with time-compressed rules.
type promServer struct {
	*process
	config, alertmanager string
}

// startPrometheus starts a Prometheus that scrapes targets. It sends alerts to the Alertmanager
// unless that is empty. limits replaces thresholds by name.
func startPrometheus(t *testing.T, alertmanager string, limits map[string]string, targets ...string) *promServer {
	t.Helper()
	directory := t.TempDir()
	p := &promServer{config: filepath.Join(directory, "prometheus.yml"), alertmanager: alertmanager}
	write(t, filepath.Join(directory, "rules.yml"), string(compressed(t, compression, limits)))
	write(t, p.config, p.configuration(targets))
	p.process = start(t, nil, tool(t, "prometheus"), "--config.file="+p.config,
		"--storage.tsdb.path="+filepath.Join(directory, "data"), "--web.listen-address=127.0.0.1:0")
	return p
}

func (p *promServer) configuration(targets []string) string {
	var config strings.Builder
	fmt.Fprintf(&config, "global: {scrape_interval: %[1]s, scrape_timeout: %[1]s, evaluation_interval: %[1]s}\n"+
		"rule_files: [rules.yml]\n", scrapeInterval)
	if p.alertmanager != "" {
		fmt.Fprintf(&config, "alerting: {alertmanagers: [{static_configs: [{targets: [%q]}]}]}\n", p.alertmanager)
	}
	if len(targets) > 0 {
		fmt.Fprintf(&config, "scrape_configs:\n  - job_name: alicdn_export\n    static_configs: [{targets: [%s]}]\n",
			strings.Join(targets, ", "))
	}
	return config.String()
}

// setTargets replaces the targets.
func (p *promServer) setTargets(targets ...string) {
	write(p.t, p.config, p.configuration(targets))
	p.reload()
}

// series is one series in the result of an instant query.
type series struct {
	Metric map[string]string  `json:"metric"`
	Value  [2]json.RawMessage `json:"value"`
}

// query runs an instant query.
func (p *promServer) query(query string) ([]series, error) {
	var resp struct {
		Data struct {
			Result []series `json:"result"`
		} `json:"data"`
	}
	err := get(p.t.Context(), p.address, "/api/v1/query", url.Values{"query": {query}}, &resp)
	return resp.Data.Result, err
}

// fired returns the alerts that have fired at any time.
func (p *promServer) fired() ([]string, error) {
	result, err := p.query(`max by (account, alertname, class, months_ago) (
		max_over_time(ALERTS{alertstate="firing"}[1h]))`)
	var names []string
	for _, s := range result {
		names = append(names, alertKey(s.Metric))
	}
	slices.Sort(names)
	return names, err
}
