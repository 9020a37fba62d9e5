package apiclient_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/simulator"
)

func limited(perSecond float64, concurrency int) func(*apiclient.Config) {
	return func(c *apiclient.Config) { c.Limiter = apiclient.NewLimiter(perSecond, concurrency) }
}

// checkWindows fails if any window of calls has more than rate·t + burst calls.
func checkWindows(t *testing.T, calls []time.Time, rate, burst float64) {
	t.Helper()
	slices.SortFunc(calls, time.Time.Compare)
	for i := range calls {
		for j := i; j < len(calls); j++ {
			if n, most := float64(j-i+1), rate*calls[j].Sub(calls[i]).Seconds()+burst; n > most+1e-6 {
				t.Fatalf("%v calls in %s, at most %v are allowed", n, calls[j].Sub(calls[i]), most)
			}
		}
	}
}

func TestLimiter(t *testing.T) {
	t.Run("never exceeds the rate", func(t *testing.T) {
		for _, tc := range []struct {
			name    string
			answers []reply
		}{
			{"all well", []reply{{}}},
			{"server errors and retries", []reply{{500, "InternalError", nil}, {}, {502, "", nil}, {503, "ServiceUnavailable", nil}, {}}},
			{"throttling with pauses", []reply{{}, {}, {503, "Throttling", map[string]string{"x-acs-retry-after": "1500"}}, {}, {400, "Throttling.User", nil}, {}}},
		} {
			t.Run(tc.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					// The script starts over when it ends.
					api := new(script)
					for range 100 {
						api.answers = append(api.answers, tc.answers...)
					}
					client := newClient(t, "http://127.0.0.1", through(api), limited(20, 8), retrying(3))
					var callers sync.WaitGroup
					for range 50 {
						callers.Go(func() {
							for range 4 {
								_, _ = client.Page(context.Background(), apiclient.Usage, 1)
							}
						})
					}
					callers.Wait()
					if len(api.calls) < 200 {
						t.Fatalf("%d calls, want at least 200", len(api.calls))
					}
					checkWindows(t, api.calls, 20, 8)
				})
			})
		}
	})

	// 50 calls at 20 a second, with 7 of the burst's 8 tokens, take (50-7)/20 seconds and no
	// longer.
	t.Run("reaches the configured rate", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			api := &script{answers: []reply{{}}}
			w := new(witness)
			client := newClient(t, "http://127.0.0.1", through(api), limited(20, 8), observedBy(w))
			began := time.Now()
			var callers sync.WaitGroup
			for range 50 {
				callers.Go(func() { _, _ = client.Page(context.Background(), apiclient.Usage, 1) })
			}
			callers.Wait()
			took := time.Since(began)
			if want := 2150 * time.Millisecond; took > want+time.Millisecond || took < want-time.Millisecond {
				t.Errorf("took %s, want %s", took, want)
			}
			var waited time.Duration
			for _, a := range w.attempts {
				waited += a.RateLimitWait
			}
			if waited != took { // One call at a time waits for a token, the others for their turn.
				t.Errorf("observed %s of waiting in %s", waited, took)
			}
		})
	})

	t.Run("halves the rate on throttling and recovers", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			throttle := true
			client := newClient(t, "http://127.0.0.1", limited(20, 8), through(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if throttle {
					w.WriteHeader(http.StatusServiceUnavailable)
					_, _ = w.Write([]byte(`{"Code":"Throttling"}`))
					return
				}
				_, _ = w.Write([]byte(emptyList))
			})))
			expect := func(when string, want float64) {
				t.Helper()
				if got := client.RateLimit(); got < want-0.001 || got > want+0.001 {
					t.Errorf("%s: %v calls a second, want %v", when, got, want)
				}
			}
			expect("at first", 20)
			_ = pageError(t, client)
			expect("throttled", 10)
			_ = pageError(t, client)
			expect("throttled again within the second", 10)
			time.Sleep(time.Second) // Fake time.
			expect("a second later", 12)
			_ = pageError(t, client)
			expect("throttled again", 6)
			for range 20 {
				time.Sleep(time.Second)
				_ = pageError(t, client)
			}
			expect("throttled for long", 2) // Halved from 4, which is 2 and a tenth of 20.
			throttle = false
			time.Sleep(4500 * time.Millisecond)
			expect("recovering", 11)
			time.Sleep(time.Hour)
			expect("recovered", 20)
		})
	})

	t.Run("never falls below one call per second", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			for configured, want := range map[float64]float64{1.5: 1, 0.5: 0.5} {
				client := newClient(t, "http://127.0.0.1", limited(configured, 8), through(fail(429, "")))
				_ = pageError(t, client)
				if got := client.RateLimit(); got != want {
					t.Errorf("%v calls a second after throttling %v, want %v", got, configured, want)
				}
			}
		})
	})

	t.Run("fails at once when the deadline comes before the token", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			api := &script{answers: []reply{{}}}
			w := new(witness)
			client := newClient(t, "http://127.0.0.1", through(api), limited(0.1, 1), observedBy(w), retrying(3))
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			if _, err := client.Page(ctx, apiclient.Usage, 1); err != nil {
				t.Fatal(err)
			}
			_, err := client.Page(ctx, apiclient.Usage, 1)
			if err == nil || !errors.Is(err, apiclient.ErrNotSent) || ctx.Err() != nil || len(api.calls) != 1 {
				t.Errorf("error = %v after %d calls, want ErrNotSent, at once", err, len(api.calls))
			}
			if n := len(w.attempts); w.attempts[n-1].Sent || w.attempts[n-1].Err.Code != "timeout" {
				t.Errorf("the last attempt was %+v", w.attempts[n-1])
			}
		})
	})

	// The rate of the bucket falls and recovers, and not only the metric.
	t.Run("lets calls follow the recovering rate", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			api := &script{answers: []reply{{503, "Throttling", nil}, {}}}
			client := newClient(t, "http://127.0.0.1", through(api), limited(20, 1))
			_ = pageError(t, client)
			read := func() time.Duration {
				began := time.Now()
				for range 20 {
					if _, err := client.Page(context.Background(), apiclient.Usage, 1); err != nil {
						t.Fatal(err)
					}
				}
				return time.Since(began)
			}
			if took := read(); took < 1300*time.Millisecond || took > 2*time.Second {
				t.Errorf("20 calls took %s from 10 a second on, want 1.3 s to 2 s", took)
			}
			time.Sleep(time.Minute)
			if took := read(); took > time.Second {
				t.Errorf("20 calls took %s at 20 a second again, want a second at most", took)
			}
		})
	})

	// A pause that begins while a call waits for its token applies to that call too.
	t.Run("applies a pause to calls that are already waiting", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			api := &script{answers: []reply{{503, "Throttling", map[string]string{"x-acs-retry-after": "5000"}}, {}}}
			client := newClient(t, "http://127.0.0.1", limited(1, 2), through(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(500 * time.Millisecond) // Fake time: half of what the second call waits for its token.
				api.ServeHTTP(w, r)
			})))
			var callers sync.WaitGroup
			for range 2 {
				callers.Go(func() { _, _ = client.Page(context.Background(), apiclient.Usage, 1) })
			}
			callers.Wait()
			if waited := api.calls[1].Sub(api.calls[0]); waited < 5*time.Second {
				t.Errorf("the second call came after %s, the API asked for 5 s", waited)
			}
		})
	})
}

// slowKeys takes a while to return each key.
type slowKeys struct{ apiclient.StaticCredentials }

func (s slowKeys) Credentials(ctx context.Context) (apiclient.Credentials, error) {
	select {
	case <-time.After(4 * time.Second):
		return s.StaticCredentials.Credentials(ctx)
	case <-ctx.Done():
		return apiclient.Credentials{}, ctx.Err()
	}
}

func TestClient(t *testing.T) {
	// Tokens must not be saved up while keys are fetched.
	t.Run("does not save up tokens while keys are fetched", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			api := &script{answers: []reply{{}}}
			client := newClient(t, "http://127.0.0.1", through(api), limited(20, 8), func(c *apiclient.Config) { c.Credentials = slowKeys{testKey} })
			var callers sync.WaitGroup
			for range 40 {
				callers.Go(func() { _, _ = client.Page(context.Background(), apiclient.Usage, 1) })
			}
			callers.Wait()
			if len(api.calls) != 40 {
				t.Fatalf("%d calls, want 40", len(api.calls))
			}
			checkWindows(t, api.calls, 20, 8)
		})
	})

	t.Run("bounds concurrency over both exports", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var now, most atomic.Int64
			account := simulator.NewFixedAccount(numbered(2000)...)
			client, _, _ := simulated(t, account, func(api http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					most.Store(max(most.Load(), now.Add(1)))
					defer now.Add(-1)
					time.Sleep(2 * time.Second) // Fake time.
					api.ServeHTTP(w, r)
				})
			})
			var lists sync.WaitGroup
			for _, export := range apiclient.Exports() {
				lists.Go(func() {
					if _, err := client.List(context.Background(), export, nil); err != nil {
						t.Error(err)
					}
				})
			}
			lists.Wait()
			if most.Load() != 8 {
				t.Errorf("%d calls at the same time, want 8", most.Load())
			}
		})
	})

	t.Run("keeps one export's outage from the other", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			calls := make(map[string]int)
			var mu sync.Mutex
			client := newClient(t, "http://127.0.0.1", retrying(3), through(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				action := r.Header.Get("X-Acs-Action")
				mu.Lock()
				calls[action]++
				mu.Unlock()
				if action == apiclient.Usage.Action() {
					fail(503, `{"Code":"ServiceUnavailable"}`).ServeHTTP(w, r)
					return
				}
				_, _ = w.Write([]byte(emptyList))
			})))
			for range 10 {
				for _, export := range apiclient.Exports() {
					_, _ = client.Page(context.Background(), export, 1)
				}
			}
			if calls[apiclient.Usage.Action()] != 4+9 || calls[apiclient.UsageDetail.Action()] != 10 {
				t.Errorf("calls = %v, want 13 and 10", calls)
			}
		})
	})
}

func TestLimiterSharing(t *testing.T) {
	// An account whose settings change repeatedly stays within its rate. Clients that replace
	// each other share what is used up, also when the rate changes.
	t.Run("keeps the rate over replaced clients", func(t *testing.T) {
		for name, rates := range map[string][]float64{"the same rate": {2}, "rates that change": {2, 1, 5, 3}} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					api := new(script)
					for range 100 {
						api.answers = append(api.answers, reply{})
					}
					limiter := apiclient.NewLimiter(rates[0], 4)
					for n := range 40 {
						limiter.SetRate(rates[n%len(rates)])
						client := newClient(t, "http://127.0.0.1", through(api), sharing(limiter))
						if got := client.RateLimit(); got != rates[n%len(rates)] {
							t.Fatalf("the limit is %v a second, want the new one, %v", got, rates[n%len(rates)])
						}
						if _, err := client.Page(t.Context(), apiclient.Usage, 1); err != nil {
							t.Fatal(err)
						}
					}
					checkWindows(t, api.calls, slices.Max(rates), 4)
					if took := api.calls[39].Sub(api.calls[0]); took < time.Second*36/time.Duration(slices.Max(rates)) {
						t.Errorf("40 calls took %s", took)
					}
				})
			})
		}
	})

	t.Run("keeps a pause and a reduced rate", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			api := &script{answers: []reply{{503, "Throttling", map[string]string{"x-acs-retry-after": "5000"}}, {}, {}}}
			limiter := apiclient.NewLimiter(20, 4)
			before := newClient(t, "http://127.0.0.1", through(api), sharing(limiter))
			if _, err := before.Page(t.Context(), apiclient.Usage, 1); err == nil {
				t.Fatal("the first call was not throttled")
			}
			began := time.Now()
			limiter.SetRate(20)
			after := newClient(t, "http://127.0.0.1", through(api), sharing(limiter))
			if got := after.RateLimit(); got != 10 {
				t.Errorf("the limit is %v, want half of 20", got)
			}
			if _, err := after.Page(t.Context(), apiclient.Usage, 1); err != nil || time.Since(began) < 5*time.Second {
				t.Errorf("the API asked for a pause of 5 s, the next call ended after %s: %v", time.Since(began), err)
			}
		})
	})
}

func sharing(limiter *apiclient.Limiter) func(*apiclient.Config) {
	return func(c *apiclient.Config) { c.Limiter = limiter }
}
