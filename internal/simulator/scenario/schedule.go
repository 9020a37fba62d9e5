package scenario

import "time"

// schedule returns the jobs of one kind that an account has. It must return all
// jobs that are listed at some moment between from and to, and may return others.
type schedule func(from, to time.Time) []job

// fixed returns a schedule of the given jobs.
func fixed(jobs ...job) schedule {
	return func(_, _ time.Time) []job { return jobs }
}

// periodic describes the exports of every calendar period, each made after the end of
// its period.
type periodic struct {
	action string
	kind   jobKind
	seed   uint64

	startOf      func(time.Time) time.Time // the start of the period that contains a moment
	months, days int                       // the length of a period

	// A job is created at a random moment between delay and delay+spread after the
	// end of its period.
	delay, spread time.Duration

	// name returns the task name for a period, given by its start.
	name func(start time.Time) string

	// edit, if not nil, changes a job. The job is left out if it returns false.
	edit func(j *job) (keep bool)
}

// jobs is a schedule.
func (p periodic) jobs(from, to time.Time) []job {
	var jobs []job
	for end := p.startOf(earliestListed(from)); !end.After(to); end = end.AddDate(0, p.months, p.days) {
		j := p.job(end)
		if p.edit == nil || p.edit(&j) {
			jobs = append(jobs, j)
		}
	}
	return jobs
}

// job returns the job for the period that ends at end, before any edit.
func (p periodic) job(end time.Time) job {
	start := end.AddDate(0, -p.months, -p.days)
	created := end.Add(p.delay + randomSeconds(0, p.spread, p.seed, uint64(p.kind), uint64(end.Unix())))
	return job{
		action: p.action, kind: p.kind, name: p.name(start),
		start: start, end: end,
		created: created, finished: created.Add(exportTime(p.seed, p.kind, created)),
	}
}
