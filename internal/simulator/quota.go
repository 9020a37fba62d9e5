package simulator

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// bucket is the account's quota: over any t seconds it grants at most rate·t calls
// and its size more.
type bucket struct {
	mu         sync.Mutex
	rate, size float64
	tokens     float64
	at         time.Time // when tokens was true
	refused    int
}

func newBucket(rate float64, now time.Time) *bucket {
	size := math.Max(1, rate)
	return &bucket{rate: rate, size: size, tokens: size, at: now}
}

// take grants a call or says how long to wait for the next. It reads the clock
// under its lock: calls that raced each other to it must not turn time back.
func (b *bucket) take(clock func() time.Time) *apiError {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := clock()
	if passed := now.Sub(b.at).Seconds(); passed > 0 {
		b.tokens = math.Min(b.size, b.tokens+passed*b.rate)
	}
	b.at = now
	if b.tokens >= 1 {
		b.tokens--
		return nil
	}
	b.refused++
	return throttled(b.refused, b.rate, time.Duration((1-b.tokens)/b.rate*float64(time.Second)), now)
}

// throttled is the refusal of a call over the quota. The API is seen to answer in
// two ways; they take turns.
func throttled(nth int, rate float64, left time.Duration, now time.Time) *apiError {
	refusal := &apiError{status: http.StatusBadRequest, code: "Throttling.User", message: "Request was denied due to user flow control."}
	if nth%2 == 0 {
		refusal = &apiError{status: http.StatusServiceUnavailable, code: "Throttling", message: "Request was denied due to request throttling."}
	}
	ms := int64(math.Ceil(float64(left) / float64(time.Millisecond)))
	refusal.header = http.Header{}
	refusal.header.Set("x-acs-retry-after", strconv.FormatInt(ms, 10))
	refusal.header.Set("x-ratelimit-user-api", fmt.Sprintf("Limit:%g,Remain:0,TimeLeft:%d,Reset:%d", rate, ms, now.Add(left).Unix()))
	return refusal
}
