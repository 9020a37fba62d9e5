package simulator

import (
	"slices"
	"testing"
	"time"
)

func ids(tasks []Task) []string {
	var ids []string
	for _, task := range tasks {
		ids = append(ids, task.ID)
	}
	return ids
}

func TestArrange(t *testing.T) {
	tasks := []Task{{ID: "9", Created: noon}, {ID: "10", Created: noon}, {ID: "8", Created: noon.Add(time.Second)}, {ID: "99", Created: noon.Add(-time.Second)}}
	sortTasks(tasks, OldestFirst, 0)
	if got := ids(tasks); !slices.Equal(got, []string{"99", "9", "10", "8"}) {
		t.Errorf("oldest first: %v", got)
	}
	sortTasks(tasks, NewestFirst, 0)
	if got := ids(tasks); !slices.Equal(got, []string{"8", "10", "9", "99"}) {
		t.Errorf("newest first: %v", got)
	}

	crowd := Crowd(50, noon, 1)
	newestFirst := ids(crowd)
	sortTasks(crowd, Shuffled, 3)
	shuffled := ids(crowd)
	slices.Reverse(crowd)
	sortTasks(crowd, Shuffled, 3)
	if !slices.Equal(ids(crowd), shuffled) {
		t.Error("shuffled twice with the same seed: not the same order")
	}
	sortTasks(crowd, Shuffled, 4)
	if slices.Equal(ids(crowd), shuffled) || slices.Equal(shuffled, newestFirst) {
		t.Error("shuffled by another seed, or not at all: the same order")
	}
}

func TestFixedListsAsTold(t *testing.T) {
	tasks := []Task{{ID: "2"}, {ID: "1"}, {ID: "3"}}
	f := NewFixedAccount(tasks...)
	before := f.Tasks(UsageAction, noon)
	tasks[0].ID = "changed"
	f.SetTasks(UsageAction, Task{ID: "4"})
	if got := ids(before); !slices.Equal(got, []string{"2", "1", "3"}) {
		t.Errorf("the list handed out has become %v", got)
	}
	if got := ids(f.Tasks(UsageAction, noon)); !slices.Equal(got, []string{"4"}) {
		t.Errorf("usage: %v", got)
	}
	if got := ids(f.Tasks(DetailAction, noon)); !slices.Equal(got, []string{"2", "1", "3"}) {
		t.Errorf("usage detail: %v", got)
	}
}

func TestCrowdIsOfDifferentTasksOfTheWindow(t *testing.T) {
	for _, now := range []time.Time{noon, time.Date(2027, time.May, 31, 3, 4, 5, 6, time.UTC), time.Date(2028, time.February, 29, 20, 0, 0, 0, time.UTC)} {
		tasks := Crowd(20000, now, 1)
		seen := make(map[string]bool)
		statuses := make(map[string]int)
		for i, task := range tasks {
			seen[task.ID] = true
			statuses[task.Status]++
			if task.Created.After(now) || !expiry(task.Created).After(now) {
				t.Fatalf("%s: task created at %s", now, task.Created)
			}
			if i > 0 && task.Created.After(tasks[i-1].Created) {
				t.Fatalf("%s: task %d is newer than the one before", now, i)
			}
			if task.Updated.After(now) || (task.Status == StatusCreated) != task.Updated.IsZero() || (task.Status == StatusSuccess) != (task.DownloadURL != "") {
				t.Fatalf("%s: task %+v", now, task)
			}
		}
		if len(seen) != 20000 || statuses[StatusFailed] < 300 || statuses[StatusFailed] > 500 || statuses[StatusSuccess] < 19400 || len(statuses) > 3 {
			t.Errorf("%s: %d ids, %v", now, len(seen), statuses)
		}
	}
}
