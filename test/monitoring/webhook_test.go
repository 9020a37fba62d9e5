package monitoring

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// webhook receives Alertmanager's notifications.
type webhook struct {
	*httptest.Server
	mu sync.Mutex
	// last is the last status of each alert for each receiver: firing or resolved. ever contains every
	// alert that has fired.
	last, ever map[string]string
}

func newWebhook(t *testing.T) *webhook {
	t.Helper()
	w := &webhook{last: make(map[string]string), ever: make(map[string]string)}
	w.Server = httptest.NewServer(w)
	t.Cleanup(w.Close)
	return w
}

func (w *webhook) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	var notification struct {
		Alerts []struct {
			Status string            `json:"status"`
			Labels map[string]string `json:"labels"`
		} `json:"alerts"`
	}
	if err := json.NewDecoder(r.Body).Decode(&notification); err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, alert := range notification.Alerts {
		key := strings.TrimPrefix(r.URL.Path, "/") + ": " + alertKey(alert.Labels)
		w.last[key] = alert.Status
		if alert.Status == "firing" {
			w.ever[key] = alert.Status
		}
	}
}

// alertKey identifies an alert by its account, its name and its other labels.
func alertKey(labels map[string]string) string {
	parts := []string{labels["account"], strings.TrimPrefix(labels["alertname"], "CDNExport")}
	for _, name := range []string{"class", "months_ago"} {
		if labels[name] != "" {
			parts = append(parts, labels[name])
		}
	}
	return strings.Join(parts, " ")
}

func (w *webhook) firing() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var firing []string
	for key, status := range w.last {
		if status == "firing" {
			firing = append(firing, key)
		}
	}
	slices.Sort(firing)
	return firing
}

func (w *webhook) everFired() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(maps.Keys(w.ever))
}

// startAlertmanager starts an Alertmanager with the example's routes and inhibitions. It sends
// notifications to the webhook, after a second.
func startAlertmanager(t *testing.T, hook *webhook) *process {
	t.Helper()
	content, err := os.ReadFile(root + "/alerts/examples/alertmanager.yml")
	if err != nil {
		t.Fatal(err)
	}
	config := string(content)
	for old, replacement := range map[string]string{
		"http://localhost:5001": hook.URL, "group_wait: 30s": "group_wait: 1s",
		"group_interval: 5m": "group_interval: 1s",
		"- name: none":       "- name: none\n    webhook_configs: [{url: " + hook.URL + "/none}]",
	} {
		if !strings.Contains(config, old) {
			t.Fatalf("the example does not contain %q", old)
		}
		config = strings.ReplaceAll(config, old, replacement)
	}
	file := filepath.Join(t.TempDir(), "alertmanager.yml")
	write(t, file, config)
	return start(t, nil, tool(t, "alertmanager"), "--config.file="+file, "--storage.path="+t.TempDir(),
		"--web.listen-address=127.0.0.1:0", "--cluster.listen-address=")
}

// suppressed returns the alerts that Alertmanager inhibits because of others.
func (p *process) suppressed() ([]string, error) {
	var alerts []struct {
		Labels map[string]string `json:"labels"`
	}
	inhibited := url.Values{"active": {"false"}, "silenced": {"false"}, "inhibited": {"true"}}
	err := get(p.t.Context(), p.address, "/api/v2/alerts", inhibited, &alerts)
	var names []string
	for _, alert := range alerts {
		names = append(names, alertKey(alert.Labels))
	}
	slices.Sort(names)
	return names, err
}
