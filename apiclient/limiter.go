package apiclient

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Throttling halves the rate, at most once per second and not below one call per second. Each
// second afterwards restores a tenth of the configured rate.
const (
	halvingInterval   = time.Second
	minimumRate       = 1.0
	recoveryPerSecond = 0.1
)

// maxPause is the maximum pause that a response can request. It keeps an absurd hint from
// stopping the client for long.
const maxPause = time.Minute

// errWaitTooLong means that the deadline is before the next token.
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
	throttledAt time.Time // the time of the last throttling; zero before the first
	halvedAt    time.Time
	pausedUntil time.Time
	cause       *Error // the error of the last throttling or pause
}

// NewLimiter returns a Limiter that allows perSecond calls per second and concurrency calls at
// the same time. perSecond may be +Inf for no limit; concurrency must be at least 1. The
// maximum burst is min(concurrency, perSecond) calls, but at least 1.
func NewLimiter(perSecond float64, concurrency int) *Limiter {
	return &Limiter{
		configured: perSecond,
		tokens:     rate.NewLimiter(rate.Limit(perSecond), bucketSize(perSecond, concurrency)),
		slots:      make(chan struct{}, concurrency),
	}
}

// bucketSize returns one token less than the maximum burst, but at least 1: calls may reach the
// API closer together than they were sent.
func bucketSize(perSecond float64, concurrency int) int {
	return int(math.Max(1, math.Min(float64(concurrency), perSecond)-1))
}

// concurrency returns the maximum number of calls in flight.
func (l *Limiter) concurrency() int { return cap(l.slots) }

// SetRate changes the number of calls per second. Spent tokens stay spent, and a running pause
// continues.
func (l *Limiter) SetRate(perSecond float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.configured = perSecond
	now := time.Now()
	l.tokens.SetLimitAt(now, rate.Limit(l.current(now)))
	l.tokens.SetBurstAt(now, bucketSize(perSecond, l.concurrency()))
}

// Rate returns the number of calls per second that is allowed now. It is the configured rate,
// or less after throttling.
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

// acquire waits for the call's turn, for a slot and for a token. attempts is the number of
// earlier attempts at the call. The caller must call release after reading the response. waited
// is the time spent waiting for a pause to end and for the token. The error is an *Error with
// notSent set, or the context's error if ctx was canceled.
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
			// A throttled call may be more urgent by now.
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
		// If a pause has begun by now, this call gives up its token and waits. Keeping the
		// token would add a call to those that follow the pause.
		if l.pauseLeft(time.Now()) <= 0 {
			return release, waited, nil
		}
		release()
	}
}

// notSent returns the error of a call that has waited since the given time and was not sent:
// ctx's error if ctx was canceled; the API's error if throttling or a pause used up the time;
// otherwise a timeout.
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
// ctx's deadline is before the token.
func (l *Limiter) takeToken(ctx context.Context) error {
	l.adjustRate()
	reservation := l.tokens.Reserve()
	err := l.sleep(ctx, reservation.Delay())
	if errors.Is(err, errWaitTooLong) {
		reservation.Cancel()
	}
	return err
}

// sleep waits for d. It fails at once with errWaitTooLong if ctx's deadline is before the end
// of d.
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

// adjustRate sets the bucket's rate to the current one.
func (l *Limiter) adjustRate() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if limit := rate.Limit(l.current(now)); limit != l.tokens.Limit() {
		l.tokens.SetLimitAt(now, limit)
	}
}

// pauseLeft returns the remaining time of the pause, or 0 if there is none.
func (l *Limiter) pauseLeft(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	left := max(0, l.pausedUntil.Sub(now))
	if left > maxPause { // The clock was set back.
		return 0
	}
	return left
}

// tooLate reports whether ctx's deadline is before the end of the delay.
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
