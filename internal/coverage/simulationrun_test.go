package coverage_test

import (
	"testing"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/coverage"
)

// simulation compares the reported state of a world with the truth, hour by hour.
type simulation struct {
	*world
	export apiclient.Export
	// all is the usage in files. expected is the usage in files of the expected name.
	all, expected *truth
	// successes are those of each usage_detail export; newest are the newest by name.
	successes map[detail][]*simulated
	newest    map[string]apiclient.Timestamp

	// What is derived from the list. It is valid until the list changes.
	listed     []apiclient.Task
	exported   coverage.Exported
	matching   coverage.Exported
	unreplaced []coverage.Unreplaced

	checks int
	count  map[string]int // of the checks with an alarm, by kind
}

func (s *simulation) run(t *testing.T) {
	t.Helper()
	s.all, s.expected = newTruth(s.world), newTruth(s.world)
	s.successes, s.newest = make(map[detail][]*simulated), make(map[string]apiclient.Timestamp)
	pattern := pattern(t, "usage.*")
	var expectations []*expected
	for every, grace := range map[coverage.Interval]time.Duration{
		coverage.Month: 10 * oneDay, coverage.Week: 0, coverage.Day: oneDay,
	} {
		e := coverage.Expectation{Every: every, Grace: coverage.Duration(grace)}
		expectations = append(expectations, &expected{Expectation: e, due: s.begin.AddDate(0, -4, 0)})
	}
	var unfinished, present []*simulated
	next := 0 // the next task to be created
	changed := true
	// Start at half past, so that the first judged hour begins between two checks.
	interval := step
	if testing.Short() {
		interval = 5 * time.Hour
	}
	for now := s.begin.Add(30 * time.Minute); now.Before(s.end) && !t.Failed(); now = now.Add(interval) {
		for ; next < len(s.tasks) && !s.tasks[next].Created.Time().After(now); next++ {
			present, unfinished, changed = append(present, s.tasks[next]), append(unfinished, s.tasks[next]), true
		}
		unfinished = filter(unfinished, func(task *simulated) bool {
			if task.finished.IsZero() || task.finished.After(now) {
				return true
			}
			changed = true
			if task.Status == apiclient.Success {
				s.successes[task.detail()] = append(s.successes[task.detail()], task)
				s.newest[task.Name] = max(s.newest[task.Name], task.Created)
				s.newest[""] = max(s.newest[""], task.Created)
				s.all.add(task)
				if pattern.Matches(task.Name) {
					s.expected.add(task)
				}
			}
			return false
		})
		stillListed := filter(present, func(task *simulated) bool { return task.expires.After(now) })
		changed = changed || len(stillListed) < len(present)
		present = stillListed
		if changed {
			s.read(present, now)
			s.exported = coverage.ExportedBy(s.listed, coverage.Pattern{}, usageDelay)
			s.matching = coverage.ExportedBy(s.listed, pattern, usageDelay)
			s.unreplaced = coverage.FindUnreplaced(s.export, s.listed, s.rules)
			changed = false
		}
		s.checks++
		for _, e := range expectations {
			s.checkExpectation(t, e, now)
		}
		if s.export == apiclient.Usage {
			s.checkMonths(t, now)
		}
		s.checkTasks(t, present, now)
	}
}

// filter returns the tasks to keep. It reuses the slice.
func filter(tasks []*simulated, keep func(*simulated) bool) []*simulated {
	kept := tasks[:0]
	for _, task := range tasks {
		if keep(task) {
			kept = append(kept, task)
		}
	}
	return kept
}

// read lists the tasks as they are now.
func (s *simulation) read(present []*simulated, now time.Time) {
	s.listed = s.listed[:0]
	for _, task := range present {
		listed := task.Task
		if task.finished.IsZero() || task.finished.After(now) {
			listed.Status, listed.Updated = apiclient.Created, 0
		}
		s.listed = append(s.listed, listed)
	}
}

func (s *simulation) since() apiclient.Timestamp { return unix(s.rules.Since) }

// judged returns the first moment of usage about which no task can have left the list.
func (s *simulation) judged(now time.Time) apiclient.Timestamp {
	return max(unix(now.Add(-judgedFor)), s.since())
}

type expected struct {
	coverage.Expectation
	due time.Time // the end of the latest period that is due
}

func (s *simulation) checkExpectation(t *testing.T, e *expected, now time.Time) {
	t.Helper()
	for {
		end := after(e.due, string(e.Every))
		if !end.Add(max(time.Duration(e.Grace), usageDelay)).Before(now) {
			break
		}
		e.due = end
	}
	needed, missing := oldest(e.Expectation, s.matching, s.rules, now)
	if due := needed.End.Time().Add(max(time.Duration(e.Grace), usageDelay)); !needed.Due.Equal(due) {
		t.Errorf("%s: the %s until %s is due at %s", now, e.Every, needed.End.Time(), needed.Due)
	}
	overdue := needed.Due.Before(now)
	if overdue {
		s.count["overdue "+string(e.Every)]++
	}
	if missing && s.expected.complete(max(needed.Start, s.since()), needed.End) {
		t.Errorf("%s: the %s from %s is falsely missing", now, e.Every, needed.Start.Time().In(now.Location()))
	}
	if !overdue && !s.expected.complete(s.judged(now), unix(e.due)) {
		t.Errorf("%s: a missing %s is not overdue", now, e.Every)
	}
}

func (s *simulation) checkMonths(t *testing.T, now time.Time) {
	t.Helper()
	months := coverage.Months(s.exported, s.rules, now)
	if len(months) != 2 && !s.rules.Since.After(months2(now)) {
		t.Errorf("%s: %d months", now, len(months))
	}
	for _, month := range months {
		if month.Ratio < 1 && s.all.complete(max(unix(month.Start), s.since()), unix(month.End)) {
			t.Errorf("%s: %s is falsely missing: %v", now, month.Start, month.Ratio)
		}
		if month.Ratio == 1 && !s.all.complete(max(unix(month.Start), s.judged(now)), unix(month.End)) {
			t.Errorf("%s: %s is missing, but covered to %v", now, month.Start, month.Ratio)
		}
		if month.Ratio < 1 && now.Sub(month.End) > 10*oneDay {
			s.count["month missing"]++
		}
	}
}

// months2 returns the start of the month two months ago.
func months2(now time.Time) time.Time {
	return time.Date(now.Year(), now.Month()-2, 1, 12, 0, 0, 0, now.Location())
}

func (s *simulation) checkTasks(t *testing.T, present []*simulated, now time.Time) {
	t.Helper()
	counted := make(map[apiclient.Timestamp]bool)
	for _, task := range s.unreplaced {
		if task.Counts(now) {
			counted[task.Created] = true
		}
	}
	kinds := make(map[string]int)
	for i, task := range present {
		if s.listed[i].Status == apiclient.Success {
			continue
		}
		replaced, open := s.trueState(task, now)
		switch {
		case counted[task.Created] && replaced:
			t.Errorf("%s: %+v is falsely not replaced", now, s.listed[i])
		case !counted[task.Created] && open:
			t.Errorf("%s: %+v is not replaced, but does not count", now, s.listed[i])
		case counted[task.Created] && s.listed[i].Status == apiclient.Failed:
			kinds["failed"] = 1
		case counted[task.Created] && now.Sub(task.Created.Time()) > 6*time.Hour:
			kinds["stuck"] = 1
		}
	}
	for kind := range kinds {
		s.count[kind]++
	}
}

// trueState returns two facts. replaced tells whether all usage that the task was to export is
// in files. open tells whether any usage that is still judged is not. Both may be false.
func (s *simulation) trueState(task *simulated, now time.Time) (replaced, open bool) {
	old, recent := task.old, task.covers
	recent.Start = max(recent.Start, old.End, s.since())
	old.Start = max(old.Start, s.since())
	created := unix(now.Add(-judgedFor)) < task.Created // Later successes are listed.
	if task.Start == 0 || task.covers.End <= task.covers.Start {
		replaced = task.Created <= s.since() || s.later(task)
		return replaced, !replaced && created
	}
	judgedFrom := max(recent.Start, s.judged(now))
	var oldDone, recentDone, judgedDone bool
	if s.export == apiclient.Usage {
		oldDone = s.all.completeSince(old.Start, old.End, task.Created)
		recentDone = s.all.complete(recent.Start, recent.End)
		judgedDone = s.all.complete(judgedFrom, recent.End)
	} else {
		all, later := s.reach(task)
		oldDone = old.End <= old.Start || later >= old.End
		recentDone = recent.End <= recent.Start || all >= recent.End
		judgedDone = recent.End <= judgedFrom || all >= recent.End
	}
	return oldDone && recentDone, !judgedDone || !oldDone && created
}

// later reports whether a success that can replace the task was created after it.
func (s *simulation) later(task *simulated) bool {
	if s.export == apiclient.Usage {
		return s.newest[""] > task.Created
	}
	return s.newest[task.Name] > task.Created
}

// detail is equal for usage_detail tasks that can replace each other.
type detail struct {
	name       string
	start, end apiclient.Timestamp
}

func (t *simulated) detail() detail { return detail{t.Name, t.Start, t.End} }

// reach returns how far the successes of the same name and period cover a task, and how far
// those of them that were created after it do.
func (s *simulation) reach(task *simulated) (all, later apiclient.Timestamp) {
	for _, success := range s.successes[task.detail()] {
		all = max(all, success.covers.End)
		if success.Created > task.Created {
			later = max(later, success.covers.End)
		}
	}
	return all, later
}
