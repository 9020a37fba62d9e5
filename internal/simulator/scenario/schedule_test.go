package scenario

import (
	"testing"
	"time"
)

// A periodic or bulk schedule must not miss a job that is listed, whatever the time
// span that it is called with.
func TestSchedule(t *testing.T) {
	g := generator{start: noon, seed: 5}
	moving := g.movingAccount()
	for now := noon; now.Before(noon.AddDate(0, 5, 0)); now = now.Add(53*time.Hour + 13*time.Minute) {
		for i, schedule := range append(moving, g.regularExports()...) {
			margin := 90 * time.Hour
			if i < len(moving) {
				margin = time.Minute // Bulk schedules have too many jobs for a longer span.
			}
			atNow := make(map[string]bool)
			for _, j := range schedule(now, now) {
				atNow[j.action+j.id()] = true
			}
			for _, j := range schedule(now.Add(-margin), now.Add(margin)) {
				if j.isListed(now) && !atNow[j.action+j.id()] {
					t.Fatalf("schedule %d misses the job created at %s, listed at %s", i, j.created, now)
				}
			}
		}
	}
}
