package monitoring

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/coverage"
	"alicdn_export_exporter/internal/simulator"
	simscenario "alicdn_export_exporter/internal/simulator/scenario"
)

const day = coverage.Duration(24 * time.Hour)

// shanghai is the time zone of the simulated accounts.
var shanghai = time.FixedZone("UTC+8", 8*60*60)

// defaultLimits are those of the flags.
var defaultLimits = coverage.Limits{PendingAge: day / 4, SuccessAge: 35 * day, MonthGrace: 3 * day}

// recording is what a Prometheus has seen of an exporter, and what the exporter said at the end.
type recording struct {
	*samples
	evaluations
	problems []string // as ACCOUNT KIND
}

// simulate runs an exporter with the real client against the simulated API of each scenario, from start
// on, and records what a Prometheus sees.
func simulate(t *testing.T, start time.Time, duration, interval, ttl time.Duration, all []scenario) (r recording) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(start)) // The bubble's clock is at the year 2000.
		r.samples = newSamples()
		r.evaluations = evaluations{start, start.Add(duration), time.Minute}
		var accounts []collector.Account
		for _, s := range all {
			accounts = append(accounts, s.collected(t))
		}
		e := newExporter(ttl, accounts)
		defer e.collector.Close()
		for now := start; !now.After(r.end); now = now.Add(interval) {
			time.Sleep(time.Until(now))
			e.scrape(t, r.samples, now)
			r.addScraped(now, 1, "up", nil)
		}
		for _, account := range e.collector.Statuses(time.Now()) {
			problems := account.Problems
			for _, export := range account.Exports {
				problems = append(problems, export.Problems...)
			}
			for _, problem := range problems {
				r.problems = append(r.problems, account.Account+" "+string(problem.Kind))
			}
		}
	})
	return r
}

// collected returns the account of a scenario. Its transport passes requests to the simulated API.
func (s scenario) collected(t *testing.T) collector.Account {
	t.Helper()
	server, err := simscenario.New(cmp.Or(s.name, s.account), simulator.Options{Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	var handler http.Handler = server
	if s.change != nil {
		handler = s.change(handler)
	}
	exports := []apiclient.Export{apiclient.Usage}
	metrics := collector.NewAPIMetrics(s.account, exports, log.NewNopLogger())
	var name coverage.Pattern
	if err := name.UnmarshalText([]byte("(usage|report)-.*")); err != nil {
		t.Fatal(err)
	}
	return collector.Account{
		Name: s.account, Exports: exports, TimeZone: shanghai, UsageDelay: 4 * time.Hour, Limits: defaultLimits,
		API: metrics,
		Client: newClient(metrics, roundTripper(func(r *http.Request) (*http.Response, error) {
			response := answer(handler, r)
			if err := r.Context().Err(); err != nil {
				return nil, err
			}
			return response, nil
		}), cmp.Or(s.timeout, 10*time.Second), 60),
		Expectations: []coverage.Expectation{{
			Name: "monthly bill", Export: apiclient.Usage, TaskName: name, Every: coverage.Month, Grace: 3 * day,
		}},
	}
}

// firingAtEnd returns the alerts that fire at the end of a recording, as ACCOUNT ALERT and its further
// labels.
func firingAtEnd(all []episode) []string {
	var names []string
	for _, e := range all {
		if e.end.IsZero() {
			names = append(names, e.key())
		}
	}
	slices.Sort(names)
	return names
}

// key identifies the alert as alertKey does.
func (e episode) key() string {
	with := e.labels.Map()
	with["alertname"] = e.rule.Alert
	return strings.TrimSpace(alertKey(with))
}
