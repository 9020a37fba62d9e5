package apiclient

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// lane holds what the calls for one list of a Client share.
type lane struct {
	// failing is set if the last page failed with a transient error other than throttling. The
	// next page is then not retried, so an outage causes no more calls than normal operation.
	failing atomic.Bool
	// lastTurn is the number of the lane's last turn. turns.mu guards it.
	lastTurn uint64
}

// turns lets one call at a time wait for a token. The call with the most earlier attempts goes
// first. Otherwise, other calls could use up the quota before each retry of a throttled call.
// Among calls with equally many attempts, the lane with the least recent turn goes first, so
// that a long list cannot starve a short one.
type turns struct {
	mu      sync.Mutex
	count   uint64 // number of turns so far
	current *turn  // nil if no call has its turn
	waiting []*turn
}

// turn is the turn of a call.
type turn struct {
	lane     *lane
	attempts int
	begun    chan struct{} // closed when the turn begins; nil if it has not waited
}

// take waits for a turn. The caller must call end, also after an error.
func (t *turns) take(ctx context.Context, turn *turn) error {
	t.mu.Lock()
	if t.current == nil {
		t.begin(turn)
		t.mu.Unlock()
		return nil
	}
	t.enqueue(turn)
	t.mu.Unlock()
	return turn.wait(ctx)
}

// yield lets a call with more attempts go first. The turn must be the current one.
func (t *turns) yield(ctx context.Context, turn *turn) error {
	t.mu.Lock()
	next := t.next()
	if next == nil || next.attempts <= turn.attempts {
		t.mu.Unlock()
		return nil
	}
	t.enqueue(turn)
	t.begin(next)
	t.mu.Unlock()
	return turn.wait(ctx)
}

// end ends a turn, whether it has begun or not. The next one begins.
func (t *turns) end(turn *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current != turn {
		t.dequeue(turn)
		return
	}
	t.current = nil
	if next := t.next(); next != nil {
		t.begin(next)
	}
}

func (t *turns) begin(turn *turn) {
	t.dequeue(turn)
	t.count++
	turn.lane.lastTurn = t.count
	t.current = turn
	if turn.begun != nil {
		close(turn.begun)
	}
}

func (t *turns) enqueue(turn *turn) {
	turn.begun = make(chan struct{})
	t.waiting = append(t.waiting, turn)
}

func (t *turns) dequeue(turn *turn) {
	if i := slices.Index(t.waiting, turn); i >= 0 {
		t.waiting = slices.Delete(t.waiting, i, i+1)
	}
}

// next returns the most urgent of the waiting turns, or nil if there is none.
func (t *turns) next() *turn {
	var next *turn
	for _, turn := range t.waiting {
		if next == nil || turn.before(next) {
			next = turn
		}
	}
	return next
}

// wait returns when the turn begins, or ctx's error.
func (t *turn) wait(ctx context.Context) error {
	select {
	case <-t.begun:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// before reports whether a turn is more urgent than another one.
func (t *turn) before(other *turn) bool {
	if t.attempts != other.attempts {
		return t.attempts > other.attempts
	}
	return t.lane.lastTurn < other.lane.lastTurn
}
