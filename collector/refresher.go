package collector

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/coverage"
)

// Snapshot is the last good listing of an export and what it says, whatever the
// time.
type Snapshot struct {
	// Began is when the reading of the list began.
	Began time.Time
	// IDs are the tasks' ids, for the next reading. The tasks themselves are let
	// go: of a long list two at a time would take most of the memory.
	IDs []string
	// Unlisted is the number of tasks that the API counts but does not list.
	Unlisted int
	Summary  coverage.Summary
	// Covered is the usage that the successful tasks cover.
	Covered coverage.Union
	// Unrecovered is the number of failures that no success has made up for.
	Unrecovered int
	// Expected is what the tasks of each expectation cover, in their order.
	Expected []coverage.Union
	// Newest are the newest tasks, as many as are shown one by one.
	Newest []apiclient.Task
}

// age is the longer of what the two clocks say: the monotonic one may stop while
// the machine sleeps, the wall clock may be set back.
func (s *Snapshot) age(now time.Time) time.Duration {
	began := s.Began
	return max(now.Sub(began), now.Round(0).Sub(began.Round(0)))
}

// state is where the refreshes of one export stand.
type state struct {
	snapshot *Snapshot // nil before the first success
	// succeeded tells how the last refresh ended; false before the first.
	succeeded           bool
	refreshes, failures uint64
	// duration and ended are the last refresh's; zero before the first has ended.
	duration time.Duration
	ended    time.Time
	// last are the last refreshes, the newest first.
	last []Refreshed
}

// refresher keeps the snapshot of one export of one account. At most one refresh
// runs at a time; whoever needs one shares it, and it outlives them all.
type refresher struct {
	lister  Client
	export  apiclient.Export
	expect  []coverage.Expectation // of this export
	newest  int                    // how many tasks are kept to be shown one by one
	ttl     time.Duration
	timeout time.Duration
	queue   queue
	logger  log.Logger

	mu      sync.Mutex
	state   state
	running chan struct{} // closed when the refresh in flight ends; nil without one
}

// start begins a refresh if one is due and returns the one in flight, nil where
// there is none. The next refresh is due when the last one's end lies back as
// long as the time to live and as long as that refresh took, so that never more
// than half of the time is spent reading.
func (r *refresher) start(lifetime context.Context) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running != nil {
		return r.running
	}
	if !r.state.ended.IsZero() && time.Since(r.state.ended) < max(r.ttl, r.state.duration) {
		return nil
	}
	if lifetime.Err() != nil {
		return nil
	}
	r.running = make(chan struct{})
	go r.refresh(lifetime, r.state)
	return r.running
}

// refresh publishes a whole new snapshot or keeps the old one.
func (r *refresher) refresh(lifetime context.Context, before state) {
	troubled := !before.succeeded && before.refreshes > 0
	leave := r.queue.enter(lifetime, troubled)
	began := time.Now()
	snapshot, err := r.read(lifetime, before.snapshot)
	duration := time.Since(began)
	leave()

	r.mu.Lock()
	r.state.refreshes++
	r.state.succeeded = err == nil
	r.state.duration = duration
	r.state.ended = time.Now()
	ended := Refreshed{Ended: r.state.ended, Duration: duration, Err: err}
	if err != nil {
		r.state.failures++
	} else {
		r.state.snapshot = snapshot
		ended.Tasks = len(snapshot.IDs)
	}
	r.state.last = withNewest(r.state.last, ended)
	running := r.running
	r.running = nil
	r.mu.Unlock()
	defer close(running)

	switch {
	case err != nil && lifetime.Err() != nil: // Shutting down is no failure worth a line.
	case err != nil:
		_ = level.Warn(r.logger).Log("msg", "Refresh failed", "duration", duration, "err", err)
	case troubled:
		_ = level.Info(r.logger).Log("msg", "Refresh succeeded again", "duration", duration, "tasks", len(snapshot.IDs))
	default:
		_ = level.Debug(r.logger).Log("msg", "Refresh succeeded", "duration", duration, "tasks", len(snapshot.IDs))
	}
}

// wait returns when no refresh is in flight.
func (r *refresher) wait() {
	r.mu.Lock()
	running := r.running
	r.mu.Unlock()
	if running != nil {
		<-running
	}
}

// read lists the tasks within the refresh's own timeout.
func (r *refresher) read(lifetime context.Context, previous *Snapshot) (snapshot *Snapshot, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			snapshot, err = nil, fmt.Errorf("panic: %v", reason)
			_ = level.Debug(r.logger).Log("msg", "Refresh panicked", "stack", string(debug.Stack()))
		}
	}()
	ctx, cancel := context.WithTimeout(lifetime, r.timeout)
	defer cancel()
	var listed []string
	if previous != nil {
		listed = previous.IDs
	}
	listing, err := r.lister.List(ctx, r.export, listed)
	switch {
	case err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, fmt.Errorf("not done within %s (--refresh.timeout): %w", r.timeout, err)
	case err != nil:
		return nil, err
	}
	covered := coverage.CoveredBy(listing.Tasks, coverage.Pattern{})
	snapshot = &Snapshot{
		Began:       listing.Began,
		IDs:         listing.IDs(),
		Unlisted:    listing.TotalCount - len(listing.Tasks),
		Summary:     coverage.Summarize(listing.Tasks),
		Covered:     covered,
		Unrecovered: coverage.UnrecoveredFailures(r.export, listing.Tasks, covered),
		Newest:      coverage.NewestTasks(listing.Tasks, r.newest),
	}
	for _, expectation := range r.expect {
		snapshot.Expected = append(snapshot.Expected, coverage.CoveredBy(listing.Tasks, expectation.TaskName))
	}
	return snapshot, nil
}

func (r *refresher) current() state {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state
}
