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
			Description: "Like healthy, but with four pages of tasks and a quota of one call per second.",
			account:     generator.throttledAccount, configure: setLowQuota,
		},
		{
			Name:        "denied",
			Description: "The API refuses every call, because the caller lacks the permission.",
			account:     generator.healthyAccount, configure: denyAll,
		},
		{
			Name:        "failed",
			Description: "The newest monthly export failed and was not repeated.",
			account:     generator.failedAccount,
		},
		{
			Name:        "stuck",
			Description: "Like healthy, but the pending export is a day old and never finishes.",
			account:     generator.stuckAccount,
		},
		{
			Name:        "forgotten-month",
			Description: "Last month was not exported.",
			account:     generator.forgottenMonthAccount,
		},
		{
			Name:        "too-early",
			Description: "Each month is exported a minute after its end, before its usage is complete.",
			account:     generator.tooEarlyAccount,
		},
		{
			Name:        "moving",
			Description: "Several pages of tasks that appear, finish, fail and disappear every few seconds.",
			account:     generator.movingAccount,
		},
		{
			Name:        "clock-skew",
			Description: "Like healthy, but the clock of the API is one hour ahead.",
			account:     generator.healthyAccount, configure: setClockAhead,
		},
		{
			Name:        "outage",
			Description: "The API answers every call with an error: 500, 502 or 503.",
			account:     generator.healthyAccount, configure: failAll,
		},
		{
			Name:        "huge",
			Description: "The account has 20,000 tasks.",
			account:     generator.hugeAccount,
		},
	}
}

// Names returns the names of all scenarios, in the order of the table.
func Names() []string {
	var names []string
	for _, s := range All() {
		names = append(names, s.Name)
	}
	return names
}

// New returns a server for the named scenario. The scenario starts now, by the clock in options. It overrides the
// options that it needs, except the quota: a quota in options takes precedence.
func New(name string, options simulator.Options) (*simulator.Server, error) {
	for _, s := range All() {
		if s.Name == name {
			return s.server(options), nil
		}
	}
	return nil, fmt.Errorf("unknown scenario %q, must be one of %s", name, strings.Join(Names(), ", "))
}

func (s Scenario) server(options simulator.Options) *simulator.Server {
	if options.Now == nil {
		options.Now = time.Now
	}
	if s.configure != nil {
		s.configure(&options)
	}
	start := options.Now().Truncate(time.Second)
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
