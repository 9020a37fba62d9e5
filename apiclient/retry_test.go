package apiclient_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"alicdn_export_exporter/apiclient"
)

const emptyList = `{"UsageDataPerPage":{"PageNumber":1,"TotalCount":0}}`

// script sends its responses in order and then repeats the last one. It records the time and
// the nonce of each call.
type script struct {
	answers []reply
	mu      sync.Mutex
	calls   []time.Time
	nonces  map[string]bool
	keys    []string
}

type reply struct {
	status int
	code   string
	header map[string]string
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := s.answers[min(len(s.calls), len(s.answers)-1)]
	s.calls = append(s.calls, time.Now())
	if s.nonces == nil {
		s.nonces = make(map[string]bool)
	}
	s.nonces[r.Header.Get("X-Acs-Signature-Nonce")] = true
	s.keys = append(s.keys, r.Header.Get("Authorization"))
	for name, value := range answer.header {
		w.Header().Set(name, value)
	}
	if answer.status == 0 {
		_, _ = w.Write([]byte(emptyList))
		return
	}
	w.WriteHeader(answer.status)
	if answer.code != "" {
		_, _ = fmt.Fprintf(w, `{"Code":%q}`, answer.code)
	}
}

func TestRetry(t *testing.T) {
	t.Run("follows the error code", func(t *testing.T) {
		for _, tc := range []struct {
			failure reply
			calls   int
		}{
			{reply{503, "Throttling", nil}, 4},
			{reply{400, "Throttling.User", nil}, 4},
			{reply{503, "ServiceUnavailable", nil}, 4},
			{reply{500, "InternalError", nil}, 4},
			{reply{500, "UnknownError", nil}, 4},
			{reply{429, "", nil}, 4},
			{reply{502, "", nil}, 4},
			{reply{500, "SomethingNew", nil}, 4},
			{reply{400, "SignatureNonceUsed", nil}, 2},
			{reply{403, "InvalidSecurityToken.Expired", nil}, 2},
			{reply{403, "Forbidden.RAM", nil}, 1},
			{reply{403, "NoPermission", nil}, 1},
			{reply{404, "InvalidAccessKeyId.NotFound", nil}, 1},
			{reply{400, "SignatureDoesNotMatch", nil}, 1},
			{reply{400, "InvalidTimeStamp.Expired", nil}, 1},
			{reply{400, "InvalidParameter", nil}, 1},
			{reply{403, "OperationDenied", nil}, 1},
			{reply{418, "", nil}, 1},
			{reply{404, "", nil}, 1},
			// Families. The HTTP status does not matter.
			{reply{400, "Throttling.System", nil}, 4},
			{reply{400, "Rejected.Throttling", nil}, 4},
			{reply{400, "SystemBusy", nil}, 4},
			{reply{400, "SomethingNew", nil}, 1},
			{reply{400, "MissingSecurityToken", nil}, 2},
			{reply{400, "IllegalTimestamp", nil}, 1},
		} {
			t.Run(fmt.Sprintf("%d %s", tc.failure.status, tc.failure.code), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					api := &script{answers: []reply{tc.failure}}
					w := new(witness)
					_ = pageError(t, newClient(t, "http://127.0.0.1", through(api), retrying(3), observedBy(w)))
					if len(api.calls) != tc.calls || len(w.attempts) != tc.calls {
						t.Errorf("%d calls, %d attempts observed, want %d", len(api.calls), len(w.attempts), tc.calls)
					}
					if len(api.nonces) != len(api.calls) {
						t.Errorf("%d nonces in %d calls", len(api.nonces), len(api.calls))
					}
				})
			})
		}
	})

	t.Run("succeeds after failures, with back-off", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			api := &script{answers: []reply{{500, "InternalError", nil}, {503, "Throttling", nil}, {}}}
			client := newClient(t, "http://127.0.0.1", through(api), retrying(3))
			if _, err := client.Page(context.Background(), apiclient.Usage, 1); err != nil {
				t.Fatal(err)
			}
			first, second := api.calls[1].Sub(api.calls[0]), api.calls[2].Sub(api.calls[1])
			if first < 100*time.Millisecond || first > 200*time.Millisecond {
				t.Errorf("%s before the first retry, want 100 to 200 ms", first)
			}
			if second < time.Second || second > 2*time.Second {
				t.Errorf("%s before the retry of a throttled call, want 1 to 2 s", second)
			}
		})
	})

	t.Run("waits as long as an unknown code asks for", func(t *testing.T) {
		for _, code := range []string{"Rejected.Throttling", "NeverHeardOf.This"} {
			synctest.Test(t, func(t *testing.T) {
				api := &script{answers: []reply{{400, code, map[string]string{"x-acs-retry-after": "1500"}}, {}}}
				client := newClient(t, "http://127.0.0.1", through(api), retrying(3))
				if _, err := client.Page(context.Background(), apiclient.Usage, 1); err != nil {
					t.Fatal(err)
				}
				if waited := api.calls[1].Sub(api.calls[0]); waited < 1500*time.Millisecond {
					t.Errorf("%s: waited %s, want 1.5 s", code, waited)
				}
			})
		}
	})

	t.Run("honors wait hints", func(t *testing.T) {
		for _, tc := range []struct {
			name   string
			header map[string]string
			least  time.Duration
			most   time.Duration
		}{
			{"milliseconds", map[string]string{"x-acs-retry-after": "7000"}, 7 * time.Second, 8 * time.Second},
			{"rate limit of the API", map[string]string{"x-ratelimit-user-api": "Limit:1,Remain:0,TimeLeft:12000,Reset:1234"}, 12 * time.Second, 13 * time.Second},
			{"rate limit of the user", map[string]string{"x-ratelimit-user": "Limit:1, Remain:0, TimeLeft:9000"}, 9 * time.Second, 10 * time.Second},
			{"a rate limit with calls left", map[string]string{"x-ratelimit-user": "Limit:5,Remain:3,TimeLeft:9000"}, 0, 2 * time.Second},
			{"seconds", map[string]string{"Retry-After": "5"}, 5 * time.Second, 6 * time.Second},
			{"a date", map[string]string{"Retry-After": "Sat, 01 Jan 2000 00:00:20 GMT"}, 20 * time.Second, 21 * time.Second},
			{"the longest of several", map[string]string{"Retry-After": "3", "x-acs-retry-after": "6000"}, 6 * time.Second, 7 * time.Second},
			{"nonsense", map[string]string{"Retry-After": "-1", "x-acs-retry-after": "soon", "x-ratelimit-user": ":::,,Remain"}, 0, 2 * time.Second},
			{"for ever", map[string]string{"x-acs-retry-after": "2000000000"}, time.Minute, time.Minute + time.Second},
		} {
			t.Run(tc.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					api := &script{answers: []reply{{503, "Throttling", tc.header}, {}}}
					client := newClient(t, "http://127.0.0.1", through(api), retrying(3))
					if _, err := client.Page(context.Background(), apiclient.Usage, 1); err != nil {
						t.Fatal(err)
					}
					if waited := api.calls[1].Sub(api.calls[0]); waited < tc.least || waited > tc.most {
						t.Errorf("waited %s, want %s to %s", waited, tc.least, tc.most)
					}
				})
			})
		}
	})

	// A wait hint applies to the account: calls for other pages and exports wait too.
	t.Run("applies a wait hint to the whole account", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			api := &script{answers: []reply{{503, "Throttling", map[string]string{"x-acs-retry-after": "5000"}}, {}}}
			client := newClient(t, "http://127.0.0.1", through(api))
			_ = pageError(t, client)
			if _, err := client.Page(context.Background(), apiclient.UsageDetail, 1); err != nil {
				t.Fatal(err)
			}
			if waited := api.calls[1].Sub(api.calls[0]); waited < 5*time.Second {
				t.Errorf("the other export was called after %s, the API asked for 5 s", waited)
			}
		})
	})

	// An outage causes fewer calls than normal operation: after a call has finally failed, the
	// next one is not retried.
	t.Run("probes once per call in an outage", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			api := &script{answers: []reply{{503, "ServiceUnavailable", nil}}}
			client := newClient(t, "http://127.0.0.1", through(api), retrying(3))
			for range 5 {
				_ = pageError(t, client)
			}
			if want := 4 + 4; len(api.calls) != want {
				t.Errorf("%d calls for five failed pages, want %d", len(api.calls), want)
			}
			api.answers = []reply{{}}
			if _, err := client.Page(context.Background(), apiclient.Usage, 1); err != nil {
				t.Fatal(err)
			}
			api.answers, api.calls = []reply{{503, "ServiceUnavailable", nil}}, nil
			_ = pageError(t, client)
			if want := 4; len(api.calls) != want {
				t.Errorf("%d calls once the API has answered again, want %d", len(api.calls), want)
			}
		})
	})

	t.Run("does not begin after the deadline", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			api := &script{answers: []reply{{503, "Throttling", map[string]string{"x-acs-retry-after": "5000"}}}}
			client := newClient(t, "http://127.0.0.1", through(api), retrying(3))
			ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
			defer cancel()
			began := time.Now()
			_, err := client.Page(ctx, apiclient.Usage, 1)
			if err == nil || !contains(err.Error(), "Throttling") || time.Since(began) > 0 || len(api.calls) != 1 {
				t.Errorf("error = %v after %s and %d calls, want the throttling at once", err, time.Since(began), len(api.calls))
			}
		})
	})
}
