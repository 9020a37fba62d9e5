package coverage_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/coverage"
)

const (
	monday  apiclient.Timestamp = 1_767_571_200 // 2026-01-05, midnight in UTC
	tuesday                     = monday + 86_400
	friday                      = monday + 4*86_400
)

// task returns a task without a period, which Summarize does not read.
func task(id string, status apiclient.Status, created, updated apiclient.Timestamp) apiclient.Task {
	return apiclient.Task{ID: id, Status: status, Created: created, Updated: updated}
}

func counts(created, success, failed, unknown int) map[apiclient.Status]int {
	return map[apiclient.Status]int{
		apiclient.Created: created, apiclient.Success: success, apiclient.Failed: failed, apiclient.Unknown: unknown,
	}
}

func TestSummarize(t *testing.T) {
	const (
		created, success = apiclient.Created, apiclient.Success
		failed, unknown  = apiclient.Failed, apiclient.Unknown
	)
	for name, tc := range map[string]struct {
		tasks []apiclient.Task
		want  coverage.Summary
	}{
		"an empty list has every status at 0 and nothing else": {
			nil, coverage.Summary{Tasks: counts(0, 0, 0, 0)},
		},
		"a success made earlier and finished later is the newest": {
			[]apiclient.Task{task("1", success, monday, friday), task("2", success, tuesday, tuesday)},
			coverage.Summary{Tasks: counts(0, 2, 0, 0), HasTask: true, NewestTask: success, NewestSuccess: friday.Time(), NewestSuccessDuration: 96 * time.Hour, HasDuration: true},
		},
		"a failure made earlier and finished later is the newest": {
			[]apiclient.Task{task("1", failed, monday, friday), task("2", failed, tuesday, tuesday)},
			coverage.Summary{Tasks: counts(0, 0, 2, 0), HasTask: true, NewestTask: failed, NewestFailure: friday.Time()},
		},
		"successes and failures are told apart": {
			[]apiclient.Task{task("1", success, monday, monday), task("2", failed, tuesday, tuesday)},
			coverage.Summary{
				Tasks: counts(0, 1, 1, 0), HasTask: true, NewestTask: failed,
				NewestSuccess: monday.Time(), NewestFailure: tuesday.Time(), HasDuration: true,
			},
		},
		"without a success there is no newest success": {
			[]apiclient.Task{task("1", failed, monday, tuesday)},
			coverage.Summary{Tasks: counts(0, 0, 1, 0), HasTask: true, NewestTask: failed, NewestFailure: tuesday.Time()},
		},
		"a success without an UpdateTime was completed when it was created, and has no duration": {
			[]apiclient.Task{task("2", success, tuesday, 0), task("1", success, monday, monday+60)},
			coverage.Summary{Tasks: counts(0, 2, 0, 0), HasTask: true, NewestTask: success, NewestSuccess: tuesday.Time()},
		},
		"a success without a CreateTime has no duration": {
			[]apiclient.Task{task("2", success, 0, tuesday)},
			coverage.Summary{Tasks: counts(0, 1, 0, 0), HasTask: true, NewestTask: success, NewestSuccess: tuesday.Time()},
		},
		"a success that was completed before it was created has no duration": {
			[]apiclient.Task{task("2", success, tuesday, monday)},
			coverage.Summary{Tasks: counts(0, 1, 0, 0), HasTask: true, NewestTask: success, NewestSuccess: monday.Time()},
		},
		"of successes that were completed in the same second the greater id is the newer": {
			[]apiclient.Task{task("10", success, monday, friday), task("9", success, tuesday, friday)},
			coverage.Summary{
				Tasks: counts(0, 2, 0, 0), HasTask: true, NewestTask: success, NewestSuccess: friday.Time(),
				NewestSuccessDuration: 96 * time.Hour, HasDuration: true,
			},
		},
		"a failure without an UpdateTime ended when it was created": {
			[]apiclient.Task{task("2", failed, tuesday, 0), task("1", failed, monday, monday+60)},
			coverage.Summary{Tasks: counts(0, 0, 2, 0), HasTask: true, NewestTask: failed, NewestFailure: tuesday.Time()},
		},
		"an unknown status is counted and may be the newest": {
			[]apiclient.Task{task("1", success, monday, monday), task("2", unknown, tuesday, friday)},
			coverage.Summary{Tasks: counts(0, 1, 0, 1), HasTask: true, NewestTask: unknown, NewestSuccess: monday.Time(), HasDuration: true},
		},
		"pending tasks are counted": {
			[]apiclient.Task{task("3", created, friday, 0), task("1", created, monday, friday), task("2", created, tuesday, 0)},
			coverage.Summary{Tasks: counts(3, 0, 0, 0), HasTask: true, NewestTask: created},
		},
		"a finished task is not pending, however old": {
			[]apiclient.Task{task("1", success, monday, monday), task("2", created, friday, 0)},
			coverage.Summary{
				Tasks: counts(1, 1, 0, 0), HasTask: true, NewestTask: created,
				NewestSuccess: monday.Time(), HasDuration: true,
			},
		},
		"a pending task without a CreateTime is counted and is never the oldest": {
			[]apiclient.Task{task("2", created, friday, 0), task("1", created, 0, 0)},
			coverage.Summary{Tasks: counts(2, 0, 0, 0), HasTask: true, NewestTask: created},
		},
		"the newest task is the one created last, not the one updated last": {
			[]apiclient.Task{task("1", success, monday, friday), task("2", failed, tuesday, tuesday)},
			coverage.Summary{
				Tasks: counts(0, 1, 1, 0), HasTask: true, NewestTask: failed,
				NewestSuccess: friday.Time(), NewestFailure: tuesday.Time(),
				NewestSuccessDuration: 96 * time.Hour, HasDuration: true,
			},
		},
		"of tasks of the same second the greater id is the newer": {
			[]apiclient.Task{task("12", failed, monday, 0), task("11", created, monday, 0)},
			coverage.Summary{Tasks: counts(1, 0, 1, 0), HasTask: true, NewestTask: failed, NewestFailure: monday.Time()},
		},
		"ids count as numbers: 10 is after 9": {
			[]apiclient.Task{task("9", failed, monday, 0), task("10", created, monday, 0)},
			coverage.Summary{Tasks: counts(1, 0, 1, 0), HasTask: true, NewestTask: created, NewestFailure: monday.Time()},
		},
		"a task without any time is still a task": {
			[]apiclient.Task{task("1", failed, 0, 0)},
			coverage.Summary{Tasks: counts(0, 0, 1, 0), HasTask: true, NewestTask: failed},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, coverage.Summarize(tc.tasks)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestSummarizeInAnyOrder(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		tasks := make([]apiclient.Task, chance.IntN(12))
		for i := range tasks {
			// Few moments and few lengths of ids, so that ties are common.
			id := string(rune('1'+chance.IntN(9))) + "0000"[:chance.IntN(4)]
			tasks[i] = task(id, apiclient.Statuses()[chance.IntN(4)],
				apiclient.Timestamp(chance.IntN(4)), apiclient.Timestamp(chance.IntN(4)))
		}
		// Two tasks with the same id and moment cannot be told apart. A proven listing
		// has no such pair.
		slices.SortFunc(tasks, func(a, b apiclient.Task) int { return strings.Compare(a.ID, b.ID) })
		tasks = slices.CompactFunc(tasks, func(a, b apiclient.Task) bool { return a.ID == b.ID })
		want := coverage.Summarize(tasks)
		total := 0
		for _, n := range want.Tasks {
			total += n
		}
		if total != len(tasks) || want.HasTask != (len(tasks) > 0) {
			t.Fatalf("%v make %+v", tasks, want)
		}
		for range 5 {
			chance.Shuffle(len(tasks), func(i, j int) { tasks[i], tasks[j] = tasks[j], tasks[i] })
			if diff := cmp.Diff(want, coverage.Summarize(tasks)); diff != "" {
				t.Fatalf("the order of %v matters: -one +other:\n%s", tasks, diff)
			}
		}
	}
}

func TestSummarizeAllocations(t *testing.T) {
	tasks := make([]apiclient.Task, 10_000)
	for i := range tasks {
		tasks[i] = task("1", apiclient.Success, monday, friday)
	}
	if n := testing.AllocsPerRun(5, func() { coverage.Summarize(tasks) }); n > 20 {
		t.Errorf("%v allocations for %d tasks", n, len(tasks))
	}
	if got := coverage.Summarize(tasks).NewestSuccess; !got.Equal(time.Unix(int64(friday), 0)) {
		t.Errorf("the newest success is of %s", got)
	}
}
