// Package scenario has simulated accounts for the API of package simulator. The
// tasks of an account are created, finish, fail, are deleted and expire as time
// passes.
//
// A scenario is an account together with the behavior of the API. All returns the
// table of scenarios.
package scenario

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"alicdn_export_exporter/internal/simulator"
)

// Scenario is a simulated account together with the behavior of the API.
type Scenario struct {
	Name        string
	Description string // one sentence
	// Alerts are the names of the alerts that fire because of the account, whatever its
	// expectations are. Those about a month wait until the 4th of the next one.
	Alerts []string

	account   func(generator) []schedule
	configure func(*simulator.Options) // nil if the API works as it should
}

// All returns the table of scenarios.
func All() []Scenario {
	return []Scenario{
		{
			Name:        "healthy",
			Description: "All months and weeks are exported; one export is pending and finishes after about a minute.",
			account:     generator.healthyAccount,
		},
		{
			Name:        "throttle",
			Description: "Four pages and a quota of one call per second: reading the list takes several seconds.",
			account:     generator.throttledAccount, configure: setLowQuota,
		},
		{
			Name:        "denied",
			Description: "The API refuses every call, because the key lacks the permission.",
			Alerts:      []string{"CDNExportAccountRefused"},
			account:     generator.healthyAccount, configure: denyAll,
		},
		{
			Name:        "failed",
			Description: "The newest monthly export failed and was not repeated.",
			Alerts:      []string{"CDNExportUnrecoveredFailure", "CDNExportMonthUncovered"},
			account:     generator.failedAccount,
		},
		{
			Name:        "stuck",
			Description: "An export has been pending for a day and never finishes.",
			Alerts:      []string{"CDNExportStuckPending"},
			account:     generator.stuckAccount,
		},
		{
			Name:        "forgotten-month",
			Description: "Last month was not exported.",
			Alerts:      []string{"CDNExportMonthUncovered"},
			account:     generator.forgottenMonthAccount,
		},
		{
			Name:        "too-early",
			Description: "Each month is exported a minute after its end, before its usage is complete.",
			Alerts:      []string{"CDNExportMonthUncovered"},
			account:     generator.tooEarlyAccount,
		},
		{
			Name:        "moving",
			Description: "Seven pages of tasks that appear, finish, fail and disappear all the time.",
			Alerts:      []string{"CDNExportMonthUncovered"},
			account:     generator.movingAccount,
		},
		{
			Name:        "clock-skew",
			Description: "The clock of the API is one hour ahead, so it refuses every call.",
			Alerts:      []string{"CDNExportAccountRefused", "CDNExportClockSkew"},
			account:     generator.healthyAccount, configure: setClockAhead,
		},
		{
			Name:        "outage",
			Description: "The API answers every call with an error: 500, 502 or 503.",
			Alerts:      []string{"CDNExportAccountUnreachable"},
			account:     generator.healthyAccount, configure: failAll,
		},
		{
			Name:        "huge",
			Description: "20,000 tasks: reading the list takes 20 seconds.",
			account:     generator.hugeAccount,
		},
	}
}

// Help returns the table of scenarios as text, one a line.
func Help() string {
	var b strings.Builder
	b.WriteString("Scenarios:\n\n")
	for _, s := range All() {
		alerts := "No alert."
		if len(s.Alerts) > 0 {
			alerts = "Alerts: " + strings.Join(s.Alerts, ", ") + "."
		}
		_, _ = fmt.Fprintf(&b, "  %-16s %s %s\n", s.Name, s.Description, alerts)
	}
	b.WriteString("\nAn alert fires within 20 minutes; those about a month from the 4th of the next one on.\n" +
		"After 35 days without an export, CDNExportNewestSuccessTooOld fires too.")
	return b.String()
}

// Names returns the names of all scenarios, in the order of the table.
func Names() []string {
	var names []string
	for _, s := range All() {
		names = append(names, s.Name)
	}
	return names
}

// Find returns the named scenario.
func Find(name string) (Scenario, error) {
	for _, s := range All() {
		if s.Name == name {
			return s, nil
		}
	}
	return Scenario{}, fmt.Errorf("unknown scenario %q, must be one of %s", name, strings.Join(Names(), ", "))
}

// New returns a server for the named scenario. The scenario starts now, by the clock in options, unless they say
// otherwise. It overrides the options that it needs, except the quota: a quota in options takes precedence.
func New(name string, options simulator.Options) (*simulator.Server, error) {
	s, err := Find(name)
	if err != nil {
		return nil, err
	}
	return s.API(options), nil
}

// API returns a server for the scenario. New explains the options.
func (s Scenario) API(options simulator.Options) *simulator.Server {
	if options.Now == nil {
		options.Now = time.Now
	}
	if s.configure != nil {
		s.configure(&options)
	}
	start := options.Start
	if start.IsZero() {
		start = options.Now()
	}
	start = start.Truncate(time.Second)
	account := &timeline{
		schedules: s.account(generator{start: start, seed: options.Seed}),
		order:     options.Order,
		seed:      options.Seed,
	}
	return simulator.New(account, options)
}

func setLowQuota(o *simulator.Options) {
	o.Quota = cmp.Or(o.Quota, 1)
}

func setClockAhead(o *simulator.Options) {
	now := o.Now
	o.Now = func() time.Time { return now().Add(time.Hour) }
}

// denyAll refuses both actions. The real API uses both codes.
func denyAll(o *simulator.Options) {
	o.Denied = map[string]string{
		simulator.UsageAction:  "NoPermission",
		simulator.DetailAction: "Forbidden.RAM",
	}
}

func failAll(o *simulator.Options) {
	failures := []simulator.Failure{simulator.ServiceUnavailable, simulator.InternalError, simulator.BadGateway}
	seed := o.Seed
	o.Fail = func(request int64) simulator.Failure {
		return failures[random(seed, uint64(request), 3)%3]
	}
}
