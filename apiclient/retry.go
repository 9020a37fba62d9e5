package apiclient

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The backoff between the attempts at one page, before jitter. It doubles up to longestBackoff.
// After throttling, it starts with firstThrottledBackoff.
const (
	firstBackoff          = 200 * time.Millisecond
	firstThrottledBackoff = time.Second
	longestBackoff        = 10 * time.Second
)

// retries decides whether another attempt follows a failed one, for one page.
type retries struct {
	left         int
	backoffs     int
	nonceRenewed bool
	tokenRenewed bool
}

// next returns how long to wait before another attempt, or false if there must not be one. The
// error's code and class decide (see codes.go).
func (r *retries) next(err *Error) (time.Duration, bool) {
	switch {
	case err.nonceUsed() && !r.nonceRenewed:
		r.nonceRenewed = true
		return err.RetryAfter, true
	case err.tokenRefused() && !r.tokenRenewed:
		r.tokenRenewed = true
		return err.RetryAfter, true
	case !err.transient() || r.left <= 0:
		return 0, false
	}
	r.left--
	return max(err.RetryAfter, r.backoff(err)), true
}

// backoff returns a wait that grows exponentially. Its jitter keeps clients from retrying in
// step.
func (r *retries) backoff(err *Error) time.Duration {
	first := firstBackoff
	if err.throttling() {
		first = firstThrottledBackoff
	}
	longest := min(first<<min(r.backoffs, 16), longestBackoff)
	r.backoffs++
	return longest/2 + rand.N(longest/2+1) //nolint:gosec // Jitter needs no secure randomness.
}

// waitHint returns the wait that a response requests. It reads x-acs-retry-after in
// milliseconds, and Retry-After in seconds or as a date. It reads TimeLeft in milliseconds from
// x-ratelimit-user-api and x-ratelimit-user if their Remain is 0. It returns the longest of
// them, at most maxPause, and ignores values that it cannot parse.
func waitHint(header http.Header, now time.Time) time.Duration {
	hint := milliseconds(header.Get("X-Acs-Retry-After"))
	for _, name := range []string{"X-Ratelimit-User-Api", "X-Ratelimit-User"} {
		hint = max(hint, rateLimitHint(header.Get(name)))
	}
	if after := header.Get("Retry-After"); after != "" {
		if seconds, err := strconv.ParseUint(after, 10, 31); err == nil {
			hint = max(hint, time.Duration(seconds)*time.Second)
		} else if date, err := http.ParseTime(after); err == nil {
			hint = max(hint, date.Sub(now))
		}
	}
	return min(hint, maxPause)
}

// rateLimitHint reads "Limit:1,Remain:0,TimeLeft:2000,Reset:1234".
func rateLimitHint(value string) time.Duration {
	var remain, timeLeft string
	for field := range strings.SplitSeq(value, ",") {
		switch name, text, _ := strings.Cut(strings.TrimSpace(field), ":"); name {
		case "Remain":
			remain = text
		case "TimeLeft":
			timeLeft = text
		}
	}
	if remain != "0" {
		return 0
	}
	return milliseconds(timeLeft)
}

func milliseconds(text string) time.Duration {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Millisecond
}
