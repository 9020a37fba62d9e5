package coverage

import (
	"cmp"
	"slices"
	"time"

	"alicdn_export_exporter/apiclient"
)

// Summary counts a list's tasks and names the newest ones. It does not depend on the
// time.
type Summary struct {
	// Tasks counts the tasks by status. It has a key for every status.
	Tasks map[apiclient.Status]int
	// NewestTask is the status of the task with the greatest CreateTime, then the
	// greatest TaskId. HasTask is false for an empty list.
	NewestTask apiclient.Status
	HasTask    bool
	// NewestSuccess and NewestFailure are the latest UpdateTime of a successful and of
	// a failed task. OldestPending is the earliest CreateTime of a task that is still
	// created. Each is the zero time if there is none.
	NewestSuccess, NewestFailure, OldestPending time.Time
}

// Summarize reads tasks in any order.
func Summarize(tasks []apiclient.Task) Summary {
	s := Summary{Tasks: make(map[apiclient.Status]int)}
	for _, status := range apiclient.Statuses() {
		s.Tasks[status] = 0
	}
	var newest apiclient.Task
	var success, failure, pending apiclient.Timestamp
	for _, task := range tasks {
		s.Tasks[task.Status]++
		if !s.HasTask || newer(task, newest) {
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
		case apiclient.Unknown: // Only counted, since the meaning of its times is not known.
		}
	}
	s.NewestTask = newest.Status
	s.NewestSuccess, s.NewestFailure, s.OldestPending = success.Time(), failure.Time(), pending.Time()
	return s
}

// NewestTasks returns at most n tasks, the newest first.
func NewestTasks(tasks []apiclient.Task, n int) []apiclient.Task {
	if n <= 0 {
		return nil
	}
	var newest []apiclient.Task
	for _, task := range tasks {
		i, _ := slices.BinarySearchFunc(newest, task, func(a, b apiclient.Task) int {
			if newer(a, b) {
				return -1
			}
			return 1
		})
		if i < n {
			newest = slices.Insert(newest, i, task)
			newest = newest[:min(n, len(newest))]
		}
	}
	return newest
}

// newer reports whether a was created after b. Tasks of the same second are compared
// by id: ids are increasing numbers, so the longer one is the newer one.
func newer(a, b apiclient.Task) bool {
	return cmp.Or(
		cmp.Compare(a.Created, b.Created),
		cmp.Compare(len(a.ID), len(b.ID)),
		cmp.Compare(a.ID, b.ID),
	) > 0
}
