package apiclient

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How the rate adapts to throttling: it is halved at most once per second, never below
// one call per second, and a tenth of the configured rate comes back each second.
const (
	halvingInterval   = time.Second
	minimumRate       = 1.0
	recoveryPerSecond = 0.1
)

// maxPause bounds the pause that a response can ask for, so that an absurd hint does not
// stop the client for long.
const maxPause = time.Minute

// errWaitTooLong means that the deadline comes before the next token.
var errWaitTooLong = errors.New("the wait would exceed the deadline")

// Limiter decides when the calls of an account may be sent. Over any window of t seconds
// it lets at most rate·t + burst calls pass. Clients that share an account's quota share
// its Limiter. It is safe for concurrent use.
type Limiter struct {
	turns  turns
	tokens *rate.Limiter
	// slots holds one element for each call in flight.
	slots chan struct{}

	mu          sync.Mutex
	configured  float64
	reduced     float64   // the rate right after the last throttling
	throttledAt time.Time // when that was; zero before the first
	halvedAt    time.Time
	pausedUntil time.Time
	cause       *Error // of the last throttling or pause
}

// NewLimiter returns a Limiter that allows perSecond calls per second, +Inf for no limit,
// and at most concurrency calls, at least 1, at the same time. Its bursts have at most
// min(concurrency, perSecond) calls, and at least one.
func NewLimiter(perSecond float64, concurrency int) *Limiter {
	return &Limiter{
		configured: perSecond,
		tokens:     rate.NewLimiter(rate.Limit(perSecond), bucketSize(perSecond, concurrency)),
		slots:      make(chan struct{}, concurrency),
	}
}

// bucketSize is one token less than the burst, because calls may reach the API closer
// together than they were sent.
func bucketSize(perSecond float64, concurrency int) int {
	return int(math.Max(1, math.Min(float64(concurrency), perSecond)-1))
}

// concurrency returns how many calls can be in flight.
func (l *Limiter) concurrency() int { return cap(l.slots) }

// SetRate changes the number of calls per second. Spent tokens and a running pause are
// kept.
func (l *Limiter) SetRate(perSecond float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.configured = perSecond
	now := time.Now()
	l.tokens.SetLimitAt(now, rate.Limit(l.current(now)))
	l.tokens.SetBurstAt(now, bucketSize(perSecond, l.concurrency()))
}

// Rate returns the number of calls per second that is allowed now: the configured one, or
// less after throttling.
func (l *Limiter) Rate() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current(time.Now())
}

func (l *Limiter) current(now time.Time) float64 {
	since := now.Sub(l.throttledAt)
	if since < 0 || math.IsInf(l.configured, 1) { // The clock was set back, or there is no limit.
		return l.configured
	}
	return math.Min(l.configured, l.reduced+recoveryPerSecond*l.configured*since.Seconds())
}

// throttled halves the rate after the API refused a call with err.
func (l *Limiter) throttled(err *Error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.reduced = l.current(now)
	if now.Sub(l.halvedAt).Abs() >= halvingInterval {
		l.reduced = math.Max(l.reduced/2, math.Min(minimumRate, l.configured))
		l.halvedAt = now
	}
	l.throttledAt = now
	l.cause = err
}

// pause stops all calls for d because of err.
func (l *Limiter) pause(d time.Duration, err *Error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := time.Now().Add(min(d, maxPause)); until.After(l.pausedUntil) {
		l.pausedUntil = until
		l.cause = err
	}
}

// acquire waits for the turn of a call that was attempted some times before, for one of the
// slots and for a token. The caller must call release when the response was read.
// waited is the time spent waiting for the token. The error is an *Error for which notSent
// is true, or the context's if ctx was canceled.
func (l *Limiter) acquire(
	ctx context.Context, lane *lane, attempts int,
) (release func(), waited time.Duration, err error) {
	began := time.Now()
	if tooLate(ctx, l.pauseLeft(began)) {
		return nil, 0, l.notSent(ctx, began, errWaitTooLong)
	}
	own := &turn{lane: lane, attempts: attempts}
	defer l.turns.end(own)
	if err := l.turns.take(ctx, own); err != nil {
		return nil, 0, l.notSent(ctx, began, err)
	}
	for {
		waiting := time.Now()
		pause := l.pauseLeft(waiting)
		err := l.sleep(ctx, pause)
		waited += time.Since(waiting)
		if err != nil {
			return nil, waited, l.notSent(ctx, began, err)
		}
		if pause > 0 {
			l.dropSavedTokens()
			// A call that was throttled may have become more urgent.
			if err := l.turns.yield(ctx, own); err != nil {
				return nil, waited, l.notSent(ctx, began, err)
			}
		}
		select {
		case l.slots <- struct{}{}:
		case <-ctx.Done():
			return nil, waited, l.notSent(ctx, began, ctx.Err())
		}
		release = func() { <-l.slots }
		waiting = time.Now()
		err = l.takeToken(ctx)
		waited += time.Since(waiting)
		if err != nil {
			release()
			return nil, waited, l.notSent(ctx, began, err)
		}
		// A pause that began meanwhile holds for this call as well. Its token is given up,
		// because after the pause it would be one too many.
		if l.pauseLeft(time.Now()) <= 0 {
			return release, waited, nil
		}
		release()
	}
}

// notSent returns why a call that waited since then was not sent: ctx's error if it was
// canceled; the API's own error if that is why there was no time left; otherwise a timeout.
func (l *Limiter) notSent(ctx context.Context, since time.Time, reason error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cause != nil && (l.pausedUntil.After(since) || l.current(time.Now()) < l.configured) {
		err := *l.cause
		err.Detail = "the API allows no call before the deadline"
		err.notSent = true
		return &err
	}
	err := newError(CodeTimeout, ClassNetwork, "other calls of the account took all the time until the deadline")
	if errors.Is(reason, errWaitTooLong) {
		err.Detail = "the rate limit allows no call before the deadline"
	}
	err.notSent, err.cause = true, ErrNotSent
	return err
}

// takeToken waits for a token at the current rate. It fails at once with errWaitTooLong if
// ctx's deadline comes first.
func (l *Limiter) takeToken(ctx context.Context) error {
	l.adjustRate()
	reservation := l.tokens.Reserve()
	err := l.sleep(ctx, reservation.Delay())
	if errors.Is(err, errWaitTooLong) {
		reservation.Cancel()
	}
	return err
}

// sleep waits for d. It fails at once with errWaitTooLong if ctx's deadline comes first.
func (l *Limiter) sleep(ctx context.Context, d time.Duration) error {
	if tooLate(ctx, d) {
		return errWaitTooLong
	}
	return sleep(ctx, d)
}

// dropSavedTokens leaves one token in the bucket. A burst right after a pause would be
// throttled again.
func (l *Limiter) dropSavedTokens() {
	now := time.Now()
	if saved := l.tokens.TokensAt(now); saved >= 2 && l.tokens.Limit() != rate.Inf {
		l.tokens.AllowN(now, int(saved)-1)
	}
}

// adjustRate sets the bucket's rate.
func (l *Limiter) adjustRate() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if limit := rate.Limit(l.current(now)); limit != l.tokens.Limit() {
		l.tokens.SetLimitAt(now, limit)
	}
}

// pauseLeft returns the rest of a running pause, or 0 without one.
func (l *Limiter) pauseLeft(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	left := max(0, l.pausedUntil.Sub(now))
	if left > maxPause { // The clock was set back.
		return 0
	}
	return left
}

// tooLate reports whether ctx's deadline comes within the delay.
func tooLate(ctx context.Context, delay time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Now().Add(delay).After(deadline)
}

// sleep waits for d, or returns ctx's error as soon as ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil || d <= 0 {
		return err
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
