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

// scenario is an account with one kind of trouble, and all that is said of it.
type scenario struct {
	account string
	// name is that of the simulator's scenario, the account's where it is empty.
	name string
	// pretend makes something else of the answers.
	pretend pretense
	// told are the alerts, after who is told of them; suppressed are those that
	// Alertmanager keeps back because of them.
	told, suppressed []string
	// perhaps are alerts that depend on the day.
	perhaps []string
}

func scenarios() []scenario {
	return []scenario{
		{account: "healthy"},
		{account: "throttle"},
		{account: "huge"},
		// The tasks that come and go cover more or less of the last months.
		{account: "moving", perhaps: []string{"MonthUncovered 1", "MonthUncovered 2", "UnrecoveredFailure", "ExpectationOverdue"}},
		{account: "stuck", told: []string{"finance: StuckPending"}},
		{account: "denied", told: []string{"on-call: AccountRefused denied"}},
		{account: "outage", told: []string{"finance: AccountUnreachable"}},
		{account: "clock-skew", told: []string{"finance: ClockSkew", "on-call: AccountRefused clock"}},
		{account: "forgotten-month", told: []string{"finance: ExpectationOverdue", "finance: MonthUncovered 1", "finance: NewestSuccessTooOld"}},
		{account: "failed", told: []string{
			"finance: ExpectationOverdue", "finance: MonthUncovered 1", "finance: NewestSuccessTooOld", "finance: UnrecoveredFailure",
		}},
		{
			account: "empty", name: "healthy", pretend: nothingListed, told: []string{"finance: NeverSucceeded"},
			suppressed: []string{"ExpectationOverdue", "MonthUncovered 1", "MonthUncovered 2"},
		},
		{account: "unlisted", name: "healthy", pretend: oneMoreCounted, told: []string{"nobody: TasksUnlisted"}},
		{account: "unknown", name: "healthy", pretend: oneOfAnUnknownStatus, told: []string{"nobody: UnknownStatus"}},
		{account: "slow", name: "healthy", pretend: afterAWhile, told: []string{"finance: SnapshotStale", "nobody: RefreshesTooSlow"}},
	}
}

// of are alerts with the account that they are about.
func (s scenario) of(alerts []string) []string {
	var named []string
	for _, alert := range alerts {
		receiver, name, told := strings.Cut(alert, ": ")
		if !told {
			receiver, name = "", alert
		} else {
			receiver += ": "
		}
		named = append(named, receiver+s.account+" "+name)
	}
	return named
}

// limits are thresholds for what does not go faster in the tests.
var limits = map[string]string{
	// The simulated calendar does not: the newest success of an account that missed a month is four weeks old.
	"alicdn_export:newest_success_age_seconds:limit": "group by (job, account, export) (alicdn_export:up:max5m) * 27 * 86400",
	"alicdn_export:month_end_age_seconds:limit":      "group by (job, account, export) (alicdn_export:up:max5m) * 600",
	// Nor does the API. A list of 20,000 tasks takes four seconds and is twice that old; a slow account is given less time.
	"alicdn_export:snapshot_age_seconds:limit": `group by (job, account, export) (alicdn_export:up:max5m{account="slow"}) * 7
		or group by (job, account, export) (alicdn_export:up:max5m) * 60`,
	"alicdn_export:refresh_duration_seconds:limit": `group by (job, account, export) (alicdn_export:up:max5m{account="slow"}) * 4
		or group by (job, account, export) (alicdn_export:up:max5m) * 60`,
}

// TestScenarios lets trouble of every kind go on until all that can be said of it
// has been said, and then heals it: what is told is told once, to the right ones,
// and it is told when it is over; and nothing is told where there is no trouble.
func TestScenarios(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes minutes")
	}
	awaitACalmDay(t)

	var told, suppressed, perhaps []string
	for _, s := range scenarios() {
		told = append(told, s.of(s.told)...)
		suppressed = append(suppressed, s.of(s.suppressed)...)
		perhaps = append(perhaps, s.of(s.perhaps)...)
	}
	apis, config := serve(t, scenarios())
	file := filepath.Join(t.TempDir(), "config.yml")
	write(t, file, config)
	main := watching(t, "--config.file="+file)

	// The exporter itself is in trouble, too: it cannot read its file, another one does not answer, and elsewhere none is scraped.
	write(t, file, config+"  - naame: typo\n")
	main.hangUp()
	spare := watching(t, "--web.listen-address=127.0.0.7:0", "--account.name=spare", "--api.endpoint="+newAPI(t, scenario{account: "healthy"}).URL)
	spare.stop()
	hook := newWebhook(t)
	manager := startAlertmanager(t, hook)
	prom := startPrometheus(t, manager.address, limits, main.address, spare.address)
	elsewhere := startPrometheus(t, manager.address, nil)
	told = append(told, "finance:  ReloadFailed", "on-call:  ExporterAbsent", "on-call:  ExporterDown")

	slices.Sort(told)
	slices.Sort(suppressed)
	certain := func(alerts []string) []string {
		return slices.DeleteFunc(alerts, func(alert string) bool {
			_, name, isTold := strings.Cut(alert, ": ")
			return slices.Contains(perhaps, alert) || isTold && slices.Contains(perhaps, name)
		})
	}
	await(t, "the expected alerts are told", func() error { return differs(told, certain(hook.firing()), nil) })
	await(t, "their consequences are kept back", func() error {
		got, err := manager.suppressed()
		return differs(suppressed, certain(got), err)
	})
	await(t, "every alert has had its time", func() error {
		got, err := prom.query(fmt.Sprintf("min(count_over_time(alicdn_export_up[10m])) >= %d", scrapesIn(40*time.Minute)))
		return differs(1, len(got), err)
	})
	if err := differs(told, certain(hook.firing()), nil); err != nil {
		t.Errorf("what is told in the end: %v", err)
	}
	all := slices.Clone(suppressed)
	for _, key := range told {
		if _, name, _ := strings.Cut(key, ": "); name != " ExporterAbsent" {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	got, err := prom.fired()
	if err := differs(all, certain(got), err); err != nil {
		t.Errorf("alerts that fired: %v", err)
	}
	everyAlertFired(t, append(all, " ExporterAbsent"))

	// An account that is down silences what was said of its exports.
	apis["failed"].become(t, scenario{account: "denied"})
	consequences := slices.Clone(suppressed)
	for _, s := range scenarios() {
		if s.account == "failed" {
			for _, alert := range s.of(s.told) {
				consequences = append(consequences, strings.TrimPrefix(alert, "finance: "))
			}
		}
	}
	slices.Sort(consequences)
	await(t, "the consequences of an account that is down are kept back", func() error {
		got, err := manager.suppressed()
		return differs(consequences, certain(got), err)
	})
	// Alertmanager tells nobody that an alert has ended while another one keeps it back.
	apis["failed"].become(t, scenario{account: "failed"})
	await(t, "the account that is up again is heard of", func() error {
		got, err := manager.suppressed()
		return differs(suppressed, certain(got), err)
	})

	for _, s := range scenarios() {
		if len(s.told)+len(s.perhaps) > 0 {
			apis[s.account].become(t, scenario{account: "healthy"})
		}
	}
	write(t, file, config)
	main.hangUp()
	again := watching(t, "--web.listen-address="+spare.address, "--account.name=spare", "--api.endpoint="+newAPI(t, scenario{account: "healthy"}).URL)
	elsewhere.scrape(again.address)
	await(t, "all is told to be over", func() error { return differs(nil, hook.firing(), nil) })
	await(t, "nobody knows of an alert", func() error {
		got, err := prom.query(`ALERTS`)
		return differs(0, len(got), err)
	})
	told = append(told, "on-call: failed AccountRefused denied")
	slices.Sort(told)
	if err := differs(told, certain(hook.everFired()), nil); err != nil {
		t.Errorf("all that was ever told: %v", err)
	}
}

// serve serves an API for each scenario, by the accounts' names, and returns the
// configuration of an exporter that watches them.
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

// awaitACalmDay waits while a month turns in UTC+8, as the simulated accounts
// know it: they make their exports in its first minutes, and in the middle of the
// test one would come to be missed that was none before.
func awaitACalmDay(t *testing.T) {
	t.Helper()
	for {
		now := time.Now().In(time.FixedZone("UTC+8", 8*60*60))
		begins := now.Add(15 * time.Minute) // A month that begins soon, or has begun.
		begins = time.Date(begins.Year(), begins.Month(), 1, 0, 0, 0, 0, begins.Location())
		calm := begins.Add(15 * time.Minute)
		if !now.Before(calm) {
			return
		}
		t.Logf("a month turns: waiting until %s", calm)
		time.Sleep(time.Until(calm))
	}
}

// everyAlertFired fails the test where a rule has no scenario.
func everyAlertFired(t *testing.T, fired []string) {
	t.Helper()
	for _, alert := range allRules(t, true) {
		name := strings.TrimPrefix(alert.Alert, "CDNExport")
		if !slices.ContainsFunc(fired, func(f string) bool { return slices.Contains(strings.Split(f, " "), name) }) {
			t.Errorf("no scenario makes %s fire", alert.Alert)
		}
	}
	for _, name := range simscenario.Names() {
		if !slices.ContainsFunc(scenarios(), func(s scenario) bool { return s.account == name }) {
			t.Errorf("the simulator's scenario %s is not tried", name)
		}
	}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// differs is an error unless both are the same and there is none.
func differs[T any](want, got T, err error) error {
	if err != nil {
		return err
	}
	if diff := cmp.Diff(want, got); diff != "" {
		return fmt.Errorf("-want +got:\n%s", diff)
	}
	return nil
}
