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

func TestQuota(t *testing.T) {
	t.Run("is shared by both actions and both schemes", func(t *testing.T) {
		now := noon
		s := New(twoTasks(), Options{Now: func() time.Time { return now }})
		c := newClient(noon)
		for i := range DefaultQuota {
			r := c.List(UsageAction)
			if i%2 == 0 {
				r = c.HMACSHA1(http.MethodGet, DetailAction, nil)
			}
			simulatortest.DecodePage(t, simulatortest.Do(s, r))
		}
		for _, r := range []*http.Request{c.List(UsageAction), c.HMACSHA1(http.MethodGet, DetailAction, nil)} {
			code := simulatortest.DecodeError(t, simulatortest.Do(s, r)).Code
			if code != "Throttling.User" && code != "Throttling" {
				t.Errorf("code %q", code)
			}
		}
		// A request with a wrong signature does not count against the quota.
		stranger := &simulatortest.Client{KeyID: DefaultAccessKeyID, Secret: "guessed", Now: noon}
		w := simulatortest.Do(s, stranger.List(UsageAction))
		simulatortest.WantError(t, w, 400, "SignatureDoesNotMatch")
		now = noon.Add(10 * time.Millisecond)
		simulatortest.DecodePage(t, simulatortest.Do(s, c.List(UsageAction)))
	})

	// The two codes alternate. Both say when the next call will be granted: not
	// earlier, and not later.
	t.Run("a throttling error says how long to wait", func(t *testing.T) {
		limit := regexp.MustCompile(`^Limit:2,Remain:0,TimeLeft:([0-9]+),Reset:([0-9]+)$`)
		now := noon
		s := New(twoTasks(), Options{Now: func() time.Time { return now }, Quota: 2})
		c := newClient(noon)
		simulatortest.DecodePage(t, simulatortest.Do(s, c.List(UsageAction)))
		simulatortest.DecodePage(t, simulatortest.Do(s, c.List(UsageAction)))
		now = now.Add(123 * time.Millisecond)
		for i := range 4 {
			w := simulatortest.Do(s, c.List(UsageAction))
			if i%2 == 0 {
				simulatortest.WantError(t, w, 400, "Throttling.User")
			} else {
				simulatortest.WantError(t, w, 503, "Throttling")
			}
			retryAfter, rateLimit := w.Header().Get("x-acs-retry-after"), w.Header().Get("x-ratelimit-user-api")
			match := limit.FindStringSubmatch(rateLimit)
			if retryAfter != "377" || match == nil || match[1] != retryAfter || match[2] != strconv.FormatInt(noon.Unix(), 10) {
				t.Errorf("x-acs-retry-after %q, x-ratelimit-user-api %q", retryAfter, rateLimit)
			}
		}
		now = now.Add(376 * time.Millisecond)
		simulatortest.WantError(t, simulatortest.Do(s, c.List(UsageAction)), 400, "Throttling.User")
		now = now.Add(time.Millisecond)
		simulatortest.DecodePage(t, simulatortest.Do(s, c.List(UsageAction)))
	})
}

func TestTokenBucket(t *testing.T) {
	t.Run("grants the burst at once and then the rate", func(t *testing.T) {
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
	})

	for _, rate := range []float64{0.5, 1, 7, 100} {
		t.Run(fmt.Sprintf("never grants more than rate·t + burst, at %g per second", rate), func(t *testing.T) {
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

	t.Run("grants nothing when the clock jumps back", func(t *testing.T) {
		b := newTokenBucket(1, noon)
		if b.take(fixedClock(noon)) != nil {
			t.Fatal("the first call is refused")
		}
		if b.take(fixedClock(noon.Add(-time.Hour))) == nil {
			t.Error("a jump back grants a call")
		}
		if b.take(fixedClock(noon.Add(-time.Hour+time.Second))) != nil {
			t.Error("a call is refused one second after the jump")
		}
	})
}
