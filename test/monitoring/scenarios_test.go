package monitoring

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	simscenario "alicdn_export_exporter/internal/simulator/scenario"
)

// scenario is an account with one kind of trouble, and the alerts that it causes.
type scenario struct {
	account string
	// name is the simulator's scenario; the default is the account's name.
	name string
	// change, if not nil, changes the API's responses.
	change middleware
	// notified are the alerts that are sent, in the form "receiver: alert". Because of them,
	// Alertmanager inhibits those in suppressed.
	notified, suppressed []string
	// optional are alerts that may fire, depending on the day.
	optional []string
}

func scenarios() []scenario {
	return []scenario{
		{account: "healthy"},
		{account: "throttle"},
		{account: "huge"},
		// Its tasks come and go, so the last months are covered or not.
		{account: "moving", optional: []string{
			"MonthUncovered 1", "MonthUncovered 2", "UnrecoveredFailure", "ExpectationOverdue",
		}},
		{account: "stuck", notified: []string{"finance: StuckPending"}},
		{account: "denied", notified: []string{"on-call: AccountRefused denied"}},
		{account: "outage", notified: []string{"finance: AccountUnreachable"}},
		{account: "clock-skew", notified: []string{"finance: ClockSkew", "on-call: AccountRefused clock"}},
		{account: "forgotten-month", notified: []string{
			"finance: ExpectationOverdue", "finance: MonthUncovered 1", "finance: NewestSuccessTooOld",
		}},
		{account: "too-early", notified: []string{
			"finance: ExpectationOverdue", "finance: MonthUncovered 1", "finance: MonthUncovered 2",
		}, optional: []string{"NewestSuccessTooOld"}}, // In the last days of a month.
		{account: "failed", notified: []string{
			"finance: ExpectationOverdue", "finance: MonthUncovered 1", "finance: NewestSuccessTooOld",
			"finance: UnrecoveredFailure",
		}},
		{
			account: "empty", name: "healthy", change: emptyList, notified: []string{"finance: NeverSucceeded"},
			suppressed: []string{"ExpectationOverdue", "MonthUncovered 1", "MonthUncovered 2"},
		},
		{account: "unlisted", name: "healthy", change: oneUnlisted, notified: []string{"none: TasksUnlisted"}},
		{account: "unknown", name: "healthy", change: oneUnknownStatus, notified: []string{"none: UnknownStatus"}},
		{account: "slow", name: "healthy", change: slow, notified: []string{
			"finance: SnapshotStale", "none: RefreshesTooSlow",
		}},
	}
}

// withAccount adds the account to each alert.
func (s scenario) withAccount(alerts []string) []string {
	var named []string
	for _, alert := range alerts {
		receiver, name, ok := strings.Cut(alert, ": ")
		if !ok {
			receiver, name = "", alert
		} else {
			receiver += ": "
		}
		named = append(named, receiver+s.account+" "+name)
	}
	return named
}

// limits are thresholds for times that the tests cannot compress.
var limits = map[string]string{
	// The simulated calendar is not compressed: if an account missed a month, its newest success is four weeks old.
	"alicdn_export:newest_success_age_seconds:limit": "group by (job, account, export) (alicdn_export:up:max5m) * 27 * 86400",
	"alicdn_export:month_end_age_seconds:limit":      "group by (job, account, export) (alicdn_export:up:max5m) * 600",
	// The API is not compressed either. Reading 20,000 tasks takes four seconds, and the list gets twice that
	// old. The account "slow" has lower limits.
	"alicdn_export:snapshot_age_seconds:limit": `group by (job, account, export) (alicdn_export:up:max5m{account="slow"}) * 7
		or group by (job, account, export) (alicdn_export:up:max5m) * 60`,
	"alicdn_export:refresh_duration_seconds:limit": `group by (job, account, export) (alicdn_export:up:max5m{account="slow"}) * 4
		or group by (job, account, export) (alicdn_export:up:max5m) * 60`,
}

// TestScenarios causes trouble of every kind until every alert has fired, and then repairs it. Each
// alert must be sent once to the right receiver, and sent again as resolved. Accounts without
// trouble must cause no alert.
func TestScenarios(t *testing.T) {
	t.Parallel() // It waits most of the time.
	if testing.Short() {
		t.Skip("takes minutes")
	}
	skipAtMonthTurn(t)

	var notified, suppressed, optional []string
	for _, s := range scenarios() {
		notified = append(notified, s.withAccount(s.notified)...)
		suppressed = append(suppressed, s.withAccount(s.suppressed)...)
		optional = append(optional, s.withAccount(s.optional)...)
	}
	apis, config := serve(t, scenarios())
	file := filepath.Join(t.TempDir(), "config.yml")
	write(t, file, config)
	main := startExporter(t, "--config.file="+file)

	// The exporters have trouble too: one cannot reload its file, another one is down, and a second Prometheus
	// scrapes none.
	write(t, file, config+"  - naame: typo\n")
	main.reload()
	spare := startExporter(t, "--web.listen-address=127.0.0.7:0", "--account.name=spare",
		"--api.endpoint="+newAPI(t, scenario{account: "healthy"}).URL)
	spare.stop()
	hook := newWebhook(t)
	manager := startAlertmanager(t, hook)
	prom := startPrometheus(t, manager.address, limits, main.address, spare.address)
	elsewhere := startPrometheus(t, manager.address, nil)
	notified = append(notified, "finance:  ReloadFailed", "on-call:  ExporterAbsent", "on-call:  ExporterDown")

	slices.Sort(notified)
	slices.Sort(suppressed)
	withoutOptional := func(alerts []string) []string {
		return slices.DeleteFunc(alerts, func(alert string) bool {
			_, name, ok := strings.Cut(alert, ": ")
			return slices.Contains(optional, alert) || ok && slices.Contains(optional, name)
		})
	}
	await(t, "the expected alerts are sent", func() error {
		return equal(notified, withoutOptional(hook.firing()), nil)
	})
	await(t, "their consequences are suppressed", func() error {
		got, err := manager.suppressed()
		return equal(suppressed, withoutOptional(got), err)
	})
	await(t, "every alert has had time to fire", func() error {
		enough := fmt.Sprintf("min(count_over_time(alicdn_export_up[10m])) >= %d", scrapesIn(40*time.Minute))
		got, err := prom.query(enough)
		return equal(1, len(got), err)
	})
	if err := equal(notified, withoutOptional(hook.firing()), nil); err != nil {
		t.Errorf("alerts sent in the end: %v", err)
	}
	all := slices.Clone(suppressed)
	for _, key := range notified {
		if _, name, _ := strings.Cut(key, ": "); name != " ExporterAbsent" {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	got, err := prom.fired()
	if err := equal(all, withoutOptional(got), err); err != nil {
		t.Errorf("alerts that fired: %v", err)
	}
	checkEveryAlertFired(t, append(all, " ExporterAbsent"))

	// If an account becomes unreadable, the alerts about its exports are suppressed.
	apis["failed"].setScenario(t, scenario{account: "denied"})
	consequences := slices.Clone(suppressed)
	for _, s := range scenarios() {
		if s.account == "failed" {
			for _, alert := range s.withAccount(s.notified) {
				consequences = append(consequences, strings.TrimPrefix(alert, "finance: "))
			}
		}
	}
	slices.Sort(consequences)
	await(t, "the other alerts of an account that cannot be read are suppressed", func() error {
		got, err := manager.suppressed()
		return equal(consequences, withoutOptional(got), err)
	})
	// Wait for the end of this suppression: Alertmanager does not send a suppressed alert as resolved.
	apis["failed"].setScenario(t, scenario{account: "failed"})
	await(t, "the alerts of the repaired account are no longer suppressed", func() error {
		got, err := manager.suppressed()
		return equal(suppressed, withoutOptional(got), err)
	})

	for _, s := range scenarios() {
		if len(s.notified)+len(s.optional) > 0 {
			apis[s.account].setScenario(t, scenario{account: "healthy"})
		}
	}
	write(t, file, config)
	main.reload()
	restarted := startExporter(t, "--web.listen-address="+spare.address, "--account.name=spare",
		"--api.endpoint="+newAPI(t, scenario{account: "healthy"}).URL)
	elsewhere.setTargets(restarted.address)
	await(t, "all alerts are sent as resolved", func() error { return equal(nil, hook.firing(), nil) })
	await(t, "Prometheus has no alert", func() error {
		got, err := prom.query(`ALERTS`)
		return equal(0, len(got), err)
	})
	notified = append(notified, "on-call: failed AccountRefused denied")
	slices.Sort(notified)
	if err := equal(notified, withoutOptional(hook.everFired()), nil); err != nil {
		t.Errorf("alerts that were ever sent: %v", err)
	}
}

// serve starts an API for each scenario. It returns them by account name, and the configuration file
// of an exporter for these accounts.
func serve(t *testing.T, all []scenario) (apis map[string]*api, config string) {
	t.Helper()
	apis = make(map[string]*api)
	config = "accounts:\n"
	for _, s := range all {
		apis[s.account] = newAPI(t, s)
		config += fmt.Sprintf(`  - name: %s
    endpoint: %s
    expectations:
      - {name: monthly bill, export: usage, task_name: "(usage|report)-.*", every: month, grace: 5m, since: %q}
`, s.account, apis[s.account].URL, time.Now().AddDate(0, 0, -45).Format(time.DateOnly))
	}
	return apis, config
}

// skipAtMonthTurn skips the test if a month begins in UTC+8 within 15 minutes or began within the last
// six and a half hours. The simulated accounts export a month six hours after its end, so during the test
// another export would become overdue.
func skipAtMonthTurn(t *testing.T) {
	t.Helper()
	soon := time.Now().In(time.FixedZone("UTC+8", 8*60*60)).Add(15 * time.Minute)
	begin := time.Date(soon.Year(), soon.Month(), 1, 0, 0, 0, 0, soon.Location())
	if soon.Sub(begin) < 6*time.Hour+45*time.Minute {
		t.Skipf("a month begins: the test can run %s from now", begin.Add(6*time.Hour+45*time.Minute).Sub(soon))
	}
}

// checkEveryAlertFired reports alerts that no scenario makes fire, and scenarios that are not tested.
func checkEveryAlertFired(t *testing.T, fired []string) {
	t.Helper()
	for _, alert := range allRules(t, true) {
		name := strings.TrimPrefix(alert.Alert, "CDNExport")
		if !slices.ContainsFunc(fired, func(f string) bool { return slices.Contains(strings.Split(f, " "), name) }) {
			t.Errorf("no scenario makes %s fire", alert.Alert)
		}
	}
	for _, name := range simscenario.Names() {
		if !slices.ContainsFunc(scenarios(), func(s scenario) bool { return s.account == name }) {
			t.Errorf("the simulator's scenario %s is not tested", name)
		}
	}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// equal returns err, or an error if want and got differ.
func equal[T any](want, got T, err error) error {
	if err != nil {
		return err
	}
	if diff := cmp.Diff(want, got); diff != "" {
		return fmt.Errorf("-want +got:\n%s", diff)
	}
	return nil
}
