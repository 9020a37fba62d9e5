package apiclient

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How the rate adapts to throttling (design: halved at most once a second, never
// below one call a second, a tenth of the configured rate back each second).
const (
	halvingInterval   = time.Second
	minimumRate       = 1.0
	recoveryPerSecond = 0.1
)

// maxPause bounds what an answer can make us wait, so that a nonsensical hint
// does not blind the exporter.
const maxPause = time.Minute

var errWaitTooLong = errors.New("the rate limit (--api.rate-limit, or rate_limit of the account) leaves no time for it before the deadline (--refresh.timeout)")

// limiter is the token bucket of an account. Over any window of t seconds it lets
// at most configured·t + burst attempts pass.
type limiter struct {
	configured float64
	tokens     *rate.Limiter
	// gate lets one attempt at a time wait for a token, so that a new rate or
	// pause holds for all that come after it.
	gate chan struct{}

	mu          sync.Mutex
	reduced     float64   // the rate at the last throttling,
	throttledAt time.Time // which was then; zero without one.
	halvedAt    time.Time
	pausedUntil time.Time
}

// newLimiter allows perSecond attempts a second, +Inf for no limit, in bursts of
// at most min(concurrency, perSecond), one at the least. Calls may arrive at the
// API a little closer together than they left: one of the burst is kept for that.
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

// configure changes what is allowed from now on. What was used up stays used up, and
// a pause goes on.
func (l *limiter) configure(perSecond float64, concurrency int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.configured = perSecond
	now := time.Now()
	l.tokens.SetLimitAt(now, rate.Limit(l.current(now)))
	l.tokens.SetBurstAt(now, burst(perSecond, concurrency))
}

// perSecond is the rate allowed just now.
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

// throttled slows the account down, and stops it for as long as the API asked.
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

// wait takes a token. It fails at once with errWaitTooLong where the context's
// deadline comes first.
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
			// A pause that began meanwhile holds for this attempt as well. Its
			// token is given up: kept, it would be one too many after the pause.
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

// adjust sets the bucket's rate and returns how long a pause still lasts.
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

func tooLate(ctx context.Context, delay time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Now().Add(delay).After(deadline)
}

// sleep ends early with the context's error.
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
