package apiclient_test

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/simulator"
)

// twoLists reads both lists of an account repeatedly, and returns the errors.
func twoLists(t *testing.T, client *apiclient.Client, rounds int, timeout time.Duration) map[apiclient.Export][]error {
	t.Helper()
	errs := make(map[apiclient.Export][]error)
	for range rounds {
		var mu sync.Mutex
		var reading sync.WaitGroup
		for _, export := range apiclient.Exports() {
			reading.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), timeout)
				defer cancel()
				if _, err := client.List(ctx, export, nil); err != nil {
					mu.Lock()
					defer mu.Unlock()
					errs[export] = append(errs[export], err)
				}
			})
		}
		reading.Wait()
		time.Sleep(30 * time.Second) // Fake time.
	}
	return errs
}

func TestTurns(t *testing.T) {
	// The API allows one call a second. The exporter is set to 20, so it is throttled
	// repeatedly. A throttled call must not be throttled again because of the other list's
	// calls.
	t.Run("neither of two lists fails on the other's calls", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			account := simulator.NewFixedAccount(numbered(180)...)
			account.SetTasks(simulator.DetailAction, numbered(40)...)
			api := simulator.New(account, simulator.Options{Quota: 1})
			w := new(witness)
			client := newClient(t, "http://127.0.0.1", limited(20, 8), retrying(3), observedBy(w), signedFor, through(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(50 * time.Millisecond) // Fake time.
				api.ServeHTTP(w, r)
			})))
			if errs := twoLists(t, client, 200, 2*time.Minute); len(errs) > 0 {
				t.Errorf("%d and %d of 200 refreshes failed: %v", len(errs[apiclient.Usage]), len(errs[apiclient.UsageDetail]), errs)
			}
			t.Logf("%d calls for 1200 pages", len(w.attempts))
		})
	})

	t.Run("a throttled call is the first one after the pause", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			api := &script{answers: []reply{{503, "Throttling", map[string]string{"x-acs-retry-after": "5000"}}, {}}}
			var mu sync.Mutex
			var pages []string
			client := newClient(t, "http://127.0.0.1", limited(1, 8), retrying(3), through(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				pages = append(pages, r.URL.Query().Get("PageNumber"))
				mu.Unlock()
				time.Sleep(500 * time.Millisecond) // Fake time.
				api.ServeHTTP(w, r)
			})))
			var calls sync.WaitGroup
			for page := 1; page <= 4; page++ {
				calls.Go(func() { _, _ = client.Page(t.Context(), apiclient.Usage, page) })
				synctest.Wait()
			}
			calls.Wait()
			if want := []string{"1", "1", "2", "3", "4"}; !slices.Equal(slices.Sorted(slices.Values(pages)), want) || pages[1] != "1" {
				t.Errorf("the calls were for the pages %v", pages)
			}
		})
	})

	t.Run("a short list does not wait for a long one", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			account := simulator.NewFixedAccount(numbered(20_000)...)
			account.SetTasks(simulator.DetailAction, numbered(40)...)
			client, _, _ := simulated(t, account, nil, limited(1, 8))
			ctx, cancel := context.WithCancel(t.Context())
			var reading sync.WaitGroup
			reading.Go(func() { _, _ = client.List(ctx, apiclient.Usage, nil) })
			time.Sleep(10 * time.Second) // Eight calls for the long list wait by now.
			for range 5 {
				began := time.Now()
				if _, err := client.List(t.Context(), apiclient.UsageDetail, nil); err != nil || time.Since(began) > 2*time.Second {
					t.Errorf("the short list took %s for its one call, want 2 s at most: %v", time.Since(began), err)
				}
			}
			cancel()
			reading.Wait()
		})
	})
}

func signedFor(c *apiclient.Config) {
	c.Credentials = apiclient.StaticCredentials{
		AccessKeyID: simulator.DefaultAccessKeyID, AccessKeySecret: simulator.DefaultAccessKeySecret,
	}
}
