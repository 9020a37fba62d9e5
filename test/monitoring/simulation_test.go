package monitoring

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

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

// exporter is a collector on a simulated clock: that of a synctest bubble.
type exporter struct {
	*collector.Collector
	registry *prometheus.Registry
}

func newExporter(t *testing.T, ttl time.Duration, accounts []collector.Account) *exporter {
	t.Helper()
	e := &exporter{
		Collector: collector.New(collector.Config{
			TTL: ttl, MaxStale: time.Hour, RefreshTimeout: 2 * time.Minute, Logger: log.NewNopLogger(),
		}),
		registry: prometheus.NewPedanticRegistry(),
	}
	e.SetAccounts(accounts)
	e.registry.MustRegister(e.Collector)
	return e
}

// scrape lets refreshes run for as long as a scrape may take, and adds all metrics to a history.
func (e *exporter) scrape(t *testing.T, h *samples, now time.Time) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 9500*time.Millisecond)
	e.Refresh(ctx)
	cancel()
	families, err := e.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	b := labels.NewBuilder(labels.EmptyLabels())
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if m.GetHistogram() != nil {
				continue // No rule uses it.
			}
			b.Reset(labels.FromStrings(model.MetricNameLabel, family.GetName(), "job", "alicdn_export", "instance", "i"))
			for _, pair := range m.GetLabel() {
				b.Set(pair.GetName(), pair.GetValue())
			}
			h.add(b.Labels(), now, m.GetGauge().GetValue()+m.GetCounter().GetValue())
		}
	}
	h.add(labels.FromStrings(model.MetricNameLabel, "up", "job", "alicdn_export", "instance", "i"), now, 1)
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
		e := newExporter(t, ttl, accounts)
		defer e.Close()
		for now := start; !now.After(r.end); now = now.Add(interval) {
			time.Sleep(time.Until(now))
			e.scrape(t, r.samples, now)
		}
		for _, account := range e.Statuses(time.Now()) {
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
	endpoint, err := apiclient.ParseEndpoint("http://127.0.0.1:80")
	if err != nil {
		t.Fatal(err)
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
		Client: apiclient.New(apiclient.Config{
			Endpoint: endpoint,
			Credentials: apiclient.StaticCredentials{
				AccessKeyID: simulator.DefaultAccessKeyID, AccessKeySecret: simulator.DefaultAccessKeySecret,
			},
			Timeout: cmp.Or(s.timeout, 10*time.Second), Limiter: apiclient.NewLimiter(60, 8), MaxRetries: 3,
			MaxTasks: 100000, UserAgent: "test", Observer: metrics, Transport: handlerTransport{handler},
		}),
		Expectations: []coverage.Expectation{{
			Name: "monthly bill", Export: apiclient.Usage, TaskName: name, Every: coverage.Month, Grace: 3 * day,
		}},
	}
}

// handlerTransport passes requests to a handler, without a network: in a synctest bubble, only what
// waits in the bubble lets its clock go on.
type handlerTransport struct{ http.Handler }

func (h handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	received := r.Clone(r.Context())
	received.Host = cmp.Or(r.Host, r.URL.Host)
	received.RequestURI = r.URL.RequestURI()
	if received.Body == nil {
		received.Body = http.NoBody
	}
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, received)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	response := recorder.Result()
	response.Request = r
	response.Body = io.NopCloser(bytes.NewReader(recorder.Body.Bytes()))
	return response, nil
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
