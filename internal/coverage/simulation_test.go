package coverage_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/coverage"
)

const (
	usageDelay = 4 * time.Hour
	oneDay     = 24 * time.Hour
	// judgedFor and maxListed repeat the constants of the rules. A test that shared them would
	// not notice a wrong one.
	judgedFor = 88 * oneDay
	maxListed = 93 * oneDay
)

// TestSimulation simulates two years of an account's exports. Every hour (see step) it compares
// the reported state with the truth. The simulation knows which usage is in a file, even after
// the file's task has left the list.
//
// An alarm is false if all usage that it is about is in files. It is missed if usage is in no
// file of any listed or expired task, and is so young that no task about it can have expired.
func TestSimulation(t *testing.T) {
	zones := []string{"Asia/Shanghai", "Europe/Berlin", "America/Sao_Paulo"}
	for i, rhythm := range []string{"day", "week", "half-month", "month"} {
		for j, habit := range []string{"punctual", "late", "forgetful"} {
			zoneName := zones[(i+j)%len(zones)]
			for _, export := range apiclient.Exports() {
				t.Run(fmt.Sprintf("%s %s %s %s", habit, rhythm, export, zoneName), func(t *testing.T) {
					t.Parallel()
					// Until 2019 clocks changed at midnight in São Paulo.
					begin := time.Date(2017, time.January, 1, 0, 0, 0, 0, zone(t, zoneName))
					w := newWorld(begin, begin.AddDate(2, 0, 0), rhythm, habit, (i+j)%2 == 0)
					if habit == "late" {
						w.rules.Since = begin.AddDate(0, 4, 10)
					}
					s := &simulation{world: w, export: export, count: make(map[string]int)}
					s.run(t)
					t.Logf("%d checks, %d tasks: checks with an alarm: %v", s.checks, len(w.tasks), s.count)
					s.checkCounts(t, rhythm, habit)
				})
			}
		}
	}
}

// checkCounts checks that the simulation had alarms to find, and that a punctual account has
// none.
func (s *simulation) checkCounts(t *testing.T, rhythm, habit string) {
	t.Helper()
	kinds := []string{"overdue month", "month missing"}
	if rhythm == "day" {
		kinds = append(kinds, "overdue day")
	}
	for _, kind := range kinds {
		if habit == "punctual" && s.count[kind] > 0 {
			t.Errorf("%d checks with the alarm %q, although all was exported in time", s.count[kind], kind)
		}
	}
	for _, kind := range []string{"overdue month", "overdue week", "overdue day", "failed", "stuck"} {
		if habit == "forgetful" && s.count[kind] == 0 {
			t.Errorf("no check had the alarm %q", kind)
		}
	}
}

// simulated is a task with everything that ever happens to it.
type simulated struct {
	apiclient.Task                 // with the status that it ends with
	finished       time.Time       // never if Status is Created
	expires        time.Time       // when it leaves the list
	covers, old    coverage.Period // its usage, and the part of it that is old at its creation
}

// world is an account and its tasks, in the order of their creation.
type world struct {
	begin, end time.Time
	rules      coverage.Rules
	tasks      []*simulated
	clamped    bool // three months after November 30 is February 28, otherwise March 2
	random     *rand.Rand
	created    map[time.Time]bool
}

func newWorld(begin, end time.Time, rhythm, habit string, clamped bool) *world {
	w := &world{
		begin: begin, end: end, rules: coverage.Rules{UsageDelay: usageDelay}, clamped: clamped,
		random: rand.New(rand.NewPCG(uint64(len(rhythm)), uint64(len(habit)))), created: make(map[time.Time]bool),
	}
	for start := begin.AddDate(0, -4, 0); start.Before(end); {
		next := after(start, rhythm)
		w.makeExports(start, next, habit)
		start = next
	}
	for month := begin; month.Before(end); month = month.AddDate(0, 1, 0) {
		w.makeExtras(month, habit)
	}
	slices.SortFunc(w.tasks, func(a, b *simulated) int { return int(a.Created - b.Created) })
	for i, task := range w.tasks {
		task.ID = fmt.Sprint(1000 + i)
		task.expires = w.listedUntil(task)
	}
	return w
}

// after returns the end of the period that begins at start.
func after(start time.Time, rhythm string) time.Time {
	year, month, day := start.Date()
	switch {
	case rhythm == "day":
		day++
	case rhythm == "week":
		day += 7 - (int(start.Weekday())+6)%7
	case rhythm == "half-month" && day == 1:
		day = 16
	default:
		month, day = month+1, 1
	}
	// Where clocks change at midnight, the day begins at one o'clock.
	noon := time.Date(year, month, day, 12, 0, 0, 0, start.Location())
	for t := noon.Add(-14 * time.Hour); ; t = t.Add(time.Hour) {
		if t.Day() == noon.Day() {
			return t
		}
	}
}

func (w *world) chance(percent int) bool { return w.random.IntN(100) < percent }

func (w *world) hours(least, most int) time.Duration {
	return time.Duration(least+w.random.IntN(most-least+1)) * time.Hour
}

// makeExports makes the export of a period according to the habit.
func (w *world) makeExports(start, end time.Time, habit string) {
	const name = "usage"
	success, failed, pending := apiclient.Success, apiclient.Failed, apiclient.Created
	made := end.Add(w.hours(4, 20)) // The usage is complete.
	again := made.Add(w.hours(1, 40))
	switch {
	case habit == "punctual":
		if w.chance(10) {
			w.add(name, failed, start, end, made)
			made = made.Add(time.Hour)
		}
		w.add(name, success, start, end, made)
	case habit == "late":
		if w.chance(10) {
			w.add(name, failed, start, end, made)
		}
		w.add(name, success, start, end, end.Add(w.hours(24, 24*9)))
	case w.chance(15): // Forgotten, or made much later.
		if w.chance(40) {
			w.add(name, success, start, end, end.AddDate(0, 0, 20+w.random.IntN(60)))
		}
	case w.chance(10): // Made too early.
		w.add(name, success, start, end, end.Add(w.hours(0, 3)))
		if w.chance(50) {
			w.add(name, success, start, end, end.AddDate(0, 0, 1+w.random.IntN(30)))
		}
	case w.chance(20):
		w.add(name, failed, start, end, made)
		if w.chance(50) {
			w.add(name, success, start, end, again)
		}
	case w.chance(12):
		w.add(name, pending, start, end, made)
		if w.chance(50) {
			w.add(name, success, start, end, again)
		}
	default:
		w.add(name, success, start, end, made)
	}
}

// makeExtras makes exports that no expectation needs: one of a month that other files cover,
// some of usage long ago, and some without a period.
func (w *world) makeExtras(month time.Time, habit string) {
	start := month.AddDate(0, -1, 0)
	w.add("usage", apiclient.Failed, start, month, month.AddDate(0, 0, 5).Add(w.hours(0, 20)))
	// The second task is created later, but may leave the list before the first one, if its
	// month is shorter.
	longAgo := month.AddDate(0, -8, 0)
	w.add("eve", apiclient.Failed, longAgo, longAgo.AddDate(0, 1, 0), month.Add(-2*time.Hour))
	w.add("eve", apiclient.Success, longAgo, longAgo.AddDate(0, 1, 0), month.Add(2*time.Hour))
	if habit == "punctual" {
		return
	}
	for range 2 {
		past := month.AddDate(0, -3-w.random.IntN(7), 0)
		made := month.AddDate(0, 0, w.random.IntN(28)).Add(w.hours(0, 20))
		status := []apiclient.Status{apiclient.Success, apiclient.Failed, apiclient.Created}[w.random.IntN(3)]
		w.add("audit", status, past, past.AddDate(0, 1, 0), made)
		if w.chance(50) {
			w.add("audit", apiclient.Success, past, past.AddDate(0, 1, 0), made.Add(w.hours(1, 500)))
		}
		if w.chance(30) {
			w.add("audit", apiclient.Failed, time.Time{}, time.Time{}, made.Add(w.hours(1, 500)))
		}
	}
}

// add adds a task. It is created at made, or one or more hours later if other tasks were created
// then.
func (w *world) add(name string, status apiclient.Status, start, end, made time.Time) {
	for w.created[made.UTC()] {
		made = made.Add(time.Hour)
	}
	w.created[made.UTC()] = true
	s := &simulated{Task: apiclient.Task{Name: name, Status: status, Created: unix(made)}}
	if status != apiclient.Created {
		s.finished = made.Add(10 * time.Minute)
		s.Updated = unix(s.finished)
	}
	if !start.IsZero() {
		s.Start, s.End = unix(start), unix(end)-1
		s.covers = coverage.Period{Start: unix(start), End: min(unix(end), unix(made.Add(-usageDelay)))}
		s.old = coverage.Period{Start: s.covers.Start, End: min(s.covers.End, unix(made.Add(-maxListed)))}
	}
	w.tasks = append(w.tasks, s)
}

func unix(t time.Time) apiclient.Timestamp { return apiclient.Timestamp(t.Unix()) }

// listedUntil returns when a task leaves the list: three calendar months after it was
// created.
func (w *world) listedUntil(task *simulated) time.Time {
	created := task.Created.Time().In(w.begin.Location())
	until := created.AddDate(0, 3, 0)
	if w.clamped && until.Day() != created.Day() {
		until = until.AddDate(0, 0, -until.Day())
	}
	return until
}

// truth holds what is known of each hour of usage, from a year before the world begins.
type truth struct {
	first apiclient.Timestamp
	// in tells whether the hour is in a file. latest is when the latest of its files was
	// ordered.
	in     []byte
	latest []apiclient.Timestamp
}

func newTruth(w *world) *truth {
	first := w.begin.AddDate(-1, -6, 0)
	n := int(w.end.Sub(first)/time.Hour) + 1
	return &truth{unix(first), make([]byte, n), make([]apiclient.Timestamp, n)}
}

func (tr *truth) add(task *simulated) {
	for i := tr.index(task.covers.Start); i < tr.index(task.covers.End); i++ {
		tr.in[i] = 1
		tr.latest[i] = max(tr.latest[i], task.Created)
	}
}

// index returns the index of the first hour that begins at t or later.
func (tr *truth) index(t apiclient.Timestamp) int { return max(0, int((t-tr.first+3599)/3600)) }

// complete reports whether all of the time from start to end is in files.
func (tr *truth) complete(start, end apiclient.Timestamp) bool {
	from, until := tr.index(start), tr.index(end)
	return from >= until || bytes.IndexByte(tr.in[from:until], 0) < 0
}

// completeSince reports whether all of the time from start to end is in files that were ordered
// after a given time.
func (tr *truth) completeSince(start, end, ordered apiclient.Timestamp) bool {
	for i := tr.index(start); i < tr.index(end); i++ {
		if tr.latest[i] <= ordered {
			return false
		}
	}
	return true
}
