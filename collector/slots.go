package collector

import "context"

// maxRefreshes is the maximum number of concurrent refreshes, once for healthy exports and once
// for failing ones.
const maxRefreshes = 32

// refreshSlots bounds concurrent refreshes, so that a thousand accounts do not start
// at once. Failing exports, which may take their whole timeout, use separate slots, so
// that they cannot starve healthy ones.
type refreshSlots struct{ healthy, failing chan struct{} }

func newRefreshSlots() refreshSlots {
	return refreshSlots{healthy: make(chan struct{}, maxRefreshes), failing: make(chan struct{}, maxRefreshes)}
}

// acquire waits for a slot, or until ctx is done. The caller must call release in both cases.
func (s refreshSlots) acquire(ctx context.Context, failing bool) (release func()) {
	slots := s.healthy
	if failing {
		slots = s.failing
	}
	select {
	case slots <- struct{}{}:
		return func() { <-slots }
	case <-ctx.Done():
		return func() {}
	}
}
