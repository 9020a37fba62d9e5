package coverage_test

import (
	"math/rand/v2"
	"testing"
	"time"

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

// unrecovered counts the failed tasks that no success has replaced at the end of November, the
// month of the tests.
func unrecovered(export apiclient.Export, tasks []apiclient.Task) int {
	return count(coverage.FindUnreplaced(export, tasks, coverage.Rules{}), apiclient.Failed, at("2026-11-22T00:00:00Z"))
}

func count(unreplaced []coverage.Unreplaced, status apiclient.Status, now apiclient.Timestamp) int {
	n := 0
	for _, task := range unreplaced {
		if task.Status == status && task.Counts(now.Time()) {
			n++
		}
	}
	return n
}

func TestFindUnreplaced(t *testing.T) {
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

// The tasks that replace a failed or pending task, as time passes.
func TestFindUnreplacedOverTime(t *testing.T) {
	const (
		septemberStart, septemberEnd = "2026-09-01T00:00:00+08:00", "2026-09-30T23:59:59+08:00"
		mayStart, mayEnd             = "2026-05-01T00:00:00+08:00", "2026-05-31T23:59:59+08:00"
	)
	week := func(id, first, last, made string) apiclient.Task {
		return export(id, "weekly", apiclient.Success, first+"T00:00:00+08:00", last+"T23:59:59+08:00", made+"T09:00:00+08:00")
	}
	weeks := []apiclient.Task{ // They cover October.
		week("1", "2026-09-28", "2026-10-04", "2026-10-05"), week("2", "2026-10-05", "2026-10-11", "2026-10-12"),
		week("3", "2026-10-12", "2026-10-18", "2026-10-19"), week("4", "2026-10-19", "2026-10-25", "2026-10-26"),
		week("5", "2026-10-26", "2026-11-01", "2026-11-02"),
	}
	october := export("9", "monthly", apiclient.Failed, octoberStart, octoberEnd, "2026-11-05T09:00:00+08:00")
	pending := october
	pending.Status, pending.Updated = apiclient.Created, 0
	may := export("9", "audit", apiclient.Failed, mayStart, mayEnd, "2026-11-05T09:00:00+08:00")
	noPeriod := apiclient.Task{ID: "9", Name: "monthly", Status: apiclient.Failed, Created: at("2026-11-05T09:00:00+08:00")}
	delay := coverage.Rules{UsageDelay: 4 * time.Hour}
	since := func(moment string) coverage.Rules { return coverage.Rules{Since: at(moment).Time()} }
	for _, tc := range []struct {
		name          string
		task          apiclient.Task
		successes     []apiclient.Task
		rules         coverage.Rules
		now           string
		usage, detail int
	}{
		{"a failed month alone", october, nil, delay, "2026-11-06T00:00:00+08:00", 1, 1},
		{"weeks replace a month of usage", october, weeks, delay, "2026-11-06T00:00:00+08:00", 0, 1},
		{"still when they leave the list one by one", october, weeks[2:], delay, "2027-01-17T00:00:00+08:00", 0, 1},
		{"still when all have left it", october, nil, delay, "2027-02-04T00:00:00+08:00", 0, 0},
		{"a month is judged to its last moment", october, nil, delay, "2027-01-27T23:59:59+08:00", 1, 1},
		{"and not after it", october, nil, delay, "2027-01-28T00:00:00+08:00", 0, 0},
		{"a missing week counts while it is judged", october, weeks[1:], delay, "2026-11-06T00:00:00+08:00", 1, 1},
		{"and no longer", october, weeks[1:], delay, "2027-01-01T00:00:00+08:00", 0, 1},
		{"a success that was made too early replaces nothing", october, []apiclient.Task{
			export("1", "monthly", apiclient.Success, octoberStart, octoberEnd, "2026-11-01T00:01:00+08:00"),
		}, delay, "2026-11-06T00:00:00+08:00", 1, 1},
		{
			"unless the failed one was made as early", export("9", "monthly", apiclient.Failed, octoberStart, octoberEnd, "2026-11-01T00:01:00+08:00"),
			[]apiclient.Task{
				export("1", "monthly", apiclient.Success, octoberStart, octoberEnd, "2026-11-01T00:02:00+08:00"),
			},
			delay, "2026-11-06T00:00:00+08:00", 0, 0,
		},

		{"a pending month alone", pending, nil, delay, "2026-11-06T00:00:00+08:00", 1, 1},
		{"a pending month that was made again", pending, []apiclient.Task{
			export("10", "monthly", apiclient.Success, octoberStart, octoberEnd, "2026-11-06T09:00:00+08:00"),
		}, delay, "2026-11-07T00:00:00+08:00", 0, 0},
		{"a pending month that exists already", pending, []apiclient.Task{
			export("1", "monthly", apiclient.Success, octoberStart, octoberEnd, "2026-11-01T09:00:00+08:00"),
		}, delay, "2026-11-07T00:00:00+08:00", 0, 0},
		{"a pending month that is about other domains", pending, []apiclient.Task{
			export("1", "other", apiclient.Success, octoberStart, octoberEnd, "2026-11-06T09:00:00+08:00"),
		}, delay, "2026-11-07T00:00:00+08:00", 0, 1},

		{"usage of half a year ago is not judged, but its export is", may, nil, delay, "2026-11-06T00:00:00+08:00", 1, 1},
		{"an earlier success says nothing about it", may, []apiclient.Task{
			export("1", "audit", apiclient.Success, mayStart, mayEnd, "2026-11-05T08:00:00+08:00"),
		}, delay, "2026-11-06T00:00:00+08:00", 1, 1},
		{"a later success replaces it", may, []apiclient.Task{
			export("10", "audit", apiclient.Success, mayStart, mayEnd, "2026-11-05T10:00:00+08:00"),
		}, delay, "2026-11-06T00:00:00+08:00", 0, 0},
		{"half of it does not", may, []apiclient.Task{
			export("10", "audit", apiclient.Success, mayStart, "2026-05-15T23:59:59+08:00", "2026-11-05T10:00:00+08:00"),
		}, delay, "2026-11-06T00:00:00+08:00", 1, 1},
		{"two halves do, for usage", may, []apiclient.Task{
			export("10", "audit", apiclient.Success, mayStart, "2026-05-15T23:59:59+08:00", "2026-11-05T10:00:00+08:00"),
			export("11", "audit", apiclient.Success, "2026-05-16T00:00:00+08:00", mayEnd, "2026-11-05T10:00:00+08:00"),
		}, delay, "2026-11-06T00:00:00+08:00", 0, 1},
		{"it counts while a later success would be listed", may, nil, delay, "2027-02-01T08:59:59+08:00", 1, 1},
		{"and no longer, since such a success may leave the list first", may, nil, delay, "2027-02-01T09:00:00+08:00", 0, 0},
		{
			"a period of which only the first part is that old", export("9", "quarter", apiclient.Failed,
				"2026-07-25T00:00:00+08:00", "2026-08-24T23:59:59+08:00", "2026-11-05T09:00:00+08:00"),
			[]apiclient.Task{export("1", "quarter", apiclient.Success,
				"2026-07-25T00:00:00+08:00", "2026-08-24T23:59:59+08:00", "2026-11-05T08:00:00+08:00")},
			delay, "2026-11-06T00:00:00+08:00", 1, 1,
		},

		{
			"usage from 93 days before: what covered it may have left the list", export("9", "week", apiclient.Failed,
				"2026-08-04T09:00:00+08:00", "2026-08-07T23:59:59+08:00", "2026-11-05T09:00:00+08:00"),
			nil, delay, "2026-11-05T10:00:00+08:00", 0, 0,
		},
		{
			"usage from a second earlier: it was exported again on purpose", export("9", "week", apiclient.Failed,
				"2026-08-04T08:59:59+08:00", "2026-08-07T23:59:59+08:00", "2026-11-05T09:00:00+08:00"),
			nil, delay, "2026-11-05T10:00:00+08:00", 1, 1,
		},

		{"a task without a period alone", noPeriod, nil, delay, "2026-11-06T00:00:00+08:00", 1, 1},
		{"it counts as long as usage that old is judged", noPeriod, nil, delay, "2027-02-01T08:59:59+08:00", 1, 1},
		{"a later success may have left the list then", noPeriod, nil, delay, "2027-02-01T09:00:00+08:00", 0, 0},
		{"any later success replaces it, for usage", noPeriod, []apiclient.Task{
			export("10", "other", apiclient.Success, septemberStart, septemberEnd, "2026-11-05T09:00:01+08:00"),
		}, delay, "2026-11-06T00:00:00+08:00", 0, 1},
		{"a success that was created before it and completed later does not", noPeriod, []apiclient.Task{
			export("8", "monthly", apiclient.Success, septemberStart, septemberEnd, "2026-11-05T08:59:59+08:00"),
		}, delay, "2026-11-06T00:00:00+08:00", 1, 1},
		{"of the same second, the greater id was created later", noPeriod, []apiclient.Task{
			export("10", "monthly", apiclient.Success, septemberStart, septemberEnd, "2026-11-05T09:00:00+08:00"),
		}, delay, "2026-11-06T00:00:00+08:00", 0, 0},
		{"a task without any time counts for ever", apiclient.Task{ID: "9", Status: apiclient.Failed}, nil, delay, "2030-11-06T00:00:00+08:00", 1, 1},
		{
			"a period that the delay cuts away is none",
			export("9", "monthly", apiclient.Failed, "2026-11-05T06:00:00+08:00", "2026-11-05T06:59:59+08:00", "2026-11-05T09:00:00+08:00"),
			[]apiclient.Task{export("10", "monthly", apiclient.Success, septemberStart, septemberEnd, "2026-11-05T10:00:00+08:00")},
			delay, "2026-11-06T00:00:00+08:00", 0, 0,
		},

		{"a month before since", october, nil, since("2026-11-01T00:00:00+08:00"), "2026-11-06T00:00:00+08:00", 0, 0},
		{"a month of which a day is not before since", october, nil, since("2026-10-31T00:00:00+08:00"), "2026-11-06T00:00:00+08:00", 1, 1},
		{"usage of half a year ago, before since", may, nil, since("2026-06-01T00:00:00+08:00"), "2026-11-06T00:00:00+08:00", 0, 0},
		{"usage of half a year ago, not before since", may, nil, since("2026-05-31T00:00:00+08:00"), "2026-11-06T00:00:00+08:00", 1, 1},
		{"a task without a period, made before since", noPeriod, nil, since("2026-11-06T00:00:00+08:00"), "2026-11-06T00:00:00+08:00", 0, 0},
		{"a task without a period, made after since", noPeriod, nil, since("2026-11-05T00:00:00+08:00"), "2026-11-06T00:00:00+08:00", 1, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tasks := append([]apiclient.Task{tc.task}, tc.successes...)
			for e, want := range map[apiclient.Export]int{apiclient.Usage: tc.usage, apiclient.UsageDetail: tc.detail} {
				unreplaced := coverage.FindUnreplaced(e, tasks, tc.rules)
				if got := count(unreplaced, tc.task.Status, at(tc.now)); got != want {
					t.Errorf("%s: %d count, want %d", e, got, want)
				}
			}
		})
	}
}

// An additional success never raises the number of failures that count. The order of the list
// does not matter.
func TestFindUnreplacedOfRandomLists(t *testing.T) {
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
			failures := func(tasks []apiclient.Task) int {
				return count(coverage.FindUnreplaced(e, tasks, coverage.Rules{}), apiclient.Failed, 100)
			}
			before := failures(tasks)
			if after := failures(more); after > before {
				t.Fatalf("%s: %d unrecovered, with one more success %d: %+v", e, before, after, more)
			}
			random.Shuffle(len(tasks), func(i, j int) { tasks[i], tasks[j] = tasks[j], tasks[i] })
			if again := failures(tasks); again != before {
				t.Fatalf("%s: the order matters: %d, %d", e, before, again)
			}
		}
	}
}
