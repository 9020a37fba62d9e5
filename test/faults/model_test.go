package faults_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"alicdn_export_exporter/internal/simulator"
)

// model knows which lists the API really had, and judges what the program shows. The lists have at most 100 tasks, so
// that the metric task_info shows all of them.
type model struct {
	began time.Time
	// hidden is set if the page shows numbers of tasks only. The list must not change then.
	hidden bool

	mu       sync.Mutex
	versions []version
	seen     map[time.Time]time.Time // when a page first had the snapshot that began then
}

// version is a list from a moment until the next version.
type version struct {
	from     time.Time
	statuses map[string]string // by id, as the program names them
	optional map[string]bool   // ids of tasks that may be missing
}

func newModel() *model {
	return &model{began: time.Now(), seen: make(map[time.Time]time.Time)}
}

// set tells the model which tasks the API has from now on. Not all of its copies have the optional ones.
func (m *model) set(tasks []simulator.Task, optional ...simulator.Task) {
	v := version{statuses: make(map[string]string), optional: make(map[string]bool)}
	for _, task := range optional {
		v.statuses[task.ID] = task.Status
		v.optional[task.ID] = true
	}
	for _, task := range tasks {
		v.statuses[task.ID] = task.Status
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	v.from = time.Now()
	m.versions = append(m.versions, v)
}

// current returns the number of tasks by status that the API has now.
func (m *model) current() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return count(m.versions[len(m.versions)-1].statuses)
}

// count counts the tasks by status.
func count(statuses map[string]string) map[string]int {
	n := map[string]int{"created": 0, "success": 0, "failed": 0, "unknown": 0}
	for _, status := range statuses {
		n[status]++
	}
	return n
}

// wrong returns what a page says that is not true.
func (m *model) wrong(p page) []string {
	var found []string
	for name, value := range p.values {
		if value < 0 && !strings.HasPrefix(name, "api_clock_skew_seconds") {
			found = append(found, fmt.Sprintf("%s is %v", name, value))
		}
	}
	began, ok := p.snapshot()
	tasks, ids := p.tasks(), p.ids()
	switch {
	case !ok && p.up():
		return append(found, "up is 1 without a snapshot")
	case !ok && (tasks != nil || len(ids) > 0):
		return append(found, "tasks without a snapshot")
	case !ok:
		return found
	case began.After(p.at) || began.Before(m.began.Add(-time.Second)):
		return append(found, fmt.Sprintf("the snapshot is of %s, the page of %s", began, p.at))
	}
	if m.hidden {
		if !maps.Equal(tasks, m.current()) {
			found = append(found, fmt.Sprintf("tasks are %v, the API has %v", tasks, m.current()))
		}
		return found
	}
	if !maps.Equal(tasks, count(ids)) {
		found = append(found, fmt.Sprintf("tasks are %v, but task_info shows %v", tasks, count(ids)))
	}
	return append(found, m.wrongTasks(ids, began, p.at)...)
}

// wrongTasks compares the tasks of a snapshot with all versions between its beginning and the first page that had it.
func (m *model) wrongTasks(ids map[string]string, began, at time.Time) (found []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if first, ok := m.seen[began]; ok && first.Before(at) {
		at = first
	} else {
		m.seen[began] = at
	}
	from := 0
	for i, v := range m.versions {
		if !v.from.After(began) {
			from = i
		}
	}
	during := slices.DeleteFunc(slices.Clone(m.versions[from:]), func(v version) bool { return v.from.After(at) })
	for id, status := range ids {
		if !slices.ContainsFunc(during, func(v version) bool { return v.statuses[id] == status }) {
			found = append(found, fmt.Sprintf("task %s with status %s was never listed", id, status))
		}
	}
	for id := range during[0].statuses {
		throughout := !slices.ContainsFunc(during, func(v version) bool { return v.statuses[id] == "" || v.optional[id] })
		if ids[id] == "" && throughout {
			found = append(found, "task "+id+" is missing, but was listed throughout")
		}
	}
	return found
}
