package simulator

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTaskFromCreatedToExpired(t *testing.T) {
	now := noon.Add(500 * time.Millisecond) // The API's times are whole seconds, ours are not.
	s, err := Scenario("healthy", Options{Now: func() time.Time { return now }, Quota: 1e6})
	if err != nil {
		t.Fatal(err)
	}
	now = noon
	pending := slices.DeleteFunc(walk(t, s, UsageAction, now), func(i dataItem) bool { return i.Status != StatusCreated })
	if len(pending) != 1 {
		t.Fatalf("%d pending tasks at start, want 1", len(pending))
	}
	first := pending[0]
	if first.CreateTime != "2026-11-22T11:59:30Z" || first.UpdateTime != "" || first.DownloadURL != "" {
		t.Errorf("pending: %+v", first)
	}
	find := func() (dataItem, bool) {
		for _, item := range walk(t, s, UsageAction, now) {
			if item.TaskID == first.TaskID {
				return item, true
			}
		}
		return dataItem{}, false
	}

	var finished time.Time
	for now = noon; finished.IsZero() && now.Before(noon.Add(5*time.Minute)); now = now.Add(time.Second) {
		item, listed := find()
		switch {
		case !listed:
			t.Fatalf("not listed at %s", now)
		case item.Status == StatusSuccess:
			finished = now
			if item.UpdateTime != formatTime(now) || !strings.Contains(item.DownloadURL, DownloadSecret) || item.CreateTime != first.CreateTime || *item.TaskConfig != *first.TaskConfig {
				t.Errorf("finished: %+v, pending: %+v", item, first)
			}
		case item != first && *item.TaskConfig != *first.TaskConfig:
			t.Errorf("pending at %s: %+v", now, item)
		}
	}
	if took := finished.Sub(noon); took < 60*time.Second || took > 90*time.Second {
		t.Errorf("finished %s after start", took)
	}

	gone := time.Date(2027, time.February, 22, 11, 59, 30, 0, time.UTC)
	now = gone.Add(-time.Second)
	if item, listed := find(); !listed || item.Status != StatusSuccess {
		t.Errorf("in the last second of the three months: listed %t, %+v", listed, item)
	}
	now = gone
	if _, listed := find(); listed {
		t.Error("still listed after three months")
	}
}

// What is listed at a moment does not depend on what was asked before, nor on the
// order of the questions: an account that has been asked a thousand times agrees
// with one that never was.
func TestListIsAFunctionOfTheMoment(t *testing.T) {
	for name, habits := range map[string]func(story) []habit{
		"healthy": demo, "moving": story.moving, "failed": story.failed, "forgotten": story.forgotten, "busy": story.busy, "stuck": stuck,
	} {
		t.Run(name, func(t *testing.T) {
			moments := 250
			if name == "moving" {
				moments = 100 // Its events are two seconds apart: few moments see many.
			}
			start := story{start: noon, seed: 9}
			asked := &life{habits: habits(start), seed: 9}
			random := rand.New(rand.NewPCG(3, 4))
			now := noon
			for range moments {
				switch random.IntN(10) {
				case 0:
					now = noon.Add(time.Duration(random.Int64N(int64(100 * 24 * time.Hour))))
				case 1:
					now = now.Add(-time.Duration(random.Int64N(int64(3 * time.Hour))))
				default:
					now = now.Add(time.Duration(random.Int64N(int64(5 * time.Second))))
				}
				if now.Before(noon) {
					now = noon
				}
				fresh := &life{habits: habits(start), seed: 9}
				if got, want := asked.Tasks(UsageAction, now), fresh.Tasks(UsageAction, now); !slices.Equal(got, want) {
					t.Fatalf("at %s: %d tasks %v, want %d %v", now, len(got), ids(got), len(want), ids(want))
				}
			}
		})
	}
}

// The list changes exactly when something happens: a view that is kept too long or
// too short would show a task late, or do the work for nothing.
func TestViewEndsWithTheNextEvent(t *testing.T) {
	j := job{
		action: UsageAction, created: noon, finished: noon.Add(110 * time.Second), deleted: noon.Add(200 * time.Second),
	}
	asked := 0
	l := &life{habits: []habit{func(_, _ time.Time) []job {
		asked++
		return []job{j}
	}}}
	for _, tc := range []struct {
		after  time.Duration
		status string
		asked  int
	}{
		{-time.Second, "", 1},
		{-time.Nanosecond, "", 1},
		{0, StatusCreated, 2},
		{110*time.Second - 1, StatusCreated, 2},
		{110 * time.Second, StatusSuccess, 3},
		{200*time.Second - 1, StatusSuccess, 3},
		{200 * time.Second, "", 4},
		{201 * time.Second, "", 4},
		{-time.Second, "", 5},
	} {
		status := ""
		if tasks := l.Tasks(UsageAction, noon.Add(tc.after)); len(tasks) == 1 {
			status = tasks[0].Status
		}
		if status != tc.status || asked != tc.asked {
			t.Errorf("after %s: status %q, asked %d times; want %q, %d", tc.after, status, asked, tc.status, tc.asked)
		}
	}
}

func TestExpiryIsThreeCalendarMonthsInUTCPlus8(t *testing.T) {
	at := func(month time.Month, day int) time.Time { return time.Date(2026, month, day, 0, 0, 1, 0, zone) }
	for _, tc := range []struct{ created, gone time.Time }{
		{at(time.August, 22), at(time.November, 22)},
		{at(time.December, 1), time.Date(2027, time.March, 1, 0, 0, 1, 0, zone)}, // 30 November in UTC
		{at(time.November, 30), time.Date(2027, time.March, 2, 0, 0, 1, 0, zone)},
	} {
		j := job{created: tc.created.UTC()}
		if !j.isListed(tc.gone.Add(-time.Second)) || j.isListed(tc.gone) || j.isListed(tc.created.Add(-time.Second)) || !j.isListed(tc.created) {
			t.Errorf("created %s: not listed until %s exactly", tc.created, tc.gone)
		}
		if earliest(tc.gone.Add(-time.Second)).After(tc.created) {
			t.Errorf("created %s: before all that may be listed a second before it goes", tc.created)
		}
	}
}

// No job that a routine or a crowd has may be missed because of where a view
// happens to begin.
func TestHabitsReturnAllThatIsListed(t *testing.T) {
	s := story{start: noon, seed: 5}
	for now := noon; now.Before(noon.AddDate(0, 5, 0)); now = now.Add(53*time.Hour + 13*time.Minute) {
		for i, h := range append(s.moving(), s.healthy()...) {
			wide := 90 * time.Hour
			if i < 3 {
				wide = time.Minute // A crowd makes too many jobs to look far.
			}
			narrow := make(map[string]bool)
			for _, j := range h(now, now) {
				narrow[j.action+j.id()] = true
			}
			for _, j := range h(now.Add(-wide), now.Add(wide)) {
				if j.isListed(now) && !narrow[j.action+j.id()] {
					t.Fatalf("habit %d does not tell of the job created at %s, listed at %s", i, j.created, now)
				}
			}
		}
	}
}
