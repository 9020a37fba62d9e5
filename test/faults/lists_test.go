package faults_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"alicdn_export_exporter/internal/simulator"
)

// listFaults are lists that change while they are read, or that are not what they say.
func listFaults() []fault {
	const total = `"TotalCount":90`
	replacedTotal := func(n int) answer { return replaced(total, fmt.Sprintf(`"TotalCount":%d`, n)) }
	unlisted := func(want float64) func(*cell, page) {
		return func(c *cell, last page) {
			if got := last.values[of("unlisted_tasks")]; got != want {
				c.Errorf("I2: unlisted_tasks is %v, want %v", got, want)
			}
		}
	}
	return []fault{
		{kind: 16, name: "total_count_of_2_31_minus_1", want: refused, answer: replacedTotal(1<<31 - 1)},
		{
			kind: 16, name: "total_count_negative", want: refused, code: "decode", class: "malformed",
			answer: replacedTotal(-1),
		},
		everyPageTheSame(),
		movingList("insertion", func(tasks []simulator.Task, n int) []simulator.Task {
			return append([]simulator.Task{newTask(-n)}, tasks...)
		}),
		movingList("deletion", func(tasks []simulator.Task, _ int) []simulator.Task {
			return slices.Delete(slices.Clone(tasks), 3, 4)
		}),
		movingList("expiry", func(tasks []simulator.Task, _ int) []simulator.Task { return tasks[:len(tasks)-1] }),
		movingList("insertion_and_expiry", func(tasks []simulator.Task, n int) []simulator.Task {
			return append([]simulator.Task{newTask(-n)}, tasks[:len(tasks)-1]...)
		}),
		movingList("insertion_and_deletion", func(tasks []simulator.Task, n int) []simulator.Task {
			return append([]simulator.Task{newTask(-n)}, slices.Delete(slices.Clone(tasks), 60, 61)...)
		}),
		movingList("reordering", func(tasks []simulator.Task, _ int) []simulator.Task {
			shuffled := slices.Clone(tasks)
			rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			return shuffled
		}),
		movingList("status_change", func(tasks []simulator.Task, _ int) []simulator.Task {
			changed := slices.Clone(tasks)
			i := slices.IndexFunc(changed,
				func(task simulator.Task) bool { return task.Status == simulator.StatusCreated })
			if i >= 0 {
				changed[i].Status, changed[i].Updated = simulator.StatusFailed, changed[i].Created.Add(1e9)
			}
			return changed
		}),
		{
			kind: 34, name: "total_count_too_small", want: tolerated, ever: true, answer: replacedTotal(70),
			during: unlisted(0),
		},
		{
			kind: 34, name: "total_count_of_less_than_a_page", want: tolerated, ever: true, answer: replacedTotal(3),
			during: unlisted(0),
		},
		{
			kind: 34, name: "total_count_0_with_tasks", want: tolerated, ever: true, answer: replacedTotal(0),
			during: unlisted(0),
		},
		{kind: 34, name: "total_count_too_large", want: tolerated, answer: replacedTotal(97), during: unlisted(7)},
		{
			kind: 34, name: "page_size_echoed_20", want: refused, answer: replaced(`"PageSize":50`, `"PageSize":20`),
			during: func(c *cell, _ page) { c.program.Stderr.Await(c, "PageSize is 20") },
		},
		{kind: 34, name: "another_page_number_echoed", want: refused, answer: replaced(`"PageNumber":2`,
			`"PageNumber":3`)},
		{
			kind: 34, name: "page_beyond_the_end_without_data", want: either,
			// TotalCount is of a list that has shrunk meanwhile.
			answer: edited(func(page int, body string) string {
				if page == 1 {
					return strings.Replace(body, total, `"TotalCount":100`, 1)
				}
				return `{"UsageDataPerPage":{"PageNumber":2,"PageSize":50,"TotalCount":100,"Data":null}}`
			}),
		},
		replicas("page_1_from_a_replica_ahead", func(page, _ int) bool { return page == 1 }),
		replicas("last_page_from_a_replica_behind", func(page, _ int) bool { return page != 2 }),
		replicas("replicas_take_turns", func(_, call int) bool { return call%2 == 0 }),
		emptied("last_page_empty_for_a_moment", nil, func(page int, body string) string {
			if page != 2 {
				return body
			}
			head, _, _ := strings.Cut(body, `"DataItem":[`)
			return head + `"DataItem":[]}}}`
		}),
		emptied("list_empty_for_a_moment", whereNoSnapshotIs(unprovable), func(page int, _ string) string {
			return fmt.Sprintf(`{"UsageDataPerPage":{"PageNumber":%d,"PageSize":50,"TotalCount":0,"Data":{"DataItem":[]}}}`, page)
		}),
	}
}

// everyPageTheSame is a list of 100,000 tasks whose pages are all the first one.
func everyPageTheSame() fault {
	return fault{kind: 17, name: "every_page_the_same", want: refused, begin: func(c *cell) func() {
		list := simulator.NewFixedAccount(slices.Repeat(newTasks(50), 2000)...)
		return c.breaks(c.world.serving(list).ServeHTTP)
	}}
}

// breaks answers the API's calls with a handler. It returns what ends that.
func (c *cell) breaks(handler http.HandlerFunc) (end func()) {
	c.world.setFault(func(_ *world, rw http.ResponseWriter, r *http.Request) { handler(rw, r) })
	return func() { c.world.setFault(nil) }
}

// movingList changes the list after most of the first pages, up to 25 times.
func movingList(name string, change func(tasks []simulator.Task, n int) []simulator.Task) fault {
	return fault{kind: 18, name: name, want: either, begin: func(c *cell) func() {
		var mu sync.Mutex
		calls, changes := 0, 0
		return c.breaks(func(rw http.ResponseWriter, r *http.Request) {
			c.world.api.ServeHTTP(rw, r)
			mu.Lock()
			defer mu.Unlock()
			if calls++; pageNumber(r) == 1 && calls%8 != 0 && changes < 25 {
				changes++
				tasks := change(c.world.account.Tasks(simulator.UsageAction, c.world.now()), changes)
				c.world.setTasks(tasks[:min(len(tasks), 100)])
			}
		})
	}}
}

// moment is how long copies of the list differ. Two walks that are at least five seconds apart cannot both meet it.
const moment = 3 * time.Second

// unprovable is why a momentary fault does not apply where there is no snapshot.
const unprovable = "without a snapshot, one walk cannot show that a task is missing; the next refresh finds it"

// whereNoSnapshotIs returns the scenarios without a snapshot, with a reason.
func whereNoSnapshotIs(reason string) map[scenario]string {
	return map[scenario]string{cold: reason, reload: reason}
}

// replicas serves some calls from a copy of the list that is behind: it lacks the newest task and still has another one,
// so that both have the same number of tasks.
func replicas(name string, isAhead func(page, call int) bool) fault {
	f := fault{kind: 35, name: name, want: either, not: whereNoSnapshotIs(unprovable)}
	f.begin = func(c *cell) func() {
		behind := newTasks(taskCount)
		ahead := append([]simulator.Task{newTask(-1)}, behind[:taskCount-1]...)
		c.world.account.SetTasks(simulator.UsageAction, ahead...)
		c.world.model.set(behind[:taskCount-1], newTask(-1), behind[taskCount-1])
		copied := c.world.serving(simulator.NewFixedAccount(behind...))
		return c.momentarily(func(call int, rw http.ResponseWriter, r *http.Request) {
			if isAhead(pageNumber(r), call) {
				c.world.api.ServeHTTP(rw, r)
			} else {
				copied.ServeHTTP(rw, r)
			}
		}, func() { c.world.model.set(ahead) })
	}
	return f
}

// emptied edits pages for a moment.
func emptied(name string, not map[scenario]string, edit func(page int, body string) string) fault {
	f := fault{kind: 35, name: name, want: either, not: not}
	f.begin = func(c *cell) func() {
		edits := edited(edit)
		return c.momentarily(func(_ int, rw http.ResponseWriter, r *http.Request) { edits(c.world, rw, r) }, func() {})
	}
	return f
}

// momentarily answers calls with a handler for a moment, which begins with the first call. over is called at its end.
func (c *cell) momentarily(handler func(call int, rw http.ResponseWriter, r *http.Request), over func()) (end func()) {
	var (
		mu    sync.Mutex
		began time.Time
		calls int
		once  sync.Once
	)
	mend := c.breaks(func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		if calls++; calls == 1 {
			began = time.Now()
		}
		call, isOver := calls, time.Since(began) > moment
		mu.Unlock()
		if isOver {
			once.Do(over)
			c.world.api.ServeHTTP(rw, r)
			return
		}
		handler(call, rw, r)
	})
	return func() { mend(); once.Do(over) }
}
