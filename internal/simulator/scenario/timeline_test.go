package scenario

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"alicdn_export_exporter/internal/simulator"
	"alicdn_export_exporter/internal/simulator/simulatortest"
)

func TestTimeline(t *testing.T) {
	t.Run("a task from its creation to its expiry", testTaskLifetime)

	t.Run("the list depends on the time only, not on earlier calls", func(t *testing.T) {
		for name, account := range map[string]func(generator) []schedule{
			"healthy":   generator.healthyAccount,
			"throttled": generator.throttledAccount,
			"failed":    generator.failedAccount,
			"stuck":     generator.stuckAccount,
			"forgotten": generator.forgottenMonthAccount,
			"too early": generator.tooEarlyAccount,
			"moving":    generator.movingAccount,
		} {
			t.Run(name, func(t *testing.T) {
				moments := 250
				if name == "moving" {
					moments = 100 // Its events are two seconds apart: few moments see many.
				}
				schedules := account(generator{start: noon, seed: 9})
				used := &timeline{schedules: schedules, seed: 9}
				for _, now := range randomMoments(moments) {
					unused := &timeline{schedules: schedules, seed: 9}
					got, want := used.Tasks(simulator.UsageAction, now), unused.Tasks(simulator.UsageAction, now)
					if !slices.Equal(got, want) {
						t.Fatalf("at %s: %d tasks %v, want %d %v", now, len(got), ids(got), len(want), ids(want))
					}
				}
			})
		}
	})

	// A list that is kept too long shows a task late; one that is not kept long
	// enough is computed for nothing.
	t.Run("the list is computed again only after an event", func(t *testing.T) {
		j := job{
			action:  simulator.UsageAction,
			created: noon, finished: noon.Add(110 * time.Second), deleted: noon.Add(200 * time.Second),
		}
		computed := 0
		account := &timeline{schedules: []schedule{func(_, _ time.Time) []job {
			computed++
			return []job{j}
		}}}
		for _, tc := range []struct {
			after    time.Duration // since noon
			status   string        // empty: not listed
			computed int
		}{
			{-time.Second, "", 1},
			{-time.Nanosecond, "", 1},
			{0, simulator.StatusCreated, 2},
			{110*time.Second - 1, simulator.StatusCreated, 2},
			{110 * time.Second, simulator.StatusSuccess, 3},
			{200*time.Second - 1, simulator.StatusSuccess, 3},
			{200 * time.Second, "", 4},
			{201 * time.Second, "", 4},
			{-time.Second, "", 5},
		} {
			status := ""
			if tasks := account.Tasks(simulator.UsageAction, noon.Add(tc.after)); len(tasks) == 1 {
				status = tasks[0].Status
			}
			if status != tc.status || computed != tc.computed {
				t.Errorf("after %s: status %q, computed %d times; want %q, %d",
					tc.after, status, computed, tc.status, tc.computed)
			}
		}
	})
}

func testTaskLifetime(t *testing.T) {
	// The times of the API are whole seconds, but a scenario may start between them.
	s := startServerWith(t, "healthy", noon.Add(500*time.Millisecond), simulator.Options{Quota: 1e6})
	s.now = noon
	pending := slices.DeleteFunc(s.list(simulator.UsageAction), func(task simulatortest.Task) bool {
		return task.Status != simulator.StatusCreated
	})
	if len(pending) != 1 {
		t.Fatalf("%d pending tasks at start, want 1", len(pending))
	}
	first := pending[0]
	if first.CreateTime != "2026-11-22T11:59:30Z" || first.UpdateTime != "" || first.DownloadURL != "" {
		t.Errorf("pending: %+v", first)
	}
	find := func() (simulatortest.Task, bool) {
		for _, task := range s.list(simulator.UsageAction) {
			if task.TaskID == first.TaskID {
				return task, true
			}
		}
		return simulatortest.Task{}, false
	}

	var finished time.Time
	for s.now = noon; finished.IsZero() && s.now.Before(noon.Add(5*time.Minute)); s.now = s.now.Add(time.Second) {
		task, listed := find()
		switch {
		case !listed:
			t.Fatalf("not listed at %s", s.now)
		case task.Status == simulator.StatusSuccess:
			finished = s.now
			if !task.Updated(t).Equal(s.now) || !strings.Contains(task.DownloadURL, DownloadSecret) ||
				task.CreateTime != first.CreateTime || *task.TaskConfig != *first.TaskConfig {
				t.Errorf("finished: %+v, pending: %+v", task, first)
			}
		case task != first && *task.TaskConfig != *first.TaskConfig:
			t.Errorf("pending at %s: %+v", s.now, task)
		}
	}
	if took := finished.Sub(noon); took < 60*time.Second || took > 90*time.Second {
		t.Errorf("finished %s after start", took)
	}

	expires := time.Date(2027, time.February, 22, 11, 59, 30, 0, time.UTC)
	s.now = expires.Add(-time.Second)
	if task, listed := find(); !listed || task.Status != simulator.StatusSuccess {
		t.Errorf("in the last second of the three months: listed %t, %+v", listed, task)
	}
	s.now = expires
	if _, listed := find(); listed {
		t.Error("still listed after three months")
	}
}

// randomMoments returns n moments that jump forward and back, most of them by a few
// seconds. None is before noon.
func randomMoments(n int) []time.Time {
	random := rand.New(rand.NewPCG(3, 4))
	within := func(d time.Duration) time.Duration { return time.Duration(random.Int64N(int64(d))) }
	var moments []time.Time
	now := noon
	for range n {
		switch random.IntN(10) {
		case 0:
			now = noon.Add(within(100 * 24 * time.Hour))
		case 1:
			now = now.Add(-within(3 * time.Hour))
		default:
			now = now.Add(within(5 * time.Second))
		}
		if now.Before(noon) {
			now = noon
		}
		moments = append(moments, now)
	}
	return moments
}

// BenchmarkTimeline measures how long the list takes after an event.
func BenchmarkTimeline(b *testing.B) {
	for name, account := range map[string]func(generator) []schedule{
		"healthy": generator.healthyAccount,
		"moving":  generator.movingAccount,
		"huge":    generator.hugeAccount,
	} {
		b.Run(name, func(b *testing.B) {
			account := &timeline{schedules: account(generator{start: noon, seed: 1})}
			for b.Loop() {
				account.computeList(simulator.UsageAction, noon.Add(time.Minute))
			}
		})
	}
}
