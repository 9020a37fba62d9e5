package apiclient

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// lane is where the calls for one list of a Client queue.
type lane struct {
	// failing is set while the last page of the list could not be read. Its next page is
	// not retried, so an outage costs no more calls than normal operation.
	failing atomic.Bool
	// lastTurn is the number of the lane's last turn. The turns guard it.
	lastTurn uint64
}

// turns lets one call at a time wait for a token. Retries come first: a call that was
// throttled and waited would otherwise find the quota used up by others, again and again.
// Then comes the lane whose last turn is the longest ago, so that a long list cannot
// starve a short one.
type turns struct {
	mu      sync.Mutex
	taken   bool
	count   uint64 // of all turns
	waiting []*waiter
}

// waiter is a call that waits for its turn.
type waiter struct {
	lane  *lane
	retry bool
	ready chan struct{} // closed when it is its turn
}

// take waits for a turn. The caller must then call pass.
func (t *turns) take(ctx context.Context, lane *lane, retry bool) error {
	t.mu.Lock()
	if !t.taken {
		t.taken = true
		t.note(lane)
		t.mu.Unlock()
		return nil
	}
	w := &waiter{lane: lane, retry: retry, ready: make(chan struct{})}
	t.waiting = append(t.waiting, w)
	t.mu.Unlock()
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	i := slices.Index(t.waiting, w)
	if i >= 0 {
		t.waiting = slices.Delete(t.waiting, i, i+1)
	}
	t.mu.Unlock()
	if i < 0 { // It became its turn at the same moment.
		t.pass()
	}
	return ctx.Err()
}

// pass ends a turn and begins the next one.
func (t *turns) pass() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) == 0 {
		t.taken = false
		return
	}
	next := 0
	for i, w := range t.waiting {
		if w.before(t.waiting[next]) {
			next = i
		}
	}
	w := t.waiting[next]
	t.waiting = slices.Delete(t.waiting, next, next+1)
	t.note(w.lane)
	close(w.ready)
}

func (t *turns) note(lane *lane) {
	t.count++
	lane.lastTurn = t.count
}

// before reports whether w is served before a call that has waited longer.
func (w *waiter) before(o *waiter) bool {
	if w.retry != o.retry {
		return w.retry
	}
	return w.lane.lastTurn < o.lane.lastTurn
}
