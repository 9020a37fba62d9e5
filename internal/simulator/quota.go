package simulator

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// tokenBucket enforces the quota of an account. Over any t seconds it grants at
// most rate·t + burst calls.
type tokenBucket struct {
	mu      sync.Mutex
	rate    float64 // calls per second
	burst   float64
	tokens  float64
	updated time.Time // when tokens was computed
	refused int       // number of calls refused so far
}

func newTokenBucket(rate float64, now time.Time) *tokenBucket {
	burst := math.Max(1, rate)
	return &tokenBucket{rate: rate, burst: burst, tokens: burst, updated: now}
}

// take grants a call, or returns a throttling error. It reads the clock while it
// holds the lock, so that concurrent calls see times in order.
func (b *tokenBucket) take(clock func() time.Time) *apiError {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := clock()
	if passed := now.Sub(b.updated).Seconds(); passed > 0 {
		b.tokens = math.Min(b.burst, b.tokens+passed*b.rate)
	}
	b.updated = now
	if b.tokens >= 1 {
		b.tokens--
		return nil
	}
	b.refused++
	untilNext := time.Duration((1 - b.tokens) / b.rate * float64(time.Second))
	return throttled(b.refused, b.rate, untilNext, now)
}

// throttled is the error for a call over the quota. The real API uses two codes;
// here they alternate. The headers say when the next call will be granted.
func throttled(nth int, rate float64, untilNext time.Duration, now time.Time) *apiError {
	apiErr := badRequest("Throttling.User", "Request was denied due to user flow control.")
	if nth%2 == 0 {
		apiErr = &apiError{
			status:  http.StatusServiceUnavailable,
			code:    "Throttling",
			message: "Request was denied due to request throttling.",
		}
	}
	ms := int64(math.Ceil(float64(untilNext) / float64(time.Millisecond)))
	apiErr.header = http.Header{}
	apiErr.header.Set("x-acs-retry-after", strconv.FormatInt(ms, 10))
	apiErr.header.Set("x-ratelimit-user-api",
		fmt.Sprintf("Limit:%g,Remain:0,TimeLeft:%d,Reset:%d", rate, ms, now.Add(untilNext).Unix()))
	return apiErr
}
