package collector_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
)

// confirming is a client that reads lists in several walks of fixed durations. All walks but
// the last must be confirmed five seconds later.
func confirming(walks int, took time.Duration) *fakeClient {
	c := new(fakeClient)
	var walk func(context.Context) (*apiclient.Listing, error)
	var made int
	walk = func(ctx context.Context) (*apiclient.Listing, error) {
		began := time.Now()
		select {
		case <-time.After(took):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if made++; made < walks {
			return nil, &apiclient.UnconfirmedError{
				Reason: "1 tasks of the last listing are missing", Due: time.Now().Add(5 * time.Second), Confirm: walk,
			}
		}
		return &apiclient.Listing{Began: began}, nil
	}
	c.list = func(ctx context.Context, _ apiclient.Export, _ []string) (*apiclient.Listing, error) {
		made = 0
		return walk(ctx)
	}
	return c
}

func TestRefreshConfirms(t *testing.T) {
	t.Run("the pause counts as no time of the refresh", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := newMain(t, confirming(3, 2*time.Second))
			began := time.Now()
			c.Refresh(t.Context())
			if took := time.Since(began); took != 16*time.Second { // Three walks and two pauses.
				t.Errorf("the refresh ended after %s, want 16s", took)
			}
			expect(t, c, map[string]string{
				ofMain("up"): "1", ofMain("refreshes_total"): "1", ofMain("refresh_duration_seconds"): "6",
				ofMain("snapshot_timestamp_seconds"): seconds(began.Unix() + 14), // The last walk's beginning.
			})
		})
	})

	t.Run("the timeout counts the walks only", func(t *testing.T) {
		for walks, want := range map[int]string{2: "1", 3: "0"} {
			synctest.Test(t, func(t *testing.T) {
				logs := new(logBook)
				config := standard(logs.logger())
				config.RefreshTimeout = 10 * time.Second
				c := newCollector(t, config, usageOf("main", confirming(walks, 4*time.Second)))
				began := time.Now()
				c.Refresh(t.Context())
				expect(t, c, map[string]string{ofMain("up"): want})
				if want == "1" {
					return
				}
				if took := time.Since(began); took != 20*time.Second { // 4 s, 4 s and 2 s, and two pauses.
					t.Errorf("the refresh ended after %s, want 20s", took)
				}
				expect(t, c, map[string]string{ofMain("refresh_duration_seconds"): "10"})
				if !strings.Contains(logs.String(), "not done within 10s (--refresh.timeout)") {
					t.Errorf("logged:\n%s", logs.String())
				}
			})
		}
	})

	t.Run("the pause holds no slot", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var accounts []collector.Account
			for n := range 100 {
				accounts = append(accounts, usageOf(fmt.Sprintf("account %d", n), confirming(2, time.Second)))
			}
			c := newCollector(t, standard(log.NewNopLogger()), accounts...)
			began := time.Now()
			c.Refresh(t.Context())
			// 32 first walks a second until the fourth one, then the second walks likewise.
			if took := time.Since(began); took != 10*time.Second {
				t.Errorf("100 refreshes took %s, want 10s", took)
			}
		})
	})

	t.Run("scrapes share the refresh also in the pause, and leave at their deadline", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			client := confirming(2, time.Second)
			c := newMain(t, client)
			for range 3 {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				began := time.Now()
				c.Refresh(ctx)
				cancel()
				if took := time.Since(began); took != 2*time.Second {
					t.Errorf("a scrape returned after %s, want 2s", took)
				}
			}
			c.Refresh(t.Context())
			if got := client.calls.Load(); got != 1 {
				t.Errorf("%d refreshes, want 1", got)
			}
			expect(t, c, map[string]string{ofMain("up"): "1", ofMain("refreshes_total"): "1"})
		})
	})

	t.Run("an account can be removed in the pause", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			logs := new(logBook)
			c := newCollector(t, standard(logs.logger()), usageOf("main", confirming(2, time.Second)))
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			c.Refresh(ctx)
			began := time.Now()
			c.Close()
			if took := time.Since(began); took != 0 || logs.String() != "" {
				t.Errorf("it was removed after %s, log:\n%s", took, logs.String())
			}
		})
	})

	t.Run("a panic in the second walk is an error", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var fails atomic.Bool
			fails.Store(true)
			client := &fakeClient{list: func(context.Context, apiclient.Export, []string) (*apiclient.Listing, error) {
				if !fails.Load() {
					return listing(), nil
				}
				return nil, &apiclient.UnconfirmedError{Due: time.Now().Add(5 * time.Second), Confirm: func(context.Context) (*apiclient.Listing, error) {
					time.Sleep(time.Second)
					panic("odd")
				}}
			}}
			c := newMain(t, client)
			c.Refresh(t.Context())
			expect(t, c, map[string]string{ofMain("up"): "0", ofMain("refresh_duration_seconds"): "1"})
			fails.Store(false)
			time.Sleep(time.Minute)
			c.Refresh(t.Context()) // The slot is free again.
			expect(t, c, map[string]string{ofMain("up"): "1"})
		})
	})
}

func TestUnlisted(t *testing.T) {
	const monday, tuesday apiclient.Timestamp = 1_767_571_200, 1_767_657_600 // 2026-01-05 and 06, midnight in UTC
	for total, want := range map[int]string{0: "0", 1: "0", 2: "0", 3: "1", 12: "10"} {
		client := &fakeClient{list: func(context.Context, apiclient.Export, []string) (*apiclient.Listing, error) {
			l := listing(task("1", apiclient.Success, monday, tuesday), task("2", apiclient.Success, monday, tuesday))
			l.TotalCount = total
			return l, nil
		}}
		c := newMain(t, client)
		c.Refresh(t.Context())
		expect(t, c, map[string]string{ofMain("unlisted_tasks"): want})
	}
}

func TestRefreshDue(t *testing.T) {
	const ttl, timeout = 50 * time.Second, 2 * time.Minute
	day := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return day.Add(time.Duration(seconds) * time.Second) }
	distant := time.Date(2226, 11, 1, 12, 0, 0, 0, time.UTC) // Without a monotonic clock.
	for name, tc := range map[string]struct {
		began, ended time.Time
		took         time.Duration
		now          time.Time
		want         bool
	}{
		"50 s after the beginning":                          {at(0), at(20), 20 * time.Second, at(50), true},
		"before that":                                       {at(0), at(20), 20 * time.Second, at(49), false},
		"not as long after the end as it took":              {at(0), at(40), 40 * time.Second, at(79), false},
		"as long after the end as it took":                  {at(0), at(40), 40 * time.Second, at(80), true},
		"a pause is no time that it took":                   {at(0), at(50), 20 * time.Second, at(70), true},
		"the clock was far ahead when it ended":             {at(0), distant, 1<<63 - 1, at(30), true},
		"the clock was far ahead all along":                 {distant, distant.Add(time.Second), time.Second, at(30), true},
		"the clock was set back by an hour":                 {at(3600), at(3601), time.Second, at(30), true},
		"the clock went ahead during the refresh and stays": {at(0), distant, 1<<63 - 1, distant.Add(timeout), true},
		"the clock went ahead since":                        {at(0), at(1), time.Second, distant, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := collector.RefreshDue(tc.began, tc.ended, tc.took, tc.now, ttl, timeout); got != tc.want {
				t.Errorf("due = %v, want %v", got, tc.want)
			}
		})
	}
}
