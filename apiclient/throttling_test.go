package apiclient_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"alicdn_export_exporter/apiclient"
)

// pageWithin reads page 1 of a list with a time limit, and returns the error.
func pageWithin(t *testing.T, client *apiclient.Client, export apiclient.Export, d time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	_, err := client.Page(ctx, export, 1)
	return err
}

// kindOf returns the kind of an error, if it is an *apiclient.Error.
func kindOf(err error) apiclient.ErrorKind {
	if apiErr, ok := errors.AsType[*apiclient.Error](err); ok {
		return apiErr.Kind()
	}
	return apiclient.ErrorKind{}
}

func TestThrottling(t *testing.T) {
	throttling := apiclient.ErrorKind{Code: "Throttling", Class: apiclient.ClassThrottled}
	minute := map[string]string{"Retry-After": "60"}

	// The deadline is before the end of the pause. The error must be the throttling, not a
	// network error.
	t.Run("is the error of calls that it holds back", func(t *testing.T) {
		for name, tc := range map[string]struct {
			answer reply
			want   apiclient.ErrorKind
		}{
			"with a hint":                {reply{503, "Throttling", minute}, throttling},
			"with a hint in an error":    {reply{503, "ServiceUnavailable", minute}, apiclient.ErrorKind{Code: "ServiceUnavailable", Class: apiclient.ClassServer}},
			"with a hint and no code":    {reply{429, "", minute}, apiclient.ErrorKind{Code: "http_status", Class: apiclient.ClassThrottled}},
			"with a hint and status 200": {reply{200, "Throttling", minute}, throttling},
		} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					api := &script{answers: []reply{tc.answer, {}}}
					w := new(witness)
					client := newClient(t, "http://127.0.0.1", through(api), retrying(3), observedBy(w))
					for range 3 {
						for _, export := range apiclient.Exports() {
							err := pageWithin(t, client, export, 15*time.Second)
							if kindOf(err) != tc.want || errors.Is(err, apiclient.ErrNotSent) {
								t.Errorf("error = %v, want %v", err, tc.want)
							}
						}
						time.Sleep(15 * time.Second) // Fake time.
					}
					if len(api.calls) != 1 || len(w.attempts) != 6 {
						t.Errorf("%d calls in the pause, %d attempts, want 1 and 6", len(api.calls), len(w.attempts))
					}
					for _, a := range w.attempts[1:] {
						if a.Sent || a.Err.Kind() != tc.want {
							t.Errorf("attempt %+v, want one that was not sent because of %v", a, tc.want)
						}
					}
					time.Sleep(15 * time.Second)
					if err := pageWithin(t, client, apiclient.Usage, 15*time.Second); err != nil {
						t.Errorf("after the pause: %v", err)
					}
				})
			})
		}
	})

	t.Run("is the error of a call whose turn did not come", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			api := &script{answers: []reply{{503, "Throttling", map[string]string{"Retry-After": "20"}}, {}}}
			client := newClient(t, "http://127.0.0.1", limited(20, 2), retrying(3), through(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(time.Second) // Fake time.
				api.ServeHTTP(w, r)
			})))
			var calls sync.WaitGroup
			for range 2 {
				calls.Go(func() { _ = pageWithin(t, client, apiclient.Usage, time.Minute) })
			}
			time.Sleep(100 * time.Millisecond)
			// Both slots are taken, then the account pauses.
			if err := pageWithin(t, client, apiclient.UsageDetail, 5*time.Second); kindOf(err) != throttling {
				t.Errorf("error = %v, want %v", err, throttling)
			}
			calls.Wait()
		})
	})

	t.Run("is the error while the reduced rate allows no call", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			api := &script{answers: []reply{{503, "Throttling", nil}, {}}}
			client := newClient(t, "http://127.0.0.1", limited(0.5, 1), through(api))
			_ = pageError(t, client)
			// The rate is as low as it was. It is the configured rate that allows no call.
			if err := pageWithin(t, client, apiclient.Usage, time.Second); !errors.Is(err, apiclient.ErrNotSent) {
				t.Errorf("error = %v, want ErrNotSent", err)
			}
			client = newClient(t, "http://127.0.0.1", limited(2, 1), through(&script{answers: []reply{{503, "Throttling", nil}, {}}}))
			_ = pageError(t, client)
			if err := pageWithin(t, client, apiclient.Usage, 900*time.Millisecond); kindOf(err) != throttling {
				t.Errorf("error = %v, want %v", err, throttling)
			}
		})
	})

	// A wait hint applies to every error after which the call is retried.
	t.Run("obeys hints of other errors", func(t *testing.T) {
		for _, tc := range []struct {
			answer reply
			hint   string
			calls  int
			paused time.Duration
		}{
			{reply{503, "ServiceUnavailable", nil}, "30", 2, 30 * time.Second},
			{reply{500, "InternalError", nil}, "30", 2, 30 * time.Second},
			{reply{502, "", nil}, "30", 2, 30 * time.Second},
			{reply{429, "", nil}, "30", 2, 30 * time.Second},
			{reply{503, "ServiceUnavailable", nil}, "3600", 2, time.Minute},
			{reply{400, "SignatureNonceUsed", nil}, "30", 2, 30 * time.Second},
			{reply{403, "InvalidSecurityToken.Expired", nil}, "30", 2, 30 * time.Second},
			{reply{403, "Forbidden.RAM", nil}, "30", 1, 0},
			{reply{400, "InvalidParameter", nil}, "30", 1, 0},
		} {
			t.Run(fmt.Sprintf("%d %s %s", tc.answer.status, tc.answer.code, tc.hint), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					tc.answer.header = map[string]string{"Retry-After": tc.hint}
					api := &script{answers: []reply{tc.answer, {}}}
					client := newClient(t, "http://127.0.0.1", through(api), retrying(1))
					began := time.Now()
					_, _ = client.Page(t.Context(), apiclient.Usage, 1)
					if took := time.Since(began); len(api.calls) != tc.calls || took < tc.paused || took > tc.paused+time.Second {
						t.Errorf("%d calls in %s, want %d in %s", len(api.calls), took, tc.calls, tc.paused)
					}
					began = time.Now()
					if _, err := client.Page(t.Context(), apiclient.UsageDetail, 1); err != nil || time.Since(began) > time.Second {
						t.Errorf("the next call took %s: %v", time.Since(began), err)
					}
				})
			})
		}
	})

	t.Run("a hint pauses the other list as well", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			api := &script{answers: []reply{{503, "ServiceUnavailable", map[string]string{"Retry-After": "30"}}, {}}}
			client := newClient(t, "http://127.0.0.1", through(api))
			_ = pageError(t, client)
			began := time.Now()
			if _, err := client.Page(t.Context(), apiclient.UsageDetail, 1); err != nil || time.Since(began) != 30*time.Second {
				t.Errorf("the other list was called after %s, want 30 s: %v", time.Since(began), err)
			}
		})
	})

	t.Run("is no outage: the next call is retried", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			api := &script{answers: []reply{{503, "Throttling", nil}}}
			client := newClient(t, "http://127.0.0.1", through(api), retrying(3))
			_ = pageError(t, client)
			_ = pageError(t, client)
			if len(api.calls) != 8 {
				t.Errorf("%d calls for two pages, want 8", len(api.calls))
			}
		})
	})
}

func TestOutage(t *testing.T) {
	// For all time limits, the refresh after a failed one makes a single call.
	for _, tc := range []struct {
		name    string
		refresh time.Duration // the time limit of each refresh
		timeout time.Duration // of each call
		answers []reply       // nil if nothing answers
		calls   []int         // of each refresh; 0 if it depends on chance
	}{
		{"nothing answers within 2m", 2 * time.Minute, 10 * time.Second, nil, []int{4, 1, 1, 1}},
		{"nothing answers within 30s", 30 * time.Second, 10 * time.Second, nil, []int{3, 1, 1, 1}},
		{"nothing answers within 20s", 20 * time.Second, 10 * time.Second, nil, []int{2, 1, 1, 1}},
		{"nothing answers within 5s", 5 * time.Second, 10 * time.Second, nil, []int{1, 1, 1, 1}},
		{"errors within 2m", 2 * time.Minute, 10 * time.Second, []reply{{503, "ServiceUnavailable", nil}}, []int{4, 1, 1, 1}},
		{"errors within 1s", time.Second, 10 * time.Second, []reply{{500, "InternalError", nil}}, []int{0, 1, 1, 1}},
		{"errors with a hint", 2 * time.Second, 10 * time.Second, []reply{{500, "InternalError", map[string]string{"Retry-After": "5"}}}, []int{1, 1, 1, 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n int
				api := &script{answers: tc.answers}
				client := newClient(t, "http://127.0.0.1", retrying(3), func(c *apiclient.Config) {
					c.Timeout = tc.timeout
					c.Transport = inMemory{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						n++
						if tc.answers == nil {
							<-r.Context().Done()
							return
						}
						api.ServeHTTP(w, r)
					})}
				})
				for i, want := range tc.calls {
					n = 0
					ctx, cancel := context.WithTimeout(t.Context(), tc.refresh)
					if _, err := client.List(ctx, apiclient.Usage, nil); err == nil {
						t.Error("no error")
					}
					cancel()
					if n != want && want != 0 {
						t.Errorf("refresh %d made %d calls, want %d", i+1, n, want)
					}
					time.Sleep(time.Minute) // Fake time.
				}
			})
		})
	}
}
