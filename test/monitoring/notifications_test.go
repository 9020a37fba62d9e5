package monitoring

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
)

// postedAlert is an alert as Prometheus posts it to Alertmanager.
type postedAlert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt"`
}

func posted(rule rulefmt.Rule, lbls map[string]string) postedAlert {
	all := maps.Clone(lbls)
	maps.Copy(all, rule.Labels)
	all["alertname"] = rule.Alert
	return postedAlert{Labels: all, Annotations: rule.Annotations}
}

// post sends alerts to an Alertmanager, as if they had begun now: it does not wait for the other alerts of a
// group if one began long ago.
func (p *process) post(alerts []postedAlert, ends time.Time) {
	p.t.Helper()
	started := time.Now()
	if !started.Before(ends) {
		started = ends.Add(-time.Millisecond)
	}
	all := slices.Clone(alerts)
	for i := range all {
		all[i].StartsAt, all[i].EndsAt = started, ends
	}
	body, err := json.Marshal(all)
	if err != nil {
		p.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost,
		"http://"+p.address+"/api/v2/alerts", bytes.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := (&http.Client{Timeout: time.Minute}).Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	if text, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusOK {
		p.t.Fatalf("%s: %s", response.Status, text)
	}
}

// troubles are the alerts of all scenarios; those of an account that cannot be read anymore although every
// other alert about it fires; and those of the exporters.
func troubles(t *testing.T) []postedAlert {
	t.Helper()
	r := simulate(t, midMonth, 70*time.Minute, time.Minute, 50*time.Second, scenarios())
	var all []postedAlert
	for _, e := range r.firing(t, ruleList(t), r.evaluations) {
		if e.end.IsZero() {
			all = append(all, posted(e.rule, e.labels.Map()))
		}
	}
	for _, rule := range allRules(t, true) {
		with := labels.FromStrings("job", "alicdn_export").Map()
		switch strings.TrimPrefix(rule.Alert, "CDNExport") {
		case "ExporterAbsent":
		case "ExporterVanished":
			with["job"] = "down"
			all = append(all, posted(rule, with))
			with["job"] = "vanished"
		case "ExporterDown":
			with["job"], with["instance"] = "down", "i"
		case "AccountVanished":
			with["job"], with["account"] = "down", "lost"
			all = append(all, posted(rule, with))
			with["job"] = "vanished"
		case "ReloadFailed":
			with["instance"] = "i"
		case "AccountUnreachable":
			continue
		default:
			with["account"], with["export"] = "unreadable", "usage"
			if rule.Alert == "CDNExportAccountRefused" {
				with["class"] = "credentials"
			}
			if rule.Alert == "CDNExportClockSkew" {
				continue // It is about the exporter, not about the list.
			}
		}
		all = append(all, posted(rule, with))
	}
	return all
}

// TestNotifications posts all alerts to the real Alertmanager with the example's configuration: each cause
// is one message, to whoever can act.
func TestNotifications(t *testing.T) {
	t.Parallel() // It waits most of the time.
	if testing.Short() {
		t.Skip("takes a minute")
	}
	alerts := troubles(t)
	notMuted := []string{
		"chat: lost AccountVanished",
		"chat: slow RefreshesTooSlow",
		"chat: unknown TasksMalformed",
		"chat: unknown UnknownStatus",
		"chat: unlisted TasksUnlisted",
		"on-call:  ExporterAbsent",
	}
	inWorkingHours := []string{
		"finance: empty NeverSucceeded",
		"finance: failed ExpectationOverdue, failed UnrecoveredFailure",
		"finance: forgotten-month ExpectationOverdue",
		"finance: moving ExpectationOverdue",
		"finance: stuck StuckPending",
		"finance: too-early ExpectationOverdue",
		"operators:  ExporterDown",
		"operators:  ReloadFailed",
		"operators: clock-skew AccountRefused clock",
		"operators: denied AccountRefused denied",
		"operators: outage AccountUnreachable",
		"operators: unreadable AccountRefused credentials",
	}
	t.Run("in working hours", func(t *testing.T) {
		t.Parallel()
		hook := newWebhook(t)
		manager := startAlertmanager(t, hook, "")
		manager.post(alerts, time.Now().Add(time.Hour))
		want := slices.Sorted(slices.Values(slices.Concat(notMuted, inWorkingHours)))
		await(t, "all messages have come", func() error { return equal(want, hook.firingMessages(), nil) })
		suppressed, err := manager.suppressed()
		if err != nil {
			t.Fatal(err)
		}
		if len(suppressed) < len(alerts)/3 {
			t.Errorf("of %d alerts, only these are inhibited: %q", len(alerts), suppressed)
		}
		manager.post(alerts, time.Now())
		// Chat is not told of an end, in the example.
		await(t, "all alerts are sent as resolved", func() error { return equal(nil, hook.firing(), nil) })
		if diff := cmp.Diff(want, hook.firingMessages()); diff != "" {
			t.Errorf("messages in the end, -want +got:\n%s", diff)
		}
	})
	t.Run("at night", func(t *testing.T) {
		t.Parallel()
		hook := newWebhook(t)
		manager := startAlertmanager(t, hook, "1970:2999")
		manager.post(alerts, time.Now().Add(time.Hour))
		await(t, "the other messages are held back", func() error {
			if muted := manager.muted(); muted < len(inWorkingHours) {
				return fmt.Errorf("%d of %d", muted, len(inWorkingHours))
			}
			return equal(notMuted, hook.firingMessages(), nil)
		})
	})
}

var mutedMetric = regexp.MustCompile(`alertmanager_notifications_suppressed_total\{reason="(?:mute|active)_time_interval"\} (\d+)`)

// muted returns how many alerts Alertmanager has not sent because of a time interval.
func (p *process) muted() int {
	response, err := http.Get("http://" + p.address + "/metrics")
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	sum := 0
	for _, found := range mutedMetric.FindAllSubmatch(body, -1) {
		n, _ := strconv.Atoi(string(found[1])) // The pattern matches only digits.
		sum += n
	}
	return sum
}

// A person who has never seen Prometheus must understand the messages.
func TestMessages(t *testing.T) {
	t.Parallel()
	alert := func(name, description string, lbls map[string]string) map[string]any {
		for _, rule := range allRules(t, true) {
			if rule.Alert == "CDNExport"+name {
				p := posted(rule, lbls)
				p.Annotations = maps.Clone(p.Annotations)
				p.Annotations["description"] = description
				return map[string]any{"status": "firing", "labels": p.Labels, "annotations": p.Annotations}
			}
		}
		t.Fatalf("no alert %s", name)
		return nil
	}
	account := map[string]string{"account": "production", "export": "usage"}
	october := map[string]string{"account": "production", "export": "usage", "month": "2026-10"}
	uncovered := alert("MonthUncovered", "Successful usage exports cover 45%.", october)
	failed := alert("UnrecoveredFailure", "Make it again.", account)
	down := alert("ExporterDown", "It does not answer.", map[string]string{"instance": "exporter:10077"})
	solved := maps.Clone(uncovered)
	solved["status"] = "resolved"
	for name, tc := range map[string]struct {
		status        string
		common        map[string]string
		alerts        []any
		subject, text string
	}{
		"a month": {
			"firing", account,
			[]any{uncovered},
			"account production: October 2026 is not completely exported.",
			`* Account production: October 2026 is not completely exported.
  Successful usage exports cover 45%.
  Status page: http://localhost:10077/?account=production
  What to do: http://localhost:10077/runbook#cdnexportmonthuncovered
`,
		},
		"two alerts": {
			"firing", account,
			[]any{failed, uncovered},
			"account production: An export failed and no successful one has replaced it. And others.",
			`* Account production: An export failed and no successful one has replaced it.
  Make it again.
  Status page: http://localhost:10077/?account=production
  What to do: http://localhost:10077/runbook#cdnexportunrecoveredfailure

* Account production: October 2026 is not completely exported.
  Successful usage exports cover 45%.
  Status page: http://localhost:10077/?account=production
  What to do: http://localhost:10077/runbook#cdnexportmonthuncovered
`,
		},
		"an exporter": {
			"firing", nil,
			[]any{down},
			"A CDN export exporter does not answer.",
			`* A CDN export exporter does not answer.
  It does not answer.
  What to do: http://localhost:10077/runbook#cdnexportexporterdown
`,
		},
		"a month that is exported now": {
			"resolved", account,
			[]any{solved},
			"Solved: account production: October 2026 is not completely exported.",
			`Solved, nothing to do anymore:
* Account production: October 2026 is not completely exported.
`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := json.Marshal(map[string]any{"status": tc.status, "commonLabels": tc.common, "alerts": tc.alerts})
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "data.json")
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
			for template, want := range map[string]string{"subject": tc.subject, "text": tc.text} {
				got := mustRun(t, tool(t, "amtool"), "template", "render", "--template.data="+file,
					"--template.glob="+root+"/alerts/examples/alicdn_export.tmpl",
					`--template.text={{ template "alicdn_export.`+template+`" . }}`)
				if diff := cmp.Diff(strings.TrimSpace(want), strings.TrimSpace(got)); diff != "" {
					t.Errorf("%s, -want +got:\n%s", template, diff)
				}
			}
		})
	}
}
