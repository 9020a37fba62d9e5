package simulator

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// scenario is an account and what the API makes of it.
type scenario struct {
	name   string
	habits func(s story) []habit
	adapt  func(o *Options)
}

func demo(s story) []habit  { return append(s.healthy(), s.recent()) }
func stuck(s story) []habit { return append(s.healthy(), s.stuck()) }

func scenarios() []scenario {
	return []scenario{
		{name: "healthy", habits: demo},
		{name: "throttle", habits: story.busy, adapt: slow},
		{name: "denied", habits: demo, adapt: denying},
		{name: "failed", habits: story.failed},
		{name: "stuck", habits: stuck},
		{name: "forgotten-month", habits: story.forgotten},
		{name: "moving", habits: story.moving},
		{name: "clock-skew", habits: demo, adapt: ahead},
		{name: "outage", habits: demo, adapt: outage},
		{name: "huge", habits: story.huge},
	}
}

// ScenarioNames returns the names that Scenario knows.
func ScenarioNames() []string {
	var names []string
	for _, s := range scenarios() {
		names = append(names, s.name)
	}
	return names
}

// Scenario returns a server whose account lives from now on, by the clock of the
// options:
//
//   - healthy: a year's habit of monthly exports on the 1st and weekly ones on
//     Mondays, in UTC+8; two weeks ago a weekly one failed and was repeated a day
//     later; two exports overlap, one was made too early in its own month; and one is
//     pending that finishes 60 to 90 seconds after start
//   - throttle: healthy, some pages more of it, and a quota of one call a second
//   - denied: every call lacks its permission
//   - failed: the newest monthly export failed and was never repeated
//   - stuck: healthy, but an export of the day before never finishes
//   - forgotten-month: last month was never exported
//   - moving: several pages whose tasks appear, finish, fail and go every few seconds
//   - clock-skew: healthy, but the server's clock is an hour ahead
//   - outage: nothing but 503, 500 and the 502 of a load balancer, from the start
//   - huge: 20,000 tasks
func Scenario(name string, options Options) (*Server, error) {
	for _, s := range scenarios() {
		if s.name == name {
			return s.server(options), nil
		}
	}
	return nil, fmt.Errorf("unknown scenario %q: it is one of %s", name, strings.Join(ScenarioNames(), ", "))
}

func (s scenario) server(options Options) *Server {
	if options.Now == nil {
		options.Now = time.Now
	}
	if s.adapt != nil {
		s.adapt(&options)
	}
	account := &life{
		habits: s.habits(story{start: options.Now().Truncate(time.Second), seed: options.Seed}),
		order:  options.Order,
		seed:   options.Seed,
	}
	return New(account, options)
}

func slow(o *Options) {
	o.Quota = cmp.Or(o.Quota, 1)
}

func ahead(o *Options) {
	now := o.Now
	o.Now = func() time.Time { return now().Add(time.Hour) }
}

// denying refuses both actions, each with one of the two codes that the API uses.
func denying(o *Options) {
	o.Denied = map[string]string{UsageAction: "NoPermission", DetailAction: "Forbidden.RAM"}
}

func outage(o *Options) {
	failures := []Failure{ServiceUnavailable, InternalError, BadGateway}
	seed := o.Seed
	o.Fail = func(request int64) Failure {
		return failures[draw(seed, uint64(request), 3)%3]
	}
}
