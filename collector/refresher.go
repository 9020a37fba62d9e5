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
)

// refreshState is the result of an export's refreshes so far.
type refreshState struct {
	snapshot *Snapshot // nil before the first success
	// succeeded tells whether the last refresh succeeded; false before the first.
	succeeded           bool
	refreshes, failures uint64
	// duration and ended are those of the last refresh; zero before the first has ended.
	duration time.Duration
	ended    time.Time
	// last are the last refreshes, the newest first.
	last []Refreshed
	// refreshing tells whether a refresh is running or waits for a slot.
	refreshing bool
}

// failing reports whether the last refresh failed.
func (s refreshState) failing() bool { return s.refreshes > 0 && !s.succeeded }

// refresher keeps the snapshot of one export of an account. At most one refresh runs
// at a time. Scrapes share it, and it outlives them.
type refresher struct {
	account Account
	export  apiclient.Export
	newest  int // number of tasks that a snapshot keeps
	ttl     time.Duration
	timeout time.Duration
	slots   refreshSlots
	logger  log.Logger

	mu      sync.Mutex
	state   refreshState
	running chan struct{} // closed when the running refresh ends; nil without one
}

// start starts a refresh if one is due. It returns a channel that is closed when the
// running refresh ends, or nil if none is running. A refresh is due when the last one
// ended at least ttl ago, and at least as long ago as it took, so that at most half of
// the time is spent reading.
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

// refresh publishes a whole new snapshot, or keeps the old one.
func (r *refresher) refresh(lifetime context.Context, before refreshState) {
	release := r.slots.acquire(lifetime, before.failing())
	began := time.Now()
	snapshot, err := r.read(lifetime, before.snapshot)
	duration := time.Since(began)
	release()

	r.mu.Lock()
	r.state.refreshes++
	r.state.succeeded = err == nil
	r.state.duration = duration
	r.state.ended = time.Now()
	refreshed := Refreshed{Ended: r.state.ended, Duration: duration, Err: err}
	if err != nil {
		r.state.failures++
	} else {
		r.state.snapshot = snapshot
		refreshed.Tasks = len(snapshot.ids)
	}
	r.state.last = prepend(refreshed, r.state.last)
	running := r.running
	r.running = nil
	r.mu.Unlock()
	defer close(running)

	if err == nil {
		snapshot.logMalformed(r.logger, before.snapshot)
	}
	switch {
	case err != nil && lifetime.Err() != nil: // Do not log the cancellation at shutdown.
	case err != nil:
		_ = level.Warn(r.logger).Log("msg", "Refresh failed", "duration", duration, "err", err)
	case before.failing():
		_ = level.Info(r.logger).Log("msg", "Refresh succeeded again", "duration", duration, "tasks", len(snapshot.ids))
	default:
		_ = level.Debug(r.logger).Log("msg", "Refresh succeeded", "duration", duration, "tasks", len(snapshot.ids))
	}
}

// wait returns when no refresh is running.
func (r *refresher) wait() {
	r.mu.Lock()
	running := r.running
	r.mu.Unlock()
	if running != nil {
		<-running
	}
}

// read lists the tasks within the refresh's timeout. A panic is an error.
func (r *refresher) read(lifetime context.Context, previous *Snapshot) (snapshot *Snapshot, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			snapshot, err = nil, fmt.Errorf("panic: %v", reason)
			_ = level.Debug(r.logger).Log("msg", "Refresh panicked", "stack", string(debug.Stack()))
		}
	}()
	ctx, cancel := context.WithTimeout(lifetime, r.timeout)
	defer cancel()
	var ids []string
	if previous != nil {
		ids = previous.ids
	}
	listing, err := r.account.Client.List(ctx, r.export, ids)
	switch {
	case err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, fmt.Errorf("not done within %s (--refresh.timeout): %w", r.timeout, err)
	case err != nil:
		return nil, err
	}
	return NewSnapshot(r.account, r.export, listing, r.newest), nil
}

func (r *refresher) current() refreshState {
	r.mu.Lock()
	defer r.mu.Unlock()
	state := r.state
	state.refreshing = r.running != nil
	return state
}
