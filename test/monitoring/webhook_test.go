package monitoring

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"
)

// webhook receives Alertmanager's notifications.
type webhook struct {
	*httptest.Server
	mu sync.Mutex
	// last is the last status of each alert for each receiver: firing or resolved.
	last map[string]string
	// messages are the notifications of firing alerts, each as RECEIVER: ALERT, ALERT.
	messages []string
}

func newWebhook(t *testing.T) *webhook {
	t.Helper()
	w := &webhook{last: make(map[string]string)}
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
	receiver := strings.TrimPrefix(r.URL.Path, "/")
	var firing []string
	for _, alert := range notification.Alerts {
		key := receiver + ": " + alertKey(alert.Labels)
		w.last[key] = alert.Status
		if alert.Status == "firing" {
			firing = append(firing, alertKey(alert.Labels))
		}
	}
	if len(firing) > 0 {
		slices.Sort(firing)
		w.messages = append(w.messages, receiver+": "+strings.Join(firing, ", "))
	}
}

// firingMessages returns the notifications of firing alerts, sorted.
func (w *webhook) firingMessages() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(slices.Values(w.messages))
}

// alertKey identifies an alert by its account, its name and its other labels.
func alertKey(labels map[string]string) string {
	parts := []string{labels["account"], strings.TrimPrefix(labels["alertname"], "CDNExport")}
	for _, name := range []string{"class", "month"} {
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

// startAlertmanager starts an Alertmanager with the example's routes, inhibitions and templates. Its
// receivers are the webhook's, and it notifies after seconds. mute is a time interval that replaces nights
// and weekends, or empty: then nothing is muted.
func startAlertmanager(t *testing.T, hook *webhook, mute string) *process {
	t.Helper()
	content, err := os.ReadFile(root + "/alerts/examples/alertmanager.yml")
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := yaml.Unmarshal(content, &config); err != nil {
		t.Fatal(err)
	}
	var receivers []any
	for _, receiver := range config["receivers"].([]any) {
		name := receiver.(map[string]any)["name"]
		receivers = append(receivers, map[string]any{
			"name": name, "webhook_configs": []any{map[string]any{"url": fmt.Sprint(hook.URL, "/", name)}},
		})
	}
	config["receivers"] = receivers
	times := []any{map[string]any{"years": []any{cmp.Or(mute, "1970")}}}
	config["time_intervals"] = []any{map[string]any{"name": "nights and weekends", "time_intervals": times}}
	speedUp(config["route"].(map[string]any))
	if content, err = yaml.Marshal(config); err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	write(t, filepath.Join(directory, "alertmanager.yml"), string(content))
	texts, err := os.ReadFile(root + "/alerts/examples/alicdn_export.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(directory, "alicdn_export.tmpl"), string(texts))
	return start(t, nil, tool(t, "alertmanager"), "--config.file="+filepath.Join(directory, "alertmanager.yml"),
		"--storage.path="+t.TempDir(), "--web.listen-address=127.0.0.1:0", "--cluster.listen-address=")
}

// speedUp makes a route and those below it notify after seconds. Alertmanager needs some time until it
// knows all alerts that inhibit others.
func speedUp(route map[string]any) {
	for key, wait := range map[string]string{"group_wait": "10s", "group_interval": "1s"} {
		if route[key] != nil {
			route[key] = wait
		}
	}
	if below, ok := route["routes"].([]any); ok {
		for _, r := range below {
			speedUp(r.(map[string]any))
		}
	}
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
