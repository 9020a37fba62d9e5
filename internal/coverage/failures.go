package coverage

import (
	"time"

	"alicdn_export_exporter/apiclient"
)

// UnrecoveredFailures counts the failed tasks that no successful task has replaced.
// covered is the usage that all successful tasks cover, whatever their names.
//
// A usage task is replaced when successful tasks cover its period. A usage_detail
// task is about domains that the list does not name, so only a success of the same
// name over the same period replaces it. A task without a valid period is replaced by
// any later success; for usage_detail it must have the same name.
func UnrecoveredFailures(export apiclient.Export, tasks []apiclient.Task, covered Union) int {
	successes := indexSuccesses(export, tasks)
	n := 0
	for _, task := range tasks {
		if task.Status != apiclient.Failed {
			continue
		}
		period, ok := PeriodOf(task)
		switch {
		case !ok:
			if !successes.latest[nameKey(export, task)].After(completion(task)) {
				n++
			}
		case export == apiclient.UsageDetail:
			if successes.ends[detailKeyOf(task)] < period.End {
				n++
			}
		case !covered.Covers(period):
			n++
		}
	}
	return n
}

// successIndex finds the success that replaces a failed task.
type successIndex struct {
	latest map[string]time.Time              // the latest completion, by nameKey
	ends   map[detailKey]apiclient.Timestamp // how far successes cover a usage_detail task
}

func indexSuccesses(export apiclient.Export, tasks []apiclient.Task) successIndex {
	index := successIndex{make(map[string]time.Time), make(map[detailKey]apiclient.Timestamp)}
	for _, task := range tasks {
		if task.Status != apiclient.Success {
			continue
		}
		if name := nameKey(export, task); completion(task).After(index.latest[name]) {
			index.latest[name] = completion(task)
		}
		if period, ok := PeriodOf(task); ok && export == apiclient.UsageDetail {
			key := detailKeyOf(task)
			index.ends[key] = max(index.ends[key], period.End)
		}
	}
	return index
}

// nameKey returns the name of a usage_detail task. It is empty for usage, where the
// name does not matter.
func nameKey(export apiclient.Export, task apiclient.Task) string {
	if export == apiclient.UsageDetail {
		return task.Name
	}
	return ""
}

// detailKey is what a usage_detail task and the one that replaces it have in common.
type detailKey struct {
	name       string
	start, end apiclient.Timestamp
}

func detailKeyOf(task apiclient.Task) detailKey { return detailKey{task.Name, task.Start, task.End} }

// completion returns a finished task's UpdateTime, or its CreateTime if it has none.
func completion(task apiclient.Task) time.Time {
	if task.Updated == 0 {
		return task.Created.Time()
	}
	return task.Updated.Time()
}
