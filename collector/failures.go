package collector

import (
	"time"

	"alicdn_export_exporter/apiclient"
)

// UnrecoveredFailures counts the failed tasks that no success has made up for.
// covered is what all successful tasks cover (CoveredBy).
//
// A usage export is made up for when its period is covered, whenever that was. A
// usage_detail export is about domains that the list does not name: only a success
// of the same name over the same period can stand for it. A failure without a
// period is made up for by any later success, of the same name for usage_detail.
func UnrecoveredFailures(export apiclient.Export, tasks []apiclient.Task, covered Union) int {
	repeats := repeatsOf(export, tasks)
	n := 0
	for _, task := range tasks {
		if task.Status != apiclient.Failed {
			continue
		}
		period, ok := PeriodOf(task)
		switch {
		case !ok:
			if !repeats.latest[nameFor(export, task)].After(completion(task)) {
				n++
			}
		case export == apiclient.UsageDetail:
			if repeats.ends[exact(task)] < period.End {
				n++
			}
		case !covered.Covers(period):
			n++
		}
	}
	return n
}

// repeats is what successes can stand for.
type repeats struct {
	latest map[string]time.Time               // the latest completion, by name
	ends   map[sameExport]apiclient.Timestamp // how far a name's period is covered
}

type sameExport struct {
	name       string
	start, end apiclient.Timestamp
}

func repeatsOf(export apiclient.Export, tasks []apiclient.Task) repeats {
	r := repeats{make(map[string]time.Time), make(map[sameExport]apiclient.Timestamp)}
	for _, task := range tasks {
		if task.Status != apiclient.Success {
			continue
		}
		if name := nameFor(export, task); completion(task).After(r.latest[name]) {
			r.latest[name] = completion(task)
		}
		if period, ok := PeriodOf(task); ok && export == apiclient.UsageDetail {
			r.ends[exact(task)] = max(r.ends[exact(task)], period.End)
		}
	}
	return r
}

// nameFor is empty for usage exports, where the name does not matter.
func nameFor(export apiclient.Export, task apiclient.Task) string {
	if export == apiclient.UsageDetail {
		return task.Name
	}
	return ""
}

func exact(task apiclient.Task) sameExport { return sameExport{task.Name, task.Start, task.End} }

// completion is a finished task's UpdateTime, or its creation where that is missing.
func completion(task apiclient.Task) time.Time {
	if task.Updated == 0 {
		return task.Created.Time()
	}
	return task.Updated.Time()
}
