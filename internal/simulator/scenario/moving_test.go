package scenario

import (
	"testing"
	"time"

	"alicdn_export_exporter/internal/simulator"
	"alicdn_export_exporter/internal/simulator/simulatortest"
)

func TestMoving(t *testing.T) {
	t.Run("changes all the time but keeps several pages", func(t *testing.T) {
		s := startServer(t, "moving", noon)
		before := s.checkedList(simulator.UsageAction)
		total := make(map[string]int)
		for range 60 {
			s.now = s.now.Add(10 * time.Second)
			tasks := s.checkedList(simulator.UsageAction)
			if len(tasks) < 201 || len(tasks) > 600 {
				t.Fatalf("%s: %d tasks", s.now, len(tasks))
			}
			changes := compareLists(before, tasks)
			if len(changes) == 0 {
				t.Errorf("nothing changed in the ten seconds before %s", s.now)
			}
			for _, change := range changes {
				total[change]++
			}
			before = tasks
		}
		for change, atLeast := range map[string]int{
			"created": 100, "finished": 80, "failed": 5, "removed": 100, "removed before it finished": 1,
		} {
			if total[change] < atLeast {
				t.Errorf("%s: %d times in ten minutes, want at least %d", change, total[change], atLeast)
			}
		}
		if details := s.checkedList(simulator.DetailAction); len(details) == 0 {
			t.Error("no usage detail exports")
		}
	})

	// A reader that misses tasks needs some seconds in which none leaves to confirm that.
	t.Run("tasks leave at two moments of half a minute", func(t *testing.T) {
		end := noon.Add(10 * time.Minute)
		moments := make(map[string]map[time.Time]bool) // by action
		for _, schedule := range (generator{start: noon, seed: 5}).movingAccount() {
			for _, j := range schedule(noon, end) {
				if at := j.listedUntil(); at.After(noon) && !at.After(end) {
					if moments[j.action] == nil {
						moments[j.action] = make(map[time.Time]bool)
					}
					moments[j.action][at.UTC()] = true
				}
			}
		}
		for action, most := range map[string]int{simulator.UsageAction: 41, simulator.DetailAction: 20} {
			if n := len(moments[action]); n < 10 || n > most {
				t.Errorf("%s: tasks leave at %d moments of ten minutes, want at most %d", action, n, most)
			}
		}
	})

	t.Run("old tasks expire in the first ten minutes", func(t *testing.T) {
		s := startServer(t, "moving", noon)
		countOld := func() int {
			return count(s.checkedList(simulator.UsageAction), func(task simulatortest.Task) bool {
				return s.now.Sub(task.Created(t)) > 80*24*time.Hour
			})
		}
		if n := countOld(); n != 20 {
			t.Errorf("%d old tasks at start, want 20", n)
		}
		s.now = noon.Add(5 * time.Minute)
		if n := countOld(); n < 9 || n > 11 {
			t.Errorf("%d old tasks after five minutes, want about 10", n)
		}
		s.now = noon.Add(10*time.Minute + 30*time.Second)
		if n := countOld(); n != 0 {
			t.Errorf("%d old tasks after ten minutes, want none", n)
		}
	})
}

// compareLists returns what happened to the tasks between two lists.
func compareLists(before, after []simulatortest.Task) (changes []string) {
	removed := make(map[string]simulatortest.Task)
	for _, task := range before {
		removed[task.TaskID] = task
	}
	for _, task := range after {
		old, ok := removed[task.TaskID]
		delete(removed, task.TaskID)
		switch {
		case !ok:
			changes = append(changes, "created")
		case old.Status == task.Status:
		case task.Status == simulator.StatusFailed:
			changes = append(changes, "failed")
		default:
			changes = append(changes, "finished")
		}
	}
	for _, task := range removed {
		changes = append(changes, "removed")
		if task.Status == simulator.StatusCreated {
			changes = append(changes, "removed before it finished")
		}
	}
	return changes
}
