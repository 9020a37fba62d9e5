package simulator

import (
	"fmt"
	"time"
)

// crowd makes jobs at a steady pace, one in each slot of time.
type crowd struct {
	action   string
	kind     uint64
	seed     uint64
	first    time.Time     // when the first slot begins
	interval time.Duration // of the slots; 2 s at least, so that no two ids are the same
	count    int           // of the slots; 0 is without end
	failing  uint64        // one in so many fails; 0 is none

	// stays draws how long a task is listed before a user deletes it, and longest
	// is the most that it draws. Without it all stay until they expire.
	stays   func(seed, slot uint64) time.Duration
	longest time.Duration
}

func (c crowd) habit(from, to time.Time) []job {
	oldest := earliest(from)
	if c.stays != nil {
		oldest = from.Add(-c.longest)
	}
	slot := max(0, int(oldest.Sub(c.first)/c.interval)-1)
	last := int(to.Sub(c.first) / c.interval)
	if c.count > 0 {
		last = min(last, c.count-1)
	}
	jobs := make([]job, 0, max(0, last-slot+1))
	for ; slot <= last; slot++ {
		jobs = append(jobs, c.job(slot))
	}
	return jobs
}

func (c crowd) job(slot int) job {
	key := uint64(slot)
	created := c.first.Add(time.Duration(slot)*c.interval + seconds(time.Second, c.interval-time.Second, c.seed, c.kind, key)).Truncate(time.Second)
	// Periods of one to seven days that ended in the four weeks before.
	end := dayOf(created).AddDate(0, 0, -int(draw(c.seed, c.kind, key, 1)%28))
	j := job{
		action: c.action, kind: c.kind, name: fmt.Sprintf("report-%06d", slot),
		created: created, finished: created.Add(exportTime(c.seed, c.kind, created)),
		failed: c.failing > 0 && draw(c.seed, c.kind, key, 2)%c.failing == 0,
		start:  end.AddDate(0, 0, -1-int(draw(c.seed, c.kind, key, 3)%7)), end: end,
	}
	if c.stays != nil {
		j.deleted = created.Add(c.stays(c.seed, key))
	}
	return j
}

// crowdOf is n jobs, evenly over the three months before start.
func crowdOf(action string, n int, start time.Time, seed uint64) crowd {
	first := windowStart(start)
	return crowd{action: action, kind: kindCrowd, seed: seed, first: first, interval: start.Sub(first) / time.Duration(n), count: n}
}

// Crowd returns n different tasks of the three months before now, newest first:
// what a large account lists, for NewFixed. N may be up to three million.
func Crowd(n int, now time.Time, seed uint64) []Task {
	c := crowdOf(UsageAction, n, now, seed)
	c.failing = 50
	tasks := make([]Task, 0, n)
	for slot := range n {
		tasks = append(tasks, c.job(slot).task(now))
	}
	sortTasks(tasks, NewestFirst, seed)
	return tasks
}

// moving is an account on which something happens every few seconds: tasks of
// about seven pages are made, finish, fail and are deleted, a few of them before
// they have finished; for ten minutes old ones expire as well. (Not at the end of
// a month that is longer than the one of three months ago: nothing expires then.)
func (s story) moving() []habit {
	coming := crowd{
		action: UsageAction, kind: kindCrowd, seed: s.seed,
		first: s.start.Add(-time.Hour), interval: 4 * time.Second, failing: 8,
		stays: func(seed, slot uint64) time.Duration {
			if draw(seed, slot, 4)%20 == 0 {
				return time.Minute
			}
			return seconds(16*time.Minute, 26*time.Minute, seed, slot, 5)
		},
		longest: 26 * time.Minute,
	}
	details := coming
	details.action, details.interval = DetailAction, 30*time.Second
	going := crowd{
		action: UsageAction, kind: kindExpiring, seed: s.seed,
		first: windowStart(s.start), interval: 5 * time.Second, count: 120,
	}
	return []habit{coming.habit, details.habit, going.habit}
}

// huge is an account of 20,000 tasks at start, to which one comes for each one
// that goes.
func (s story) huge() []habit {
	usage := crowdOf(UsageAction, 20000, s.start, s.seed)
	usage.count, usage.failing = 0, 50
	return append(s.details(), usage.habit)
}

// busy is a healthy account with some more pages to its list.
func (s story) busy() []habit {
	return append(s.healthy(), s.recent(), crowdOf(UsageAction, 160, s.start, s.seed).habit)
}
