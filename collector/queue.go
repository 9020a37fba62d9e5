package collector

import "context"

// maxReading bounds the lists that are read at the same time for each of a
// queue's two lanes, so that a thousand accounts do not begin all at once.
const maxReading = 32

// queue is where refreshes wait for their turn. An export whose last refresh
// failed has a lane apart: accounts in trouble, which may take their whole
// timeout, hold up each other and nobody else.
type queue struct{ sound, troubled chan struct{} }

func newQueue() queue {
	return queue{sound: make(chan struct{}, maxReading), troubled: make(chan struct{}, maxReading)}
}

// enter waits for a turn, or for the end of the context. leave ends the turn.
func (q queue) enter(ctx context.Context, troubled bool) (leave func()) {
	lane := q.sound
	if troubled {
		lane = q.troubled
	}
	select {
	case lane <- struct{}{}:
		return func() { <-lane }
	case <-ctx.Done():
		return func() {}
	}
}
