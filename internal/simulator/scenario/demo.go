package scenario

import "time"

// Demo returns the scenarios of the demo. Their names are the names of its accounts. The
// first account has no problems. The second has a missing, a failed and a stuck export. The
// API of the third refuses every call. This is true on every day of a month.
func Demo() []Scenario {
	return []Scenario{
		{Name: "demo-fine", account: generator.demoFineAccount},
		{Name: "demo-overdue", account: generator.demoOverdueAccount},
		{Name: "demo-refused", account: generator.demoFineAccount, configure: denyAll},
	}
}

// demoFineAccount exports every month and week, and has a task that is pending.
func (g generator) demoFineAccount() []schedule {
	return append(append(g.weeklyUsage(), g.monthlyUsage(nil), g.campaigns(), g.pending()), g.monthlyDetails()...)
}

// demoOverdueAccount does not export the usage of a month that ended at least four days
// before start, nor of the months after it. The two campaigns lie in different weeks: one
// was exported, the other one failed.
func (g generator) demoOverdueAccount() []schedule {
	missing := startOfMonth(g.start.AddDate(0, 0, -4))
	monthly := g.monthlyUsage(func(j *job) bool { return j.end.Before(missing) })
	today := startOfDay(g.start)
	sale := g.usageJob(kindCampaign, "campaign-sale",
		today.AddDate(0, 0, -12).Add(11*time.Hour), today.AddDate(0, 0, -30), today.AddDate(0, 0, -20))
	launch := g.usageJob(kindCampaign, "campaign-launch",
		today.AddDate(0, 0, -3).Add(11*time.Hour), today.AddDate(0, 0, -16), today.AddDate(0, 0, -9))
	launch.failed = true
	return append(g.monthlyDetails(), monthly, fixed(sale, launch), g.stuck())
}
