package simulator

import "time"

// The kinds of jobs: the last digit of their ids.
const (
	kindMonthly uint64 = iota
	kindWeekly
	kindEarly
	kindCampaign
	kindRecent
	kindStuck
	kindServices
	kindCrowd
	kindExpiring
)

// exportTime is how long the export of a job takes: about as long as in the two
// published samples.
func exportTime(seed, kind uint64, created time.Time) time.Duration {
	return seconds(100*time.Second, 130*time.Second, seed, kind, uint64(created.Unix()))
}

// routine exports every calendar period once it is over.
type routine struct {
	action string
	kind   uint64
	seed   uint64

	period       func(time.Time) time.Time // monthOf or weekOf
	months, days int                       // how long a period is

	after, within time.Duration // made so long after the period's end, and at most so much later
	name          func(period time.Time) string
	edit          func(j *job) (made bool) // nil where all goes well
}

func (r routine) habit(from, to time.Time) []job {
	var jobs []job
	for end := r.period(earliest(from)); !end.After(to); end = end.AddDate(0, r.months, r.days) {
		created := end.Add(r.after + seconds(0, r.within, r.seed, r.kind, uint64(end.Unix())))
		start := end.AddDate(0, -r.months, -r.days)
		j := job{
			action: r.action, kind: r.kind, name: r.name(start),
			created: created, finished: created.Add(exportTime(r.seed, r.kind, created)),
			start: start, end: end,
		}
		if r.edit == nil || r.edit(&j) {
			jobs = append(jobs, j)
		}
	}
	return jobs
}

// once is the habit of having made these jobs.
func once(jobs ...job) habit {
	return func(_, _ time.Time) []job { return jobs }
}

// story makes the habits of an account, as they are seen from start on. What was
// done regularly was done so all the time before.
type story struct {
	start time.Time // in whole seconds, as the API's times are
	seed  uint64
}

// monthly is the usage export that a timer makes on the 1st for the month before.
func (s story) monthly(edit func(*job) bool) habit {
	return routine{
		action: UsageAction, kind: kindMonthly, seed: s.seed,
		period: monthOf, months: 1, after: time.Minute, within: 90 * time.Second,
		name: func(month time.Time) string { return "usage-" + monthName(month) },
		edit: edit,
	}.habit
}

// weekly is the usage export that someone makes on Monday mornings. The one of two
// weeks ago failed and was repeated on the Tuesday.
func (s story) weekly() []habit {
	r := routine{
		action: UsageAction, kind: kindWeekly, seed: s.seed,
		period: weekOf, days: 7, after: 9 * time.Hour, within: 20 * time.Minute,
		name: func(monday time.Time) string { return "weekly-" + weekName(monday) },
	}
	failedOn := weekOf(s.start).AddDate(0, 0, -14)
	var again job
	for _, j := range r.habit(failedOn, failedOn.AddDate(0, 0, 1)) {
		if j.end.Equal(failedOn) {
			again = j
		}
	}
	again.created = again.created.AddDate(0, 0, 1)
	again.finished = again.created.Add(exportTime(s.seed, again.kind, again.created))
	r.edit = func(j *job) bool {
		j.failed = j.end.Equal(failedOn)
		return true
	}
	return []habit{r.habit, once(again)}
}

// early is an export made on the 20th for the whole of its own month, two months
// ago: its file lacks what had not happened yet.
func (s story) early() habit {
	month := monthOf(s.start).AddDate(0, -2, 0)
	return once(s.job(kindEarly, "usage-"+monthName(month)+"-early", month.AddDate(0, 0, 19).Add(10*time.Hour), month, month.AddDate(0, 1, 0)))
}

// campaigns are two exports of some weeks ago whose periods overlap.
func (s story) campaigns() habit {
	day := dayOf(s.start).AddDate(0, 0, -25)
	return once(
		s.job(kindCampaign, "campaign-launch", day.Add(11*time.Hour), day.AddDate(0, 0, -12), day.AddDate(0, 0, -4)),
		s.job(kindCampaign, "campaign-sale", day.Add(12*time.Hour), day.AddDate(0, 0, -8), day.AddDate(0, 0, -1)),
	)
}

// recent is an export of the last seven days that was asked for half a minute
// before start and finishes a minute or a little more after it.
func (s story) recent() habit {
	day := dayOf(s.start)
	j := s.job(kindRecent, "recent-"+day.Format("20060102"), s.start.Add(-30*time.Second), day.AddDate(0, 0, -7), day)
	j.finished = s.start.Add(seconds(60*time.Second, 90*time.Second, s.seed, kindRecent))
	return once(j)
}

// stuck is an export that was asked for a day before start and never finishes.
func (s story) stuck() habit {
	day := dayOf(s.start)
	j := s.job(kindStuck, "recent-"+day.AddDate(0, 0, -1).Format("20060102"), s.start.Add(-26*time.Hour), day.AddDate(0, 0, -8), day.AddDate(0, 0, -1))
	j.finished = time.Time{}
	return once(j)
}

func (s story) job(kind uint64, name string, created, start, end time.Time) job {
	return job{
		action: UsageAction, kind: kind, name: name,
		created: created, finished: created.Add(exportTime(s.seed, kind, created)),
		start: start, end: end,
	}
}

// details are the monthly usage detail exports, traffic and value-added services,
// made on the 2nd.
func (s story) details() []habit {
	r := routine{
		action: DetailAction, kind: kindMonthly, seed: s.seed,
		period: monthOf, months: 1, after: 33 * time.Hour, within: 20 * time.Minute,
		name: func(month time.Time) string { return "domains-" + monthName(month) },
	}
	services := r
	services.kind = kindServices
	services.name = func(month time.Time) string { return "services-" + monthName(month) }
	return []habit{r.habit, services.habit}
}

// healthy is an account that someone takes care of.
func (s story) healthy() []habit {
	habits := append(s.weekly(), s.monthly(nil), s.early(), s.campaigns())
	return append(habits, s.details()...)
}

// failed is an account whose newest monthly export failed, and nothing else
// covers the month.
func (s story) failed() []habit {
	// In a month's first minutes its export has not finished yet.
	newest := monthOf(s.start.Add(-5 * time.Minute))
	monthly := s.monthly(func(j *job) bool {
		j.failed = j.end.Equal(newest)
		return true
	})
	return append(s.details(), monthly, s.early())
}

// forgotten is an account whose last month nobody has exported.
func (s story) forgotten() []habit {
	this := monthOf(s.start)
	monthly := s.monthly(func(j *job) bool { return !j.end.Equal(this) })
	return append(s.details(), monthly, s.early())
}
