package scenario

import (
	"slices"
	"sync"
	"time"

	"alicdn_export_exporter/internal/simulator"
)

// timeline is an account whose list depends only on its schedules, the tasks that users create and delete, and the
// time.
type timeline struct {
	schedules []schedule
	order     simulator.Order
	seed      uint64

	mu    sync.Mutex
	lists map[string]taskList // the last list of each action

	created []job                // by users
	deleted map[string]time.Time // by users; the keys are actions and task ids
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
	return t.tasks(action, now)
}

func (t *timeline) tasks(action string, now time.Time) []simulator.Task {
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
	for _, schedule := range append(slices.Clip(t.schedules), fixed(t.created...)) {
		for _, j := range schedule(list.from, list.until) {
			if j.action != action {
				continue
			}
			if at, ok := t.deleted[action+j.id()]; ok {
				j.deleted = at
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

// Create implements simulator.Editor. The export takes as long as any other.
func (t *timeline) Create(action string, task simulator.Task, now time.Time) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	j := job{
		action: action, kind: kindCreated, name: task.Name,
		start: task.Start, end: task.End.Add(time.Second),
		created: now.Truncate(time.Second),
	}
	j.finished = j.created.Add(exportTime(t.seed, j.kind, j.created))
	j.number = idNumber(j.kind, j.created)
	if n := len(t.created); n > 0 { // Tasks that are created in the same second need different ids.
		j.number = max(j.number, t.created[n-1].number+10)
	}
	t.created = append(t.created, j)
	delete(t.lists, action)
	return j.id()
}

// Delete implements simulator.Editor.
func (t *timeline) Delete(action, id string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	hasID := func(task simulator.Task) bool { return task.ID == id }
	if !slices.ContainsFunc(t.tasks(action, now), hasID) {
		return false
	}
	if t.deleted == nil {
		t.deleted = make(map[string]time.Time)
	}
	t.deleted[action+id] = now
	delete(t.lists, action)
	return true
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
