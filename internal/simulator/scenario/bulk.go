package scenario

import (
	"fmt"
	"time"

	"alicdn_export_exporter/internal/simulator"
)

// bulk describes jobs that are created at a steady rate. Time is divided into slots
// of equal length, and each slot has one job.
type bulk struct {
	action string
	kind   jobKind
	seed   uint64

	start     time.Time     // of the first slot
	interval  time.Duration // length of a slot, at least 2 s, so that all ids differ
	count     int           // number of slots; 0 means unlimited
	failOneIn uint64        // one in so many jobs fails; 0 means none

	// lifetime, if not nil, returns how long after its creation a user deletes a
	// task, at most maxLifetime. Otherwise tasks stay until they expire. Users delete all
	// tasks of the last deletions together.
	lifetime    func(seed, slot uint64) time.Duration
	maxLifetime time.Duration
	deletions   time.Duration
}

// evenBulk returns a schedule of count jobs, spread evenly over the three months before end.
func evenBulk(action string, count int, end time.Time, seed uint64) bulk {
	start := threeMonthsBefore(end)
	interval := end.Sub(start) / time.Duration(count)
	return bulk{action: action, kind: kindBulk, seed: seed, start: start, interval: interval, count: count}
}

// Bulk returns n different usage export tasks from the three months before now,
// newest first: the list of a large account. N may be up to three million.
func Bulk(n int, now time.Time, seed uint64) []simulator.Task {
	b := evenBulk(simulator.UsageAction, n, now, seed)
	b.failOneIn = 50
	tasks := make([]simulator.Task, 0, n)
	for slot := range n {
		tasks = append(tasks, b.job(slot).task(now))
	}
	sortTasks(tasks, simulator.NewestFirst, seed)
	return tasks
}

// jobs is a schedule.
func (b bulk) jobs(from, to time.Time) []job {
	oldest := earliestListed(from)
	if b.lifetime != nil {
		oldest = from.Add(-b.maxLifetime - b.deletions)
	}
	first := max(0, int(oldest.Sub(b.start)/b.interval)-1)
	last := int(to.Sub(b.start) / b.interval)
	if b.count > 0 {
		last = min(last, b.count-1)
	}
	jobs := make([]job, 0, max(0, last-first+1))
	for slot := first; slot <= last; slot++ {
		jobs = append(jobs, b.job(slot))
	}
	return jobs
}

// job returns the job of a slot.
func (b bulk) job(slot int) job {
	kind, key := uint64(b.kind), uint64(slot)
	slotStart := b.start.Add(time.Duration(slot) * b.interval)
	created := slotStart.Add(randomSeconds(time.Second, b.interval-time.Second, b.seed, kind, key)).Truncate(time.Second)
	// The exported period has one to seven days and ended within the last four weeks.
	end := startOfDay(created).AddDate(0, 0, -int(random(b.seed, kind, key, 1)%28))
	start := end.AddDate(0, 0, -1-int(random(b.seed, kind, key, 3)%7))
	j := job{
		action: b.action, kind: b.kind, name: fmt.Sprintf("report-%06d", slot),
		start: start, end: end,
		created: created, finished: created.Add(exportTime(b.seed, b.kind, created)),
		failed: b.failOneIn > 0 && random(b.seed, kind, key, 2)%b.failOneIn == 0,
	}
	if b.lifetime != nil {
		deleted := created.Add(b.lifetime(b.seed, key)).Sub(b.start)
		j.deleted = b.start.Add((deleted + b.deletions - 1).Truncate(b.deletions))
	}
	return j
}
