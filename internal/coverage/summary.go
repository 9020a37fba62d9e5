package coverage

import (
	"cmp"
	"slices"
	"time"

	"alicdn_export_exporter/apiclient"
)

// Summary counts a list's tasks and describes the newest ones. It does not depend on the
// current time.
type Summary struct {
	// Tasks counts the tasks by status. It has a key for every status.
	Tasks map[apiclient.Status]int
	// NewestTask is the status of the task with the greatest CreateTime, then the
	// greatest TaskId. HasTask is false for an empty list.
	NewestTask apiclient.Status
	HasTask    bool
	// NewestSuccess and NewestFailure are the latest completion of a successful and of a
	// failed task: UpdateTime or, without one, CreateTime. Each is the zero time if there
	// is none.
	NewestSuccess, NewestFailure time.Time
	// NewestSuccessDuration is the time from CreateTime to UpdateTime of the success that was
	// completed last. HasDuration is false if one of them is missing, or if UpdateTime is
	// before CreateTime.
	NewestSuccessDuration time.Duration
	HasDuration           bool
}

// Summarize returns the Summary of tasks in any order.
func Summarize(tasks []apiclient.Task) Summary {
	s := Summary{Tasks: make(map[apiclient.Status]int)}
	for _, status := range apiclient.Statuses() {
		s.Tasks[status] = 0
	}
	var newest, success, failure apiclient.Task
	for _, task := range tasks {
		s.Tasks[task.Status]++
		if !s.HasTask || newer(task, newest) {
			s.HasTask, newest = true, task
		}
		switch task.Status {
		case apiclient.Success:
			if success.Status != task.Status || completedLater(task, success) {
				success = task
			}
		case apiclient.Failed:
			if failure.Status != task.Status || completedLater(task, failure) {
				failure = task
			}
		case apiclient.Created, apiclient.Unknown: // Only counted.
		}
	}
	s.NewestTask = newest.Status
	s.NewestSuccess, s.NewestFailure = completion(success).Time(), completion(failure).Time()
	if success.Created != 0 && success.Updated >= success.Created {
		s.NewestSuccessDuration = time.Duration(success.Updated-success.Created) * time.Second
		s.HasDuration = true
	}
	return s
}

// completion returns a finished task's UpdateTime, or its CreateTime if it has no UpdateTime.
func completion(task apiclient.Task) apiclient.Timestamp { return cmp.Or(task.Updated, task.Created) }

func completedLater(a, b apiclient.Task) bool {
	return cmp.Or(cmp.Compare(completion(a), completion(b)), compareIDs(a, b)) > 0
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

// newer reports whether a was created after b.
func newer(a, b apiclient.Task) bool { return compareAge(a, b) > 0 }

// compareAge compares when tasks were created. Tasks of the same second are compared by
// id.
func compareAge(a, b apiclient.Task) int {
	return cmp.Or(cmp.Compare(a.Created, b.Created), compareIDs(a, b))
}

// compareIDs compares ids as increasing numbers: the longer one is the newer one.
func compareIDs(a, b apiclient.Task) int {
	return cmp.Or(cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID))
}
