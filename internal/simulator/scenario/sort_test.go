package scenario

import (
	"slices"
	"testing"
	"time"

	"alicdn_export_exporter/internal/simulator"
)

func TestSortTasks(t *testing.T) {
	t.Run("by creation, then by id", func(t *testing.T) {
		tasks := []simulator.Task{
			{ID: "9", Created: noon},
			{ID: "10", Created: noon},
			{ID: "8", Created: noon.Add(time.Second)},
			{ID: "99", Created: noon.Add(-time.Second)},
		}
		sortTasks(tasks, simulator.OldestFirst, 0)
		if got := ids(tasks); !slices.Equal(got, []string{"99", "9", "10", "8"}) {
			t.Errorf("oldest first: %v", got)
		}
		sortTasks(tasks, simulator.NewestFirst, 0)
		if got := ids(tasks); !slices.Equal(got, []string{"8", "10", "9", "99"}) {
			t.Errorf("newest first: %v", got)
		}
	})

	t.Run("shuffled", func(t *testing.T) {
		tasks := Bulk(50, noon, 1)
		newestFirst := ids(tasks)
		sortTasks(tasks, simulator.Shuffled, 3)
		shuffled := ids(tasks)
		slices.Reverse(tasks)
		sortTasks(tasks, simulator.Shuffled, 3)
		if !slices.Equal(ids(tasks), shuffled) {
			t.Error("the same seed gives another order")
		}
		sortTasks(tasks, simulator.Shuffled, 4)
		if slices.Equal(ids(tasks), shuffled) {
			t.Error("another seed gives the same order")
		}
		if slices.Equal(shuffled, newestFirst) {
			t.Error("the newest task is still first")
		}
	})
}
