package scenario

import (
	"sync"
	"time"

	"alicdn_export_exporter/internal/simulator"
)

// timeline is an account whose list depends only on its schedules and the time, not on earlier calls.
type timeline struct {
	schedules []schedule
	order     simulator.Order
	seed      uint64

	mu    sync.Mutex
	lists map[string]taskList // the last list of each action
}

// taskList is a list that does not change between two moments.
type taskList struct {
	from, until time.Time // until is excluded
	tasks       []simulator.Task
}

// maxValidity limits how far before and after now a list is known to be unchanged.
const maxValidity = 10 * time.Minute

// Tasks implements simulator.Account.
func (t *timeline) Tasks(action string, now time.Time) []simulator.Task {
	t.mu.Lock()
	defer t.mu.Unlock()
	list, ok := t.lists[action]
	if !ok || now.Before(list.from) || !now.Before(list.until) {
		list = t.computeList(action, now)
		if t.lists == nil {
			t.lists = make(map[string]taskList)
		}
		t.lists[action] = list
	}
	return list.tasks
}

// computeList computes the list of an action.
func (t *timeline) computeList(action string, now time.Time) taskList {
	list := taskList{from: now.Add(-maxValidity), until: now.Add(maxValidity)}
	for _, schedule := range t.schedules {
		for _, j := range schedule(list.from, list.until) {
			if j.action != action {
				continue
			}
			list.limit(now, j.created)
			list.limit(now, j.finished)
			list.limit(now, j.listedUntil())
			if j.isListed(now) {
				list.tasks = append(list.tasks, j.task(now))
			}
		}
	}
	sortTasks(list.tasks, t.order, t.seed)
	return list
}

// limit shortens the time for which the list is valid, so that it does not reach
// across the event.
func (l *taskList) limit(now, event time.Time) {
	if event.After(now) {
		if event.Before(l.until) {
			l.until = event
		}
	} else if event.After(l.from) {
		l.from = event
	}
}
