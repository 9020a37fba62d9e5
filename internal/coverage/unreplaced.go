package coverage

import (
	"cmp"
	"math"
	"slices"
	"time"

	"alicdn_export_exporter/apiclient"
)

// Unreplaced is a failed or pending task that no successful task replaces.
type Unreplaced struct {
	// Status is Failed or Created.
	Status apiclient.Status
	// Created is the task's CreateTime, or 0 if it is unknown.
	Created apiclient.Timestamp
	// Task is the whole task. It points into the list that FindUnreplaced read.
	Task *apiclient.Task
	// judged is the end of the latest usage that is missing.
	judged apiclient.Timestamp
}

// Counts reports whether the missing usage is still judged.
func (u Unreplaced) Counts(now time.Time) bool { return horizonAt(now) < u.judged }

// FindUnreplaced returns the failed and pending tasks that no successful task replaces.
//
// A usage task is replaced when successful tasks of any name cover its period. A usage_detail
// task is about domains that the list does not name, so only successes of the same name over
// the same period count. Some usage is so old that a success that covered it could have left
// the list before the task was created. Such usage is replaced only by a success that was
// created after the task. A task without a valid period is replaced by any success that was
// created after it; for usage_detail, the success must have the same name. The newest task
// comes first.
func FindUnreplaced(export apiclient.Export, tasks []apiclient.Task, rules Rules) []Unreplaced {
	var waiting, successes []*apiclient.Task
	for i := range tasks {
		switch task := &tasks[i]; task.Status {
		case apiclient.Success:
			successes = append(successes, task)
		case apiclient.Failed, apiclient.Created:
			waiting = append(waiting, task)
		case apiclient.Unknown: // Its meaning is not known.
		}
	}
	if len(waiting) == 0 {
		return nil
	}
	all, later := newReplacements(export, rules), newReplacements(export, rules)
	for _, success := range successes {
		all.add(success)
	}
	newestFirst(waiting)
	newestFirst(successes)
	var unreplaced []Unreplaced
	for _, task := range waiting {
		for len(successes) > 0 && newer(*successes[0], *task) {
			later.add(successes[0])
			successes = successes[1:]
		}
		if judged := lastMissing(task, all, later); judged != 0 {
			unreplaced = append(unreplaced, Unreplaced{task.Status, task.Created, task, judged})
		}
	}
	return unreplaced
}

// lastMissing returns the end of the latest usage for which a task is not replaced, or 0 if
// there is none. all are the successes, and later are those that were created after the task.
func lastMissing(task *apiclient.Task, all, later replacements) apiclient.Timestamp {
	since := timestamp(all.rules.Since)
	period, ok := PeriodOf(*task, all.rules.UsageDelay)
	if !ok {
		// All of its usage, if any, is from before its creation.
		created := cmp.Or(task.Created, task.Updated, math.MaxInt64)
		if later.names[all.name(task)] || created <= since {
			return 0
		}
		return created
	}
	old := Period{period.Start, period.Start}
	if task.Created != 0 {
		old = period.until(task.Created - seconds(maxListed))
	}
	period = period.from(max(since, old.End))
	old = old.from(since)
	judged, missing := all.covered[all.key(task)].lastGap(period)
	if !missing {
		judged = 0
	}
	if !later.covered[all.key(task)].Covers(old) {
		// A success that is created after the task and the horizon is certainly listed.
		judged = max(judged, task.Created)
	}
	return judged
}

// replacements finds the successes that replace a task.
type replacements struct {
	export  apiclient.Export
	rules   Rules
	covered map[taskKey]Union
	names   map[string]bool
}

// taskKey is equal for tasks that can replace each other. It is the zero value for usage.
type taskKey struct {
	name       string
	start, end apiclient.Timestamp
}

func newReplacements(export apiclient.Export, rules Rules) replacements {
	return replacements{export, rules, make(map[taskKey]Union), make(map[string]bool)}
}

func (r replacements) add(success *apiclient.Task) {
	r.names[r.name(success)] = true
	if period, ok := PeriodOf(*success, r.rules.UsageDelay); ok {
		key := r.key(success)
		r.covered[key] = r.covered[key].add(period)
	}
}

// name returns the name of a usage_detail task. It is empty for usage, where the name
// does not matter.
func (r replacements) name(task *apiclient.Task) string {
	if r.export == apiclient.UsageDetail {
		return task.Name
	}
	return ""
}

func (r replacements) key(task *apiclient.Task) taskKey {
	if r.export == apiclient.UsageDetail {
		return taskKey{task.Name, task.Start, task.End}
	}
	return taskKey{}
}

func newestFirst(tasks []*apiclient.Task) {
	slices.SortFunc(tasks, func(a, b *apiclient.Task) int { return compareAge(*b, *a) })
}
