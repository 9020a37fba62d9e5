package scenario

import (
	"slices"
	"testing"
	"time"

	"alicdn_export_exporter/internal/simulator"
	"alicdn_export_exporter/internal/simulator/simulatortest"
)

func TestHealthy(t *testing.T) {
	t.Run("at its start", func(t *testing.T) {
		for _, start := range startTimes() {
			checkHealthy(t, start)
		}
	})

	t.Run("remains healthy for more than a year", func(t *testing.T) {
		s := startServer(t, "healthy", noon)
		for _, s.now = range startTimes() {
			if s.now.Before(noon.Add(2 * time.Minute)) {
				continue
			}
			tasks := s.checkedList(simulator.UsageAction)
			covered := monthIsCovered(t, tasks, startOfMonth(s.now).AddDate(0, -1, 0))
			if !covered || unrecovered(t, tasks) != 0 {
				t.Errorf("%s: last month covered %t, %d unrecovered", s.now, covered, unrecovered(t, tasks))
			}
		}
	})
}

func checkHealthy(t *testing.T, start time.Time) {
	t.Helper()
	s := startServer(t, "healthy", start)
	tasks := s.checkedList(simulator.UsageAction)
	thisMonth := startOfMonth(start)
	if !monthIsCovered(t, tasks, thisMonth.AddDate(0, -1, 0)) || !monthIsCovered(t, tasks, thisMonth.AddDate(0, -2, 0)) {
		t.Errorf("%s: the last two months are not covered", start)
	}
	if pending := count(tasks, hasStatus(simulator.StatusCreated)); pending > 2 || pending < 1 {
		t.Errorf("%s: %d pending tasks", start, pending)
	}
	if n := count(tasks, hasStatus(simulator.StatusFailed)); n != 1 || unrecovered(t, tasks) != 0 {
		t.Errorf("%s: %d failed tasks, %d unrecovered", start, n, unrecovered(t, tasks))
	}
	checkRepeated(t, start, tasks)
	checkCampaigns(t, start, tasks)
	if early := count(tasks, createdInItsPeriod(t)); early != 1 {
		t.Errorf("%s: %d exports were made too early", start, early)
	}
	// Three months have about 13 weeks. One more or less of each may be listed at
	// the ends of the three months.
	weekly, monthly := count(tasks, hasPrefix("weekly-")), count(tasks, hasPrefix("usage-"))
	if weekly < 13 || weekly > 16 || monthly < 3 || monthly > 5 {
		t.Errorf("%s: %d weekly and %d monthly exports", start, weekly, monthly)
	}
	details := s.checkedList(simulator.DetailAction)
	succeeded := count(details, hasStatus(simulator.StatusSuccess))
	if len(details) == 0 || len(details) >= len(tasks) || succeeded != len(details) {
		t.Errorf("%s: %d usage detail exports, %d successful", start, len(details), succeeded)
	}
}

// checkRepeated checks that the failed export was repeated successfully a day later,
// with the same name and period.
func checkRepeated(t *testing.T, start time.Time, tasks []simulatortest.Task) {
	t.Helper()
	failed := tasks[slices.IndexFunc(tasks, hasStatus(simulator.StatusFailed))]
	repeated := count(tasks, func(task simulatortest.Task) bool {
		return task.Status == simulator.StatusSuccess && task.TaskName == failed.TaskName &&
			*task.TaskConfig == *failed.TaskConfig &&
			task.Created(t).Equal(failed.Created(t).Add(24*time.Hour))
	})
	weekday := failed.Created(t).In(zone).Weekday()
	if repeated != 1 || weekday != time.Monday || !hasPrefix("weekly-")(failed) {
		t.Errorf("%s: %+v was repeated %d times a day later", start, failed, repeated)
	}
}

// checkCampaigns checks that the periods of the two campaigns overlap.
func checkCampaigns(t *testing.T, start time.Time, tasks []simulatortest.Task) {
	t.Helper()
	var campaigns []simulatortest.Task
	for _, task := range tasks {
		if hasPrefix("campaign-")(task) {
			campaigns = append(campaigns, task)
		}
	}
	if len(campaigns) != 2 {
		t.Fatalf("%s: %d campaigns, want 2", start, len(campaigns))
	}
	startA, endA := campaigns[0].Period(t)
	startB, endB := campaigns[1].Period(t)
	if !startA.Before(endB) || !startB.Before(endA) || startA.Equal(startB) {
		t.Errorf("%s: the campaigns do not overlap", start)
	}
}

func createdInItsPeriod(t *testing.T) func(simulatortest.Task) bool {
	return func(task simulatortest.Task) bool {
		_, end := task.Period(t)
		return task.Created(t).Before(end)
	}
}
