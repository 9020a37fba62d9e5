package collector_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
)

func TestRefreshSlots(t *testing.T) {
	t.Run("a thousand accounts are not read at the same time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			const most = 32
			var reading, highest, read atomic.Int64
			slow := func() *fakeClient {
				return &fakeClient{list: func(context.Context, apiclient.Export, []string) (*apiclient.Listing, error) {
					defer reading.Add(-1)
					for now := reading.Add(1); ; {
						if before := highest.Load(); now <= before || highest.CompareAndSwap(before, now) {
							break
						}
					}
					time.Sleep(time.Second)
					read.Add(1)
					return listing(), nil
				}}
			}
			var accounts []collector.Account
			for n := range 1000 {
				accounts = append(accounts, usageOf(fmt.Sprintf("account %d", n), slow()))
			}
			c := newCollector(t, standard(log.NewNopLogger()), accounts...)
			began := time.Now()
			c.Refresh(t.Context())
			if highest.Load() != most || read.Load() != 1000 {
				t.Errorf("%d lists were read, %d of them at once, want 1000 and %d", read.Load(), highest.Load(), most)
			}
			if took := time.Since(began); took != 32*time.Second { // 1000/32 rounds of a second.
				t.Errorf("that took %s, want 32s", took)
			}
			expect(t, c, map[string]string{
				`refresh_duration_seconds{account="account 999",export="usage"}`: "1", // Without the wait for a slot.
				`up{account="account 999",export="usage"}`:                       "1",
			})
		})
	})

	t.Run("failing accounts delay only each other", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var accounts []collector.Account
			for n := range 100 {
				accounts = append(accounts, usageOf(fmt.Sprintf("hangs %d", n), hanging()))
			}
			config := standard(log.NewNopLogger())
			config.RefreshTimeout = 2 * time.Minute
			c := newCollector(t, config, accounts...)
			c.Refresh(t.Context()) // All have failed once.
			time.Sleep(10 * time.Minute)
			refresh := func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				c.Refresh(ctx)
			}
			refresh() // All slots of failing exports are taken.
			c.SetAccounts(append(accounts, usageOf("sound", lists())))
			refresh()
			expect(t, c, map[string]string{
				`up{account="sound",export="usage"}`:                 "1",
				`refreshes_total{account="hangs 99",export="usage"}`: "1",
			})
		})
	})

	t.Run("an account that waits for a slot can be removed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var accounts []collector.Account
			for n := range 100 {
				accounts = append(accounts, usageOf(fmt.Sprintf("hangs %d", n), hanging()))
			}
			c := newCollector(t, standard(log.NewNopLogger()), accounts[:32]...)
			refresh := func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				c.Refresh(ctx)
			}
			refresh() // All slots are taken.
			c.SetAccounts(accounts)
			refresh()
			began := time.Now()
			c.SetAccounts(accounts[:32])
			if took := time.Since(began); took != 0 {
				t.Errorf("the accounts were removed after %s", took)
			}
		})
	})
}

func TestRefreshIsIndependent(t *testing.T) {
	t.Run("of other accounts and exports", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			both := []apiclient.Export{apiclient.Usage, apiclient.UsageDetail}
			partly := &fakeClient{
				list: func(_ context.Context, export apiclient.Export, _ []string) (*apiclient.Listing, error) {
					if export == apiclient.UsageDetail {
						return nil, errOutage
					}
					return listing(task("1", apiclient.Success, epoch-120, epoch-60)), nil
				},
			}
			hanging := &fakeClient{
				list: func(ctx context.Context, _ apiclient.Export, _ []string) (*apiclient.Listing, error) {
					<-ctx.Done()
					return nil, ctx.Err()
				},
			}
			slow := &fakeClient{list: func(context.Context, apiclient.Export, []string) (*apiclient.Listing, error) {
				time.Sleep(5 * time.Second)
				return listing(), nil
			}}
			// The account that hangs comes first, and no other may wait for it.
			c := newCollector(t, standard(log.NewNopLogger()),
				collector.Account{Name: "hanging", Client: hanging, Exports: both},
				collector.Account{Name: "partly", Client: partly, Exports: both},
				collector.Account{Name: "slow", Client: slow, Exports: both},
			)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			c.Refresh(ctx)
			got := scrape(t, c)
			for name, want := range map[string]string{
				`up{account="hanging",export="usage"}`:                               "0",
				`refreshes_total{account="hanging",export="usage"}`:                  "0",
				`up{account="partly",export="usage"}`:                                "1",
				`tasks{account="partly",export="usage",status="success"}`:            "1",
				`refresh_failures_total{account="partly",export="usage"}`:            "0",
				`up{account="partly",export="usage_detail"}`:                         "0",
				`tasks{account="partly",export="usage_detail",status="success"}`:     "",
				`refresh_failures_total{account="partly",export="usage_detail"}`:     "1",
				`up{account="slow",export="usage"}`:                                  "1",
				`up{account="slow",export="usage_detail"}`:                           "1",
				`refresh_duration_seconds{account="slow",export="usage_detail"}`:     "5",
				`refresh_duration_seconds{account="partly",export="usage"}`:          "0",
				`newest_success_timestamp_seconds{account="slow",export="usage"}`:    "",
				`api_rate_limit_requests_per_second{account="hanging"}`:              "20",
				`snapshot_timestamp_seconds{account="partly",export="usage_detail"}`: "",
			} {
				if got[name] != want {
					t.Errorf("%s is %q, want %q", name, got[name], want)
				}
			}
		})
	})

	t.Run("a slow list delays only itself", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			quick, slow := lists(), &fakeClient{
				list: func(context.Context, apiclient.Export, []string) (*apiclient.Listing, error) {
					time.Sleep(3 * time.Minute)
					return listing(), nil
				},
			}
			c := newCollector(t, standard(log.NewNopLogger()), usageOf("slow", slow), usageOf("quick", quick))
			for range 10 {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				c.Refresh(ctx)
				cancel()
				time.Sleep(time.Minute)
			}
			if q, s := quick.calls.Load(), slow.calls.Load(); q != 10 || s != 2 {
				t.Errorf("the quick list was read %d times and the slow one %d times, want 10 and 2", q, s)
			}
		})
	})
}
