package collector

import (
	"cmp"
	"slices"
	"time"

	"alicdn_export_exporter/apiclient"
)

// Summary is what a list of tasks says, whatever the time.
type Summary struct {
	// Tasks counts the tasks by status; every status is there.
	Tasks map[apiclient.Status]int
	// NewestTask is the status of the task with the greatest CreateTime, ties
	// broken by TaskId; HasTask is false for an empty list.
	NewestTask apiclient.Status
	HasTask    bool
	// NewestSuccess and NewestFailure are the latest completions (UpdateTime) of
	// successful and failed tasks; OldestPending is the earliest CreateTime of a
	// task still created. Each is the zero time where there is none.
	NewestSuccess, NewestFailure, OldestPending time.Time
}

// Summarize reads the tasks once, in any order.
func Summarize(tasks []apiclient.Task) Summary {
	s := Summary{Tasks: make(map[apiclient.Status]int)}
	for _, status := range apiclient.Statuses() {
		s.Tasks[status] = 0
	}
	var newest apiclient.Task
	var success, failure, pending apiclient.Timestamp
	for _, task := range tasks {
		s.Tasks[task.Status]++
		if !s.HasTask || laterCreated(task, newest) {
			s.HasTask, newest = true, task
		}
		switch task.Status {
		case apiclient.Success:
			success = max(success, task.Updated)
		case apiclient.Failed:
			failure = max(failure, task.Updated)
		case apiclient.Created:
			if task.Created != 0 && (pending == 0 || task.Created < pending) {
				pending = task.Created
			}
		case apiclient.Unknown: // Only counted: nobody knows what its times mean.
		}
	}
	s.NewestTask = newest.Status
	s.NewestSuccess, s.NewestFailure, s.OldestPending = success.Time(), failure.Time(), pending.Time()
	return s
}

// NewestTasks returns the n newest tasks, the newest first.
func NewestTasks(tasks []apiclient.Task, n int) []apiclient.Task {
	if n <= 0 {
		return nil
	}
	var newest []apiclient.Task
	for _, task := range tasks {
		at, _ := slices.BinarySearchFunc(newest, task, func(a, b apiclient.Task) int {
			if laterCreated(a, b) {
				return -1
			}
			return 1
		})
		if at < n {
			newest = slices.Insert(newest, at, task)
			newest = newest[:min(n, len(newest))]
		}
	}
	return newest
}

// laterCreated orders tasks by creation and then by id: ids are numbers that
// grow, so the longer one is the later one.
func laterCreated(a, b apiclient.Task) bool {
	return cmp.Or(
		cmp.Compare(a.Created, b.Created),
		cmp.Compare(len(a.ID), len(b.ID)),
		cmp.Compare(a.ID, b.ID),
	) > 0
}
