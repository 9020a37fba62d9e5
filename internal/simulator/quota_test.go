package simulator

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"testing"
	"time"

	"alicdn_export_exporter/internal/simulator/simulatortest"
)

func TestQuotaIsSharedByBothActionsAndBySchemes(t *testing.T) {
	now := noon
	s := New(twoTasks(), Options{Now: func() time.Time { return now }})
	c := newClient(noon)
	for i := range DefaultQuota {
		r := c.V3(http.MethodGet, UsageAction, nil, "")
		if i%2 == 0 {
			r = c.HMACSHA1(http.MethodGet, DetailAction, nil)
		}
		simulatortest.DecodePage(t, simulatortest.Do(s, r))
	}
	for _, r := range []*http.Request{c.V3(http.MethodGet, UsageAction, nil, ""), c.HMACSHA1(http.MethodGet, DetailAction, nil)} {
		if code := simulatortest.DecodeError(t, simulatortest.Do(s, r)).Code; code != "Throttling.User" && code != "Throttling" {
			t.Errorf("code %q", code)
		}
	}
	// A stranger's calls are refused, but not the account's.
	stranger := &simulatortest.Client{KeyID: DefaultAccessKeyID, Secret: "guessed", Now: noon}
	simulatortest.WantError(t, simulatortest.Do(s, stranger.V3(http.MethodGet, UsageAction, nil, "")), 400, "SignatureDoesNotMatch")
	now = noon.Add(10 * time.Millisecond)
	simulatortest.DecodePage(t, simulatortest.Do(s, c.V3(http.MethodGet, UsageAction, nil, "")))
}

// The two ways of throttling take turns, and both say when the next call will be
// granted: not before, and then indeed.
func TestThrottlingSaysHowLongToWait(t *testing.T) {
	limit := regexp.MustCompile(`^Limit:2,Remain:0,TimeLeft:([0-9]+),Reset:([0-9]+)$`)
	now := noon
	s := New(twoTasks(), Options{Now: func() time.Time { return now }, Quota: 2})
	c := newClient(noon)
	call := func() *http.Request { return c.V3(http.MethodGet, UsageAction, nil, "") }
	simulatortest.DecodePage(t, simulatortest.Do(s, call()))
	simulatortest.DecodePage(t, simulatortest.Do(s, call()))
	now = now.Add(123 * time.Millisecond)
	for i := range 4 {
		w := simulatortest.Do(s, call())
		if i%2 == 0 {
			simulatortest.WantError(t, w, 400, "Throttling.User")
		} else {
			simulatortest.WantError(t, w, 503, "Throttling")
		}
		left := w.Header().Get("x-acs-retry-after")
		match := limit.FindStringSubmatch(w.Header().Get("x-ratelimit-user-api"))
		if left != "377" || match == nil || match[1] != left || match[2] != strconv.FormatInt(noon.Unix(), 10) {
			t.Errorf("x-acs-retry-after %q, x-ratelimit-user-api %q", left, w.Header().Get("x-ratelimit-user-api"))
		}
	}
	now = now.Add(376 * time.Millisecond)
	simulatortest.WantError(t, simulatortest.Do(s, call()), 400, "Throttling.User")
	now = now.Add(time.Millisecond)
	simulatortest.DecodePage(t, simulatortest.Do(s, call()))
}

// One who asks without pause gets the size at once and then the rate.
func TestQuotaIsGrantedWhole(t *testing.T) {
	b := newTokenBucket(100, noon)
	granted := 0
	for i := range 10000 {
		if b.take(fixedClock(noon.Add(time.Duration(i)*time.Millisecond))) == nil {
			granted++
		}
	}
	if granted < 1098 || granted > 1100 {
		t.Errorf("%d calls granted in 9.999s, want 100 and 999.9", granted)
	}
}

// Whatever the callers do, no span of t seconds sees more than rate·t + size calls
// granted.
func TestQuotaOverAnySpan(t *testing.T) {
	for _, rate := range []float64{0.5, 1, 7, 100} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			now := noon
			b := newTokenBucket(rate, now)
			var granted []time.Time
			for range 5000 {
				pause := time.Duration(random.ExpFloat64() / rate / 3 * float64(time.Second))
				if random.IntN(500) == 0 {
					pause += 5 * time.Second
				}
				now = now.Add(pause)
				if b.take(fixedClock(now)) == nil {
					granted = append(granted, now)
				}
			}
			for from := range granted {
				for to := from; to < min(from+200, len(granted)); to++ {
					span := granted[to].Sub(granted[from]).Seconds()
					if most := rate*span + b.burst + 1e-6; float64(to-from+1) > most {
						t.Fatalf("%d calls granted in %gs, at most %g", to-from+1, span, most)
					}
				}
			}
		})
	}
}

func TestClockThatJumpsBackGrantsNothing(t *testing.T) {
	b := newTokenBucket(1, noon)
	if b.take(fixedClock(noon)) != nil {
		t.Fatal("the first call is refused")
	}
	if b.take(fixedClock(noon.Add(-time.Hour))) == nil {
		t.Error("a jump back grants a call")
	}
	if b.take(fixedClock(noon.Add(-time.Hour+time.Second))) != nil {
		t.Error("a second after the jump, nothing is granted")
	}
}
