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
	"alicdn_export_exporter/internal/advice"
)

// refreshState is the result of an export's refreshes so far.
type refreshState struct {
	snapshot *Snapshot // nil before the first success
	// succeeded tells whether the last refresh succeeded; false before the first.
	succeeded           bool
	refreshes, failures uint64
	// began, ended and duration are those of the last refresh. They are zero before the first
	// has ended. duration is the time spent reading, without any waiting.
	began, ended time.Time
	duration     time.Duration
	// last are the last refreshes, the newest first.
	last []Refreshed
	// refreshing tells whether a refresh is running or waits for a slot.
	refreshing bool
}

// failing reports whether the last refresh failed.
func (s refreshState) failing() bool { return s.refreshes > 0 && !s.succeeded }

// due reports whether the next refresh may begin. It may begin ttl after the last one began,
// and after a break as long as the last one took, so that at most half of the time is spent
// reading. It may also begin if the clock was set back. timeout is the maximum duration of a
// refresh, and bounds a duration that a clock jump has made too long.
func (s refreshState) due(now time.Time, ttl, timeout time.Duration) bool {
	sinceBegan, sinceEnded := now.Sub(s.began), now.Sub(s.ended)
	return s.refreshes == 0 || sinceBegan < 0 || sinceEnded < 0 ||
		sinceBegan >= ttl && sinceEnded >= min(s.duration, timeout)
}

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
// running refresh ends, or nil if none is running.
func (r *refresher) start(lifetime context.Context) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running != nil {
		return r.running
	}
	if !r.state.due(time.Now(), r.ttl, r.timeout) {
		return nil
	}
	if lifetime.Err() != nil {
		return nil
	}
	r.running = make(chan struct{})
	go r.refresh(lifetime, r.state)
	return r.running
}

// refresh reads the list and publishes the new snapshot. If reading fails, it keeps the old
// one.
func (r *refresher) refresh(lifetime context.Context, before refreshState) {
	began := time.Now()
	snapshot, duration, err := r.read(lifetime, before)

	r.mu.Lock()
	r.state.refreshes++
	r.state.succeeded = err == nil
	r.state.began, r.state.ended = began, time.Now()
	r.state.duration = duration
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
		_ = level.Warn(r.logger).Log("msg", "Refresh failed", "duration", duration, "class", classOf(err), "err", err,
			"advice", advice.For(err, r.export))
	case before.failing():
		_ = level.Info(r.logger).Log("msg", "Refresh succeeded again", "duration", duration, "tasks", len(snapshot.ids))
	default:
		_ = level.Debug(r.logger).Log("msg", "Refresh succeeded", "duration", duration, "tasks", len(snapshot.ids))
	}
}

// classOf returns the class of an error of the API client, or "none" if no call failed: the
// list changed too fast, is too long, or took too long to read.
func classOf(err error) string {
	if apiErr, ok := errors.AsType[*apiclient.Error](err); ok {
		return string(apiErr.Class)
	}
	return "none"
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

// read lists the tasks within the refresh's timeout. took is the time spent reading. Neither
// took nor the timeout includes the time spent waiting for a slot or for a walk that must
// confirm another one. A panic is returned as an error.
func (r *refresher) read(
	lifetime context.Context, before refreshState,
) (snapshot *Snapshot, took time.Duration, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			snapshot, err = nil, apiclient.PanicError(reason)
			_ = level.Debug(r.logger).Log("msg", "Refresh panicked", "stack", string(debug.Stack()))
		}
	}()
	var ids []string
	if before.snapshot != nil {
		ids = before.snapshot.ids
	}
	walk := func(ctx context.Context) (*apiclient.Listing, error) {
		return r.account.Client.Read(ctx, r.export, ids)
	}
	for {
		listing, err := r.walk(lifetime, before.failing(), walk, &took)
		unconfirmed, ok := errors.AsType[*apiclient.UnconfirmedError](err)
		switch {
		case err == nil:
			return NewSnapshot(r.account, r.export, listing, r.newest), took, nil
		case !ok:
			return nil, took, err
		}
		select {
		case <-time.After(time.Until(unconfirmed.Due)):
		case <-lifetime.Done():
			return nil, took, err
		}
		walk = unconfirmed.Confirm
	}
}

// walk holds a slot while it calls f with the rest of the timeout. It adds f's duration to
// took.
func (r *refresher) walk(
	lifetime context.Context, failing bool, f func(context.Context) (*apiclient.Listing, error), took *time.Duration,
) (*apiclient.Listing, error) {
	defer r.slots.acquire(lifetime, failing)()
	began := time.Now()
	defer func() { *took += max(0, time.Since(began)) }()
	ctx, cancel := context.WithTimeout(lifetime, r.timeout-*took)
	defer cancel()
	listing, err := f(ctx)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, fmt.Errorf("not done within %s (--refresh.timeout): %w", r.timeout, err)
	}
	return listing, err
}

func (r *refresher) current() refreshState {
	r.mu.Lock()
	defer r.mu.Unlock()
	state := r.state
	state.refreshing = r.running != nil
	return state
}
