package apiclient

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The waits between the attempts at one page, before jitter. They double from the first
// to the longest; throttling starts with the longer first wait.
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

// next returns how long to wait before another attempt; false if there must not be one.
// The error's code and class decide (codes.go).
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

// backoff grows exponentially, with jitter so that clients do not retry in step.
func (r *retries) backoff(err *Error) time.Duration {
	first := firstBackoff
	if err.throttling() {
		first = firstThrottledBackoff
	}
	longest := min(first<<min(r.backoffs, 16), longestBackoff)
	r.backoffs++
	return longest/2 + rand.N(longest/2+1) //nolint:gosec // Jitter needs no secure randomness.
}

// waitHint returns how long a response asks the client to wait: x-acs-retry-after in
// milliseconds; x-ratelimit-user-api and x-ratelimit-user, whose TimeLeft in
// milliseconds counts if Remain is 0; Retry-After in seconds or as a date. The longest
// counts, up to maxPause; values that cannot be read are ignored.
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
