package monitoring

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// The end-to-end test compresses time: a minute in the rules takes a second, which is also the scrape interval.
const (
	compression    = 60
	scrapeInterval = time.Second
)

// startPrometheus starts a Prometheus with time-compressed rules that scrapes a target and sends alerts to
// an Alertmanager.
func startPrometheus(t *testing.T, alertmanager, target string) *process {
	t.Helper()
	directory := t.TempDir()
	config := filepath.Join(directory, "prometheus.yml")
	write(t, filepath.Join(directory, "rules.yml"), string(compressed(t, compression)))
	write(t, config, fmt.Sprintf(`
global: {scrape_interval: %[1]s, scrape_timeout: %[1]s, evaluation_interval: %[1]s}
rule_files: [rules.yml]
alerting: {alertmanagers: [{static_configs: [{targets: [%[2]q]}]}]}
scrape_configs: [{job_name: alicdn_export, static_configs: [{targets: [%[3]q]}]}]
`, scrapeInterval, alertmanager, target))
	return start(t, nil, tool(t, "prometheus"), "--config.file="+config,
		"--storage.tsdb.path="+filepath.Join(directory, "data"), "--web.listen-address=127.0.0.1:0")
}

// series is one series in the result of an instant query.
type series struct {
	Metric map[string]string  `json:"metric"`
	Value  [2]json.RawMessage `json:"value"`
}
