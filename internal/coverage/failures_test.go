package coverage_test

import (
	"math/rand/v2"
	"testing"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/coverage"
)

// export returns a task over a period that was made at a moment.
func export(id, name string, status apiclient.Status, start, end, made string) apiclient.Task {
	return apiclient.Task{
		ID:      id,
		Name:    name,
		Status:  status,
		Start:   at(start),
		End:     at(end),
		Created: at(made),
		Updated: at(made) + 100,
	}
}

const (
	octoberStart = "2026-10-01T00:00:00+08:00"
	octoberEnd   = "2026-10-31T23:59:59+08:00"
)

func unrecovered(export apiclient.Export, tasks []apiclient.Task) int {
	return coverage.UnrecoveredFailures(export, tasks, coverage.CoveredBy(tasks, coverage.Pattern{}))
}

func TestUnrecoveredFailures(t *testing.T) {
	failed := export("1", "monthly", apiclient.Failed, octoberStart, octoberEnd, "2026-11-01T09:00:00+08:00")
	noPeriod := apiclient.Task{
		ID:      "1",
		Name:    "monthly",
		Status:  apiclient.Failed,
		Created: at("2026-11-01T09:00:00+08:00"),
		Updated: at("2026-11-01T09:02:00+08:00"),
	}
	for _, tc := range []struct {
		name          string
		tasks         []apiclient.Task
		usage, detail int
	}{
		{"no task, no failure", nil, 0, 0},
		{"a failure alone is unrecovered", []apiclient.Task{failed}, 1, 1},
		{"a failure repeated a day later is recovered", []apiclient.Task{
			failed, export("2", "monthly", apiclient.Success, octoberStart, octoberEnd, "2026-11-02T09:00:00+08:00"),
		}, 0, 0},
		{"a failure whose file was there before is recovered", []apiclient.Task{
			export("0", "monthly", apiclient.Success, octoberStart, octoberEnd, "2026-11-01T08:00:00+08:00"), failed,
		}, 0, 0},
		{"a repetition under another name recovers usage only", []apiclient.Task{
			failed, export("2", "again", apiclient.Success, octoberStart, octoberEnd, "2026-11-02T09:00:00+08:00"),
		}, 0, 1},
		{"two halves of the month recover usage only", []apiclient.Task{
			failed,
			export("2", "monthly", apiclient.Success, octoberStart, "2026-10-15T23:59:59+08:00", "2026-11-02T09:00:00+08:00"),
			export("3", "monthly", apiclient.Success, "2026-10-16T00:00:00+08:00", octoberEnd, "2026-11-02T09:00:00+08:00"),
		}, 0, 1},
		{"half of the month recovers nothing", []apiclient.Task{
			failed, export("2", "monthly", apiclient.Success, octoberStart, "2026-10-15T23:59:59+08:00", "2026-11-02T09:00:00+08:00"),
		}, 1, 1},
		{"a success made before the period was over recovers nothing", []apiclient.Task{
			failed, export("2", "monthly", apiclient.Success, octoberStart, octoberEnd, "2026-10-20T09:00:00+08:00"),
		}, 1, 1},
		{"a repetition that fails again counts as well", []apiclient.Task{
			failed, export("2", "monthly", apiclient.Failed, octoberStart, octoberEnd, "2026-11-02T09:00:00+08:00"),
		}, 2, 2},
		{"a repetition that is pending recovers nothing yet", []apiclient.Task{
			failed, export("2", "monthly", apiclient.Created, octoberStart, octoberEnd, "2026-11-02T09:00:00+08:00"),
		}, 1, 1},
		{"without a period any later success recovers, for usage", []apiclient.Task{
			noPeriod, export("2", "another", apiclient.Success, octoberStart, octoberEnd, "2026-11-02T09:00:00+08:00"),
		}, 0, 1},
		{"without a period a later success of the same name recovers", []apiclient.Task{
			noPeriod, export("2", "monthly", apiclient.Success, octoberStart, octoberEnd, "2026-11-02T09:00:00+08:00"),
		}, 0, 0},
		{"without a period an earlier success recovers nothing", []apiclient.Task{
			noPeriod, export("0", "monthly", apiclient.Success, octoberStart, octoberEnd, "2026-10-31T09:00:00+08:00"),
		}, 1, 1},
		{"a failure that never could have held anything needs a later success", []apiclient.Task{
			export("1", "monthly", apiclient.Failed, octoberStart, octoberEnd, "2026-09-01T09:00:00+08:00"),
		}, 1, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := unrecovered(apiclient.Usage, tc.tasks); got != tc.usage {
				t.Errorf("%d unrecovered usage tasks, want %d", got, tc.usage)
			}
			if got := unrecovered(apiclient.UsageDetail, tc.tasks); got != tc.detail {
				t.Errorf("%d unrecovered usage_detail tasks, want %d", got, tc.detail)
			}
		})
	}
}

// One more success never raises the unrecovered failures, and the order of the
// list does not matter.
func TestUnrecoveredFailuresOfRandomLists(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 2))
	for range 2000 {
		some := func(status apiclient.Status) apiclient.Task {
			start := apiclient.Timestamp(1 + random.IntN(20))
			task := apiclient.Task{
				ID:      "x",
				Name:    string(rune('a' + random.IntN(3))),
				Status:  status,
				Start:   start,
				End:     start + apiclient.Timestamp(random.IntN(10)),
				Created: apiclient.Timestamp(1 + random.IntN(40)),
			}
			if random.IntN(5) == 0 {
				task.Start = 0
			}
			task.Updated = task.Created + 1
			return task
		}
		var tasks []apiclient.Task
		for range random.IntN(12) {
			tasks = append(tasks, some(apiclient.Statuses()[random.IntN(4)]))
		}
		more := append([]apiclient.Task{some(apiclient.Success)}, tasks...)
		for _, e := range apiclient.Exports() {
			before := unrecovered(e, tasks)
			if after := unrecovered(e, more); after > before {
				t.Fatalf("%s: %d unrecovered, with one more success %d: %+v", e, before, after, more)
			}
			random.Shuffle(len(tasks), func(i, j int) { tasks[i], tasks[j] = tasks[j], tasks[i] })
			if again := unrecovered(e, tasks); again != before {
				t.Fatalf("%s: the order matters: %d, %d", e, before, again)
			}
		}
	}
}
