package apiclient_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/simulator"
)

var histories = flag.Int("histories", 1_000, "random histories that the model test plays")

// falseIn returns what is wrong with a published listing, or "". previous is the listing before
// it, or nil. restarts are the reasons why earlier walks were not proven.
func (h *history) falseIn(listing, previous *apiclient.Listing, restarts []string) string {
	walk := h.readsAfter(listing.Began)
	first, last := walk[0].step, walk[len(walk)-1].step
	counted := make(map[string]bool)
	for _, task := range listing.Tasks {
		if counted[task.ID] {
			return "a task is counted twice"
		}
		counted[task.ID] = true
	}
	if task := unserved(listing.Tasks, walk); task != nil {
		return fmt.Sprintf("task %s was not served as %v during the walk", task.ID, task.Status)
	}
	since := first
	if previous != nil {
		since = h.readsAfter(previous.Began)[0].step
	}
	missed, nMissed, goneMeanwhile := "", 0, false
	for id, task := range h.tasks {
		there := task.born < since && (task.gone == 0 || task.gone > last)
		if there && !counted[id] {
			missed = id
			nMissed++
		}
		goneMeanwhile = goneMeanwhile || counted[id] && task.gone != 0 && task.gone < last
	}
	// Tasks that the API counts but never lists are reported as unlisted.
	shown := nMissed <= listing.TotalCount-len(listing.Tasks)
	if missed != "" && !shown && !h.unprovable(previous, missed, goneMeanwhile) {
		return fmt.Sprintf("task %s was there all along, but is not counted", missed)
	}
	if unlisted := listing.TotalCount - len(listing.Tasks); unlisted != 0 && unlisted != unlistedIn(restarts) {
		return fmt.Sprintf("%d tasks are called unlisted, but %d were in the walk before", unlisted, unlistedIn(restarts))
	}
	for _, r := range walk {
		if r.total != listing.TotalCount {
			return fmt.Sprintf("TotalCount is %d, but was %d during the walk", listing.TotalCount, r.total)
		}
	}
	if len(listing.Tasks) > apiclient.PageSize && !slices.Equal(walk[0].tasks, walk[len(walk)-1].tasks) {
		return "the first page changed during the walk"
	}
	if slices.ContainsFunc(h.wrong, listing.Began.Before) {
		return "a page of the walk was another page's answer, or of another size"
	}
	return ""
}

// unlistedIn returns how many tasks were not listed in the last walk that was not proven, or 0
// if there was none.
func unlistedIn(restarts []string) int {
	var listed, counted int
	if len(restarts) > 0 {
		_, _ = fmt.Sscanf(restarts[len(restarts)-1], "%d tasks are listed, but TotalCount is %d", &listed, &counted)
	}
	return counted - listed
}

// unprovable reports whether a single walk cannot show that a task was missed.
func (h *history) unprovable(previous *apiclient.Listing, missed string, goneMeanwhile bool) bool {
	// In a list with stale copies, or one that is empty for a moment, a single walk can look
	// complete. A task is known to be missing only if it was listed before.
	if h.trouble == staleCopies || h.trouble == emptiness {
		return !slices.Contains(previous.IDs(), missed)
	}
	// Otherwise, a walk without a previous listing cannot detect only one case: a task left
	// after it was read, and another one moved to a page that was already read. A list that
	// only grows at one end and shrinks at the other has no such case.
	return previous == nil && goneMeanwhile && !(h.restful && h.order != simulator.Shuffled)
}

// unserved returns a task that no page of the walk contained with this status, or nil.
func unserved(tasks []apiclient.Task, walk []read) *apiclient.Task {
	type kept struct{ id, status string }
	served := make(map[kept]bool)
	for _, r := range walk {
		for _, task := range r.tasks {
			served[kept{task.ID, task.Status}] = true
		}
	}
	for _, task := range tasks {
		if !served[kept{task.ID, task.Status.String()}] {
			return &task
		}
	}
	return nil
}

// readsAfter returns the reads after a time: those of the walk that began then, and later ones.
func (h *history) readsAfter(began time.Time) []read {
	i := slices.IndexFunc(h.reads, func(r read) bool { return r.at.After(began) })
	return h.reads[i:]
}

type tally struct{ published, again, unproven, failed, wrong int }

func (t *tally) add(o tally) {
	t.published += o.published
	t.again += o.again
	t.unproven += o.unproven
	t.failed += o.failed
	t.wrong += o.wrong
}

// play reads the list of one random history several times.
func play(t *testing.T, seed uint64) (sum tally) {
	random := rand.New(rand.NewPCG(seed, 0))
	h := newHistory(random)
	api := simulator.New(h, simulator.Options{Quota: []float64{100, 1000}[random.IntN(2)], Seed: seed})
	w := new(witness)
	client := newClient(t, "http://127.0.0.1", through(h.way(api)), retrying(random.IntN(4)), observedBy(w), func(c *apiclient.Config) {
		c.Credentials = apiclient.StaticCredentials{
			AccessKeyID: simulator.DefaultAccessKeyID, AccessKeySecret: simulator.DefaultAccessKeySecret,
		}
		c.Limiter = apiclient.NewLimiter(1000, 1+random.IntN(8))
	})
	var previous *apiclient.Listing
	for range 3 {
		restarts := len(w.restarts)
		listing, err := client.List(context.Background(), apiclient.Usage, previous.IDs())
		var unproven *apiclient.UnprovenError
		switch {
		case err == nil:
			sum.published++
			h.mu.Lock()
			if wrong := h.falseIn(listing, previous, w.restarts[restarts:]); wrong != "" {
				sum.wrong++
				t.Errorf("history %d, trouble %d: %s", seed, h.trouble, wrong)
			}
			h.mu.Unlock()
			previous = listing
		case errors.As(err, &unproven):
			sum.unproven++
		default:
			sum.failed++
		}
		time.Sleep([]time.Duration{time.Second, time.Minute}[h.draw(2)]) // Fake time; and the list moves on.
		h.passTime()
	}
	sum.again = len(w.restarts)
	return sum
}

// However a list changes while it is read, a listing is either correct or not published.
func TestListModel(t *testing.T) {
	n := *histories
	if testing.Short() || raceEnabled {
		n = min(n, 200)
	}
	var mu sync.Mutex
	var sum tally
	t.Run("histories", func(t *testing.T) {
		const parts = 8
		for part := range parts {
			t.Run(strconv.Itoa(part), func(t *testing.T) {
				t.Parallel()
				for seed := part; seed < n && !t.Failed(); seed += parts {
					synctest.Test(t, func(t *testing.T) {
						one := play(t, uint64(seed))
						mu.Lock()
						defer mu.Unlock()
						sum.add(one)
					})
				}
			})
		}
	})
	t.Logf("%d histories: %d listings published, %d walks walked again, %d refreshes refused as unproven, %d failed otherwise, %d false",
		n, sum.published, sum.again, sum.unproven, sum.failed, sum.wrong)
	if sum.published < n || sum.again < n/10 || sum.unproven == 0 || sum.failed == 0 {
		t.Errorf("the histories are too tame to prove anything: %+v", sum)
	}
}
