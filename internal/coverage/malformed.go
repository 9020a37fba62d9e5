package coverage

import (
	"slices"
	"time"

	"alicdn_export_exporter/apiclient"
)

// maxAhead is how far after the time of reading a CreateTime or an UpdateTime may be.
const maxAhead = 24 * time.Hour

// IgnoreMalformed returns the tasks without their malformed times, and the number of tasks that
// have one. It keeps the tasks themselves. read is when they were read.
//
// These times are malformed: a CreateTime that is missing, invalid or more than a day after
// read; an UpdateTime that is invalid or more than a day after read; a StartTime or EndTime
// that is invalid, or without the other; and both if EndTime is before StartTime.
func IgnoreMalformed(tasks []apiclient.Task, read time.Time) (valid []apiclient.Task, malformed int) {
	latest := timestamp(read.Add(maxAhead))
	valid = tasks
	for i, task := range tasks {
		fixed, ok := withoutMalformed(task, latest)
		if ok {
			continue
		}
		if malformed++; malformed == 1 {
			valid = slices.Clone(tasks)
		}
		valid[i] = fixed
	}
	return valid, malformed
}

// withoutMalformed returns the task without its malformed times. ok is true if there
// are none.
func withoutMalformed(task apiclient.Task, latest apiclient.Timestamp) (fixed apiclient.Task, ok bool) {
	ok = task.Created != 0 && (task.Start == 0) == (task.End == 0)
	ignore := func(t *apiclient.Timestamp) { *t, ok = 0, false }
	if task.Created == apiclient.InvalidTime || task.Created > latest {
		ignore(&task.Created)
	}
	if task.Updated == apiclient.InvalidTime || task.Updated > latest {
		ignore(&task.Updated)
	}
	if task.Start == apiclient.InvalidTime {
		ignore(&task.Start)
	}
	if task.End == apiclient.InvalidTime {
		ignore(&task.End)
	}
	if task.Start != 0 && task.End != 0 && task.End < task.Start {
		ignore(&task.Start)
		ignore(&task.End)
	}
	return task, ok
}
