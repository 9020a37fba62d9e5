package monitoring

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"alicdn_export_exporter/internal/simulator"
	simscenario "alicdn_export_exporter/internal/simulator/scenario"
	"alicdn_export_exporter/test/internal/program"
)

// The status page, the JSON, the check command and the alerts name the same problems: of every scenario of the
// simulator, of the demo, and of lists that are odd.
func TestOneVerdict(t *testing.T) {
	t.Parallel()
	t.Run("scenarios", func(t *testing.T) {
		t.Parallel()
		content := "accounts:\n"
		add := func(name string, api http.Handler, settings ...string) {
			server := httptest.NewServer(api)
			t.Cleanup(server.Close)
			content += fmt.Sprintf(`- name: %s
  endpoint: %s
  exports: [usage, usage_detail]
  expectations:
  - {name: monthly bill, export: usage, task_name: usage-.*, every: month, grace: 1d}
  - {name: services, export: usage_detail, task_name: detail-vas-.*, every: month, grace: 3d}
  - {name: nothing like it, export: usage, task_name: no such task, every: week}
`, name, server.URL)
			for _, setting := range settings {
				content += "  " + setting + "\n"
			}
		}
		for _, s := range simscenario.All() {
			add(s.Name, s.API(scenarioOptions(s.Name)))
		}
		healthy, err := simscenario.Find("healthy")
		if err != nil {
			t.Fatal(err)
		}
		add("unlisted", unlisted(healthy.API(simulator.Options{})))
		add("odd", simulator.New(simulator.NewFixedAccount(oddTasks()...), simulator.Options{}))
		add("empty", simulator.New(simulator.NewFixedAccount(), simulator.Options{}))
		add("half", healthy.API(simulator.Options{Denied: map[string]string{simulator.DetailAction: "Forbidden.RAM"}}))
		forgotten, err := simscenario.Find("forgotten-month")
		if err != nil {
			t.Fatal(err)
		}
		add("kiritimati", forgotten.API(simulator.Options{}), "time_zone: Pacific/Kiritimati", "usage_delay: 0")
		add("los-angeles", forgotten.API(simulator.Options{}), "time_zone: America/Los_Angeles", "limits: {month_grace: 0, success_age: 1d}")
		add("since", simulator.New(simulator.NewFixedAccount(), simulator.Options{}),
			"since: "+time.Now().AddDate(0, 0, -40).Format(time.DateOnly), "limits: {success_age: 39d}")
		add("new", simulator.New(simulator.NewFixedAccount(), simulator.Options{}),
			"since: "+time.Now().AddDate(0, 0, -3).Format(time.DateOnly))

		kinds := agree(t, startDaemon(t, configure(t, content)))
		for _, kind := range []string{
			"refused", "unreachable", "clock", "overdue", "failed", "stuck", "month_missing", "success_too_old", "never_succeeded",
			"unlisted", "unknown_status", "malformed",
		} {
			if !kinds[kind] {
				t.Errorf("no account has the problem %s", kind)
			}
		}
	})
	t.Run("demo", func(t *testing.T) {
		t.Parallel()
		kinds := agree(t, startDaemon(t, "--demo"))
		for _, kind := range []string{"refused", "overdue", "failed", "stuck"} {
			if !kinds[kind] {
				t.Errorf("no account has the problem %s", kind)
			}
		}
	})
}

// scenarioOptions returns those of a scenario. The tasks of the one that moves stand still, so that the program and the
// check command read the same list.
func scenarioOptions(name string) simulator.Options {
	if name != "moving" {
		return simulator.Options{}
	}
	now := time.Now()
	return simulator.Options{Quota: 1e6, Now: func() time.Time { return now }}
}

// oddTasks are a task with a status that is not documented, one without a time of creation, and an old success.
func oddTasks() []simulator.Task {
	now := time.Now()
	return []simulator.Task{
		{ID: "1", Name: "archived", Status: "archived", Created: now.AddDate(0, 0, -3)},
		{ID: "2", Name: "timeless", Status: simulator.StatusSuccess},
		{
			ID: "3", Name: "old", Status: simulator.StatusSuccess, Created: now.AddDate(0, 0, -40), Updated: now.AddDate(0, 0, -40),
			Start: now.AddDate(0, 0, -45), End: now.AddDate(0, 0, -42),
		},
	}
}

// unlisted returns an API that counts one task more than it lists.
func unlisted(api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		recorder := httptest.NewRecorder()
		api.ServeHTTP(recorder, r)
		body := regexp.MustCompile(`"TotalCount":\d+`).ReplaceAllFunc(recorder.Body.Bytes(), func(found []byte) []byte {
			var count int
			_, _ = fmt.Sscanf(string(bytes.TrimPrefix(found, []byte(`"TotalCount":`))), "%d", &count)
			return fmt.Appendf(nil, `"TotalCount":%d`, count+1)
		})
		w.WriteHeader(recorder.Code)
		_, _ = w.Write(body)
	})
}

// agree compares what page, JSON, check and alerts say, and returns the kinds of the problems.
func agree(t *testing.T, e daemon) map[string]bool {
	t.Helper()
	metrics := e.settled(t)
	json := e.get(t, "/api/v1/exports")
	followsSchema(t, json)
	served := parseDocument(t, json)
	want := served.alerts()
	if diff := cmp.Diff(want, parsePage(t, e.get(t, "/"), sections(t)).alerts); diff != "" {
		t.Errorf("-JSON +page:\n%s", diff)
	}
	if diff := cmp.Diff(want, alertsOf(t, metrics)); diff != "" {
		t.Errorf("-JSON +firing alerts:\n%s", diff)
	}
	inState := make(map[string][]string)
	for _, account := range served.Accounts {
		inState[account.State] = append(inState[account.State], account.Account)
	}
	var checked []string
	for state, names := range inState {
		status, text := e.check(t, append(names, "--output=json")...)
		if want := map[string]int{"fine": 0, "notable": 0, "export_missing": 2, "unreadable": 1}[state]; status != want {
			t.Errorf("check of accounts that are %s: exit status %d, want %d", state, status, want)
		}
		followsSchema(t, text)
		checked = append(checked, parseDocument(t, text).alerts()...)
	}
	slices.Sort(checked)
	if diff := cmp.Diff(want, checked); diff != "" {
		t.Errorf("-JSON +check:\n%s", diff)
	}
	kinds := make(map[string]bool)
	for _, account := range served.Accounts {
		all := slices.Clone(account.Problems)
		for _, export := range account.Exports {
			all = append(all, export.Problems...)
		}
		for _, p := range all {
			kinds[p.Kind] = true
		}
	}
	return kinds
}

// followsSchema compares a document with docs/exports.schema.json.
func followsSchema(t *testing.T, text string) {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schema, err := compiler.Compile(root + "/docs/exports.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(document); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

// settled scrapes until every list was read or failed twice: an alert needs more than one failure.
func (e daemon) settled(t *testing.T) string {
	t.Helper()
	deadline := time.Now().Add(2 * program.Patience)
	for {
		metrics := e.get(t, "/metrics")
		lists, settled := 0, 0
		for line := range strings.Lines(metrics) {
			if labels, up := strings.CutPrefix(line, "alicdn_export_up"); up {
				lists++
				labels, value, _ := strings.Cut(strings.TrimSuffix(labels, "\n"), " ")
				failed := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta("alicdn_export_refresh_failures_total"+labels) + ` ([2-9]|\d\d+)$`)
				if value == "1" || failed.MatchString(metrics) {
					settled++
				}
			}
		}
		if lists > 0 && lists == settled {
			return metrics
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d lists are settled", settled, lists)
		}
	}
}
