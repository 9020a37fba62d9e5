package scenario

import (
	"time"

	"alicdn_export_exporter/internal/simulator"
)

// healthyAccount exports every month and week, and has a task that is pending.
func (g generator) healthyAccount() []schedule {
	return append(g.regularExports(), g.pending())
}

// stuckAccount is a healthy account, but the task that is pending never finishes.
func (g generator) stuckAccount() []schedule {
	return append(g.regularExports(), g.stuck())
}

func (g generator) regularExports() []schedule {
	schedules := append(g.weeklyUsage(), g.monthlyUsage(nil), g.tooEarly(), g.campaigns())
	return append(schedules, g.monthlyDetails()...)
}

// throttledAccount is a healthy account with 160 more tasks, so that reading its list
// takes several calls.
func (g generator) throttledAccount() []schedule {
	return append(g.healthyAccount(), evenBulk(simulator.UsageAction, 160, g.start, g.seed).jobs)
}

// failedAccount has monthly exports. The newest one failed, and no other covers its
// month.
func (g generator) failedAccount() []schedule {
	// Until the export of last month has finished, the export before it is the newest that
	// can have failed.
	newest := startOfMonth(g.start.Add(-monthlyDelay - 5*time.Minute))
	monthly := g.monthlyUsage(func(j *job) bool {
		j.failed = j.end.Equal(newest)
		return true
	})
	return append(g.monthlyDetails(), monthly, g.tooEarly())
}

// forgottenMonthAccount has monthly exports, but none of last month.
func (g generator) forgottenMonthAccount() []schedule {
	thisMonth := startOfMonth(g.start)
	monthly := g.monthlyUsage(func(j *job) bool { return !j.end.Equal(thisMonth) })
	return append(g.monthlyDetails(), monthly, g.tooEarly())
}

// tooEarlyAccount exports each month a minute after its end, when the usage of its last
// hours is not complete.
func (g generator) tooEarlyAccount() []schedule {
	return append(g.monthlyDetails(), g.monthlyUsageAfter(time.Minute, nil))
}

// movingAccount has about seven pages of tasks that change all the time: every few
// seconds a task is created, finishes or fails, and every half minute some are deleted,
// some of them before they finish. Old tasks expire in the first ten minutes, except on a
// day that the month three months ago does not have, such as May 31. Tasks do not leave
// more often, because a reader that misses tasks can prove its list only if none leaves
// for some seconds.
func (g generator) movingAccount() []schedule {
	const leaving = 30 * time.Second
	usage := bulk{
		action: simulator.UsageAction, kind: kindBulk, seed: g.seed,
		start: g.start.Add(-time.Hour), interval: 4 * time.Second, failOneIn: 8,
		lifetime: func(seed, slot uint64) time.Duration {
			if random(seed, slot, 4)%20 == 0 {
				return time.Minute
			}
			return randomSeconds(16*time.Minute, 26*time.Minute, seed, slot, 5)
		},
		maxLifetime: 26 * time.Minute, deletions: leaving,
	}
	details := usage
	details.action, details.interval = simulator.DetailAction, 30*time.Second
	expiring := bulk{
		action: simulator.UsageAction, kind: kindExpiring, seed: g.seed,
		start: threeMonthsBefore(g.start), interval: leaving, count: 20,
	}
	return []schedule{usage.jobs, details.jobs, expiring.jobs}
}

// hugeAccount has 20,000 tasks at start. After that, tasks are created as fast as
// they expire.
func (g generator) hugeAccount() []schedule {
	usage := evenBulk(simulator.UsageAction, 20000, g.start, g.seed)
	usage.count, usage.failOneIn = 0, 50
	return append(g.monthlyDetails(), usage.jobs)
}
