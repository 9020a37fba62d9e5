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

// limiter is an account's token bucket. Over any window of t seconds it lets at most
// configured·t + burst attempts pass.
type limiter struct {
	configured float64
	tokens     *rate.Limiter
	// gate lets one attempt at a time wait for a token, so that a new rate or pause
	// holds for all attempts behind it.
	gate chan struct{}

	mu          sync.Mutex
	reduced     float64   // the rate right after the last throttling
	throttledAt time.Time // when that was; zero before the first
	halvedAt    time.Time
	pausedUntil time.Time
}

// newLimiter allows perSecond attempts per second, +Inf for no limit, in bursts of at
// most min(concurrency, perSecond) and at least one. The bucket holds one token less
// than the burst, because calls may reach the API closer together than they were sent.
func newLimiter(perSecond float64, concurrency int) *limiter {
	return &limiter{
		configured: perSecond,
		tokens:     rate.NewLimiter(rate.Limit(perSecond), burst(perSecond, concurrency)),
		gate:       make(chan struct{}, 1),
	}
}

func burst(perSecond float64, concurrency int) int {
	return int(math.Max(1, math.Min(float64(concurrency), perSecond)-1))
}

// configure sets rate and burst. Spent tokens and a running pause are kept.
func (l *limiter) configure(perSecond float64, concurrency int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.configured = perSecond
	now := time.Now()
	l.tokens.SetLimitAt(now, rate.Limit(l.current(now)))
	l.tokens.SetBurstAt(now, burst(perSecond, concurrency))
}

// perSecond returns the rate that is allowed now.
func (l *limiter) perSecond() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current(time.Now())
}

func (l *limiter) current(now time.Time) float64 {
	if l.throttledAt.IsZero() || math.IsInf(l.configured, 1) {
		return l.configured
	}
	regained := recoveryPerSecond * l.configured * now.Sub(l.throttledAt).Seconds()
	return math.Min(l.configured, l.reduced+math.Max(0, regained))
}

// throttled halves the rate and pauses the account for as long as the API asked.
func (l *limiter) throttled(hint time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.reduced = l.current(now)
	if now.Sub(l.halvedAt) >= halvingInterval {
		l.reduced = math.Max(l.reduced/2, math.Min(minimumRate, l.configured))
		l.halvedAt = now
	}
	l.throttledAt = now
	if until := now.Add(min(hint, maxPause)); until.After(l.pausedUntil) {
		l.pausedUntil = until
	}
}

// wait takes a token. It fails at once with errWaitTooLong if ctx's deadline comes first.
func (l *limiter) wait(ctx context.Context) error {
	select {
	case l.gate <- struct{}{}:
		defer func() { <-l.gate }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		pause := l.adjust()
		if pause <= 0 {
			reservation := l.tokens.Reserve()
			delay := reservation.Delay()
			if tooLate(ctx, delay) {
				reservation.Cancel()
				return errWaitTooLong
			}
			if err := sleep(ctx, delay); err != nil {
				return err
			}
			// A pause that began meanwhile holds for this attempt as well. Its token is
			// given up, because after the pause it would be one too many.
			if !l.paused() {
				return nil
			}
			continue
		}
		if tooLate(ctx, pause) {
			return errWaitTooLong
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// adjust sets the bucket's rate and returns the rest of a running pause.
func (l *limiter) adjust() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if limit := rate.Limit(l.current(now)); limit != l.tokens.Limit() {
		l.tokens.SetLimitAt(now, limit)
	}
	return l.pausedUntil.Sub(now)
}

func (l *limiter) paused() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pausedUntil.After(time.Now())
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
