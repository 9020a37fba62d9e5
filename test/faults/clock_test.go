package faults_test

import (
	"io"
	"math"
	"net/http"
	"sync/atomic"
	"time"

	"alicdn_export_exporter/internal/simulator"
)

// clockFaults are clocks that differ.
func clockFaults() []fault {
	off := func(name string, ahead time.Duration) fault {
		return fault{
			kind: 25, name: name, want: refused, code: "InvalidTimeStamp.Expired", class: "clock",
			begin: func(c *cell) func() {
				c.world.setClock(ahead)
				return func() { c.world.setClock(0) }
			},
			during: func(c *cell, last page) {
				skew := last.values[`api_clock_skew_seconds{account="main"}`]
				if math.Abs(skew+ahead.Seconds()) > 5 {
					c.Errorf("the clock skew is %v, want %v", skew, -ahead.Seconds())
				}
			},
		}
	}
	return []fault{
		off("clock_one_hour_behind", time.Hour), off("clock_one_hour_ahead", -time.Hour),
		jumpingClock(), futureTasks(),
	}
}

// jumpingClock lets the date of each response differ by up to a century.
func jumpingClock() fault {
	var calls atomic.Int64
	jumps := []time.Duration{0, time.Hour, -time.Hour, 100 * 365 * 24 * time.Hour, -50 * 365 * 24 * time.Hour}
	jumping := func(w *world, rw http.ResponseWriter, r *http.Request) {
		resp := w.sound(r)
		rw.Header().Set("Date", time.Now().Add(jumps[calls.Add(1)%int64(len(jumps))]).UTC().Format(http.TimeFormat))
		rw.WriteHeader(resp.Code)
		_, _ = io.Copy(rw, resp.Body)
	}
	return fault{kind: 25, name: "clock_jumps", want: tolerated, answer: jumping}
}

// futureTasks are tasks of an API whose clock is some minutes ahead: no age may be negative.
func futureTasks() fault {
	return fault{kind: 25, name: "tasks_of_the_future", want: tolerated, begin: func(c *cell) func() {
		tasks := newTasks(taskCount)
		for i := range tasks[:3] {
			tasks[i].Created, tasks[i].Updated = time.Now().Add(5*time.Minute), time.Now().Add(7*time.Minute)
		}
		c.world.setTasks(tasks)
		return func() { c.world.setTasks(newTasks(taskCount)) }
	}}
}

// timeFaults are odd times of tasks.
func timeFaults() []fault {
	odd := func(name string, malformed float64, change func(created time.Time) (text string)) fault {
		return fault{
			kind: 36, name: name, want: tolerated,
			begin: func(c *cell) func() {
				tasks := c.world.account.Tasks(simulator.UsageAction, c.world.now())
				created := tasks[0].Created.UTC()
				return c.breaks(func(rw http.ResponseWriter, r *http.Request) {
					replaced(`"CreateTime":"`+created.Format(time.RFC3339)+`"`,
						`"CreateTime":`+change(created))(c.world, rw, r)
				})
			},
			during: func(c *cell, last page) {
				if got := last.values[of("malformed_tasks")]; got != malformed {
					c.Errorf("malformed_tasks is %v, want %v", got, malformed)
				}
			},
		}
	}
	constant := func(text string) func(time.Time) string { return func(time.Time) string { return text } }
	return []fault{
		odd("time_to_the_minute", 0, func(created time.Time) string { return created.Format(`"2006-01-02T15:04Z"`) }),
		odd("time_with_an_offset", 0, func(created time.Time) string {
			return created.In(time.FixedZone("", 8*3600)).Format(`"2006-01-02T15:04:05-07:00"`)
		}),
		odd("time_of_year_1", 1, constant(`"0001-01-01T00:00:00Z"`)),
		odd("time_of_1970", 1, constant(`"1970-01-01T00:00:00Z"`)),
		odd("time_of_9999", 1, constant(`"9999-12-31T23:59:59Z"`)),
		odd("time_unreadable", 1, constant(`"yesterday\n\"alicdn_export_up 1"`)),
		odd("time_missing", 1, constant(`null`)),
	}
}
