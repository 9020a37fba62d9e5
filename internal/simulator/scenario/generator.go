package scenario

import (
	"time"

	"alicdn_export_exporter/internal/simulator"
)

// generator builds the schedules of an account, for a scenario that starts at start.
// Periodic exports were also made before that. Times such as "two months ago" are
// relative to start.
type generator struct {
	start time.Time // whole seconds, like the times of the API
	seed  uint64
}

// monthlyUsage exports the usage of each month on the 1st of the next month after
// 6 o'clock, when it is complete. Edit may change the jobs; it may be nil.
func (g generator) monthlyUsage(edit func(*job) (keep bool)) schedule {
	return g.monthlyUsageAfter(monthlyDelay, edit)
}

// monthlyDelay is the time from the end of a month to its export.
const monthlyDelay = 6 * time.Hour

func (g generator) monthlyUsageAfter(delay time.Duration, edit func(*job) (keep bool)) schedule {
	return periodic{
		action: simulator.UsageAction, kind: kindMonthly, seed: g.seed,
		startOf: startOfMonth, months: 1, delay: delay, spread: 90 * time.Second,
		name: func(month time.Time) string { return "usage-" + formatMonth(month) },
		edit: edit,
	}.jobs
}

// weeklyUsage exports the usage of each week on the next Monday after 9 o'clock.
// The export of two weeks ago failed and was repeated on the Tuesday.
func (g generator) weeklyUsage() []schedule {
	weekly := periodic{
		action: simulator.UsageAction, kind: kindWeekly, seed: g.seed,
		startOf: startOfWeek, days: 7, delay: 9 * time.Hour, spread: 20 * time.Minute,
		name: func(monday time.Time) string { return "weekly-" + formatWeek(monday) },
	}
	failedOn := startOfWeek(g.start).AddDate(0, 0, -14)
	weekly.edit = func(j *job) bool {
		j.failed = j.end.Equal(failedOn)
		return true
	}
	repeated := weekly.job(failedOn)
	repeated.created = repeated.created.AddDate(0, 0, 1)
	repeated.finished = repeated.created.Add(exportTime(g.seed, repeated.kind, repeated.created))
	return []schedule{weekly.jobs, fixed(repeated)}
}

// monthlyDetails exports the usage details of each month on the 2nd of the next
// month: one task for traffic, one for value-added services.
func (g generator) monthlyDetails() []schedule {
	traffic := periodic{
		action: simulator.DetailAction, kind: kindMonthly, seed: g.seed,
		startOf: startOfMonth, months: 1, delay: 33 * time.Hour, spread: 20 * time.Minute,
		name: func(month time.Time) string { return "detail-flow-" + formatMonth(month) },
	}
	services := traffic
	services.kind = kindServices
	services.name = func(month time.Time) string { return "detail-vas-" + formatMonth(month) }
	return []schedule{traffic.jobs, services.jobs}
}

// tooEarly is an export of a whole month, two months ago, that was made on the 20th
// of that month. Its file lacks the rest of the month.
func (g generator) tooEarly() schedule {
	month := startOfMonth(g.start).AddDate(0, -2, 0)
	created := month.AddDate(0, 0, 19).Add(10 * time.Hour)
	return fixed(g.usageJob(kindEarly, "usage-"+formatMonth(month)+"-early", created, month, month.AddDate(0, 1, 0)))
}

// campaigns are two exports from 25 days ago whose periods overlap.
func (g generator) campaigns() schedule {
	day := startOfDay(g.start).AddDate(0, 0, -25)
	return fixed(
		g.usageJob(kindCampaign, "campaign-launch",
			day.Add(11*time.Hour), day.AddDate(0, 0, -12), day.AddDate(0, 0, -4)),
		g.usageJob(kindCampaign, "campaign-sale",
			day.Add(12*time.Hour), day.AddDate(0, 0, -8), day.AddDate(0, 0, -1)),
	)
}

// pending is an export that was created 30 seconds before start and finishes 60 to 90
// seconds after start.
func (g generator) pending() schedule {
	j := g.audit(kindPending, g.start.Add(-30*time.Second))
	j.finished = g.start.Add(randomSeconds(60*time.Second, 90*time.Second, g.seed, uint64(kindPending)))
	return fixed(j)
}

// stuck is an export that was created a day before start and never finishes.
func (g generator) stuck() schedule {
	j := g.audit(kindStuck, g.start.Add(-26*time.Hour))
	j.finished = time.Time{}
	return fixed(j)
}

// audit is an export of the month five months ago, which no other listed task covers.
func (g generator) audit(kind jobKind, created time.Time) job {
	month := startOfMonth(g.start).AddDate(0, -5, 0)
	return g.usageJob(kind, "audit-"+formatMonth(month), created, month, month.AddDate(0, 1, 0))
}

// usageJob returns a usage export of the period from start to end.
func (g generator) usageJob(kind jobKind, name string, created, start, end time.Time) job {
	return job{
		action: simulator.UsageAction, kind: kind, name: name,
		start: start, end: end,
		created: created, finished: created.Add(exportTime(g.seed, kind, created)),
	}
}
