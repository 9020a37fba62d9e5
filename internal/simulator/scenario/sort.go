package scenario

import (
	"cmp"
	"hash/fnv"
	"slices"

	"alicdn_export_exporter/internal/simulator"
)

// sortTasks sorts tasks in place. Only simulator.Shuffled depends on the seed.
func sortTasks(tasks []simulator.Task, order simulator.Order, seed uint64) {
	if order == simulator.Shuffled {
		rank := make(map[string]uint64, len(tasks))
		for _, task := range tasks {
			rank[task.ID] = random(seed, hashText(task.ID))
		}
		slices.SortFunc(tasks, func(a, b simulator.Task) int {
			return cmp.Or(cmp.Compare(rank[a.ID], rank[b.ID]), cmp.Compare(a.ID, b.ID))
		})
		return
	}
	slices.SortFunc(tasks, func(a, b simulator.Task) int {
		oldestFirst := cmp.Or(
			a.Created.Compare(b.Created),
			cmp.Compare(len(a.ID), len(b.ID)), // Ids are decimal numbers.
			cmp.Compare(a.ID, b.ID),
		)
		if order == simulator.NewestFirst {
			return -oldestFirst
		}
		return oldestFirst
	})
}

func hashText(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // A hash never returns an error.
	return h.Sum64()
}
