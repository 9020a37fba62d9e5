package scenario

import (
	"testing"
	"time"

	"alicdn_export_exporter/internal/simulator"
)

func TestBulk(t *testing.T) {
	for _, now := range []time.Time{
		noon,
		time.Date(2027, time.May, 31, 3, 4, 5, 6, time.UTC),
		time.Date(2028, time.February, 29, 20, 0, 0, 0, time.UTC),
	} {
		t.Run(now.Format(time.DateOnly), func(t *testing.T) {
			tasks := Bulk(20000, now, 1)
			unique := make(map[string]bool)
			statuses := make(map[string]int)
			for i, task := range tasks {
				unique[task.ID] = true
				statuses[task.Status]++
				if task.Created.After(now) || !expiry(task.Created).After(now) {
					t.Fatalf("task created at %s", task.Created)
				}
				if i > 0 && task.Created.After(tasks[i-1].Created) {
					t.Fatalf("task %d is newer than the one before", i)
				}
				pending, succeeded := task.Status == simulator.StatusCreated, task.Status == simulator.StatusSuccess
				if task.Updated.After(now) || pending != task.Updated.IsZero() || succeeded != (task.DownloadURL != "") {
					t.Fatalf("task %+v", task)
				}
			}
			failed, succeeded := statuses[simulator.StatusFailed], statuses[simulator.StatusSuccess]
			if len(unique) != 20000 || failed < 300 || failed > 500 || succeeded < 19400 || len(statuses) > 3 {
				t.Errorf("%d ids, %v", len(unique), statuses)
			}
		})
	}
}
