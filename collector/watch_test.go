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

// hanging is a client whose calls end only when they are called off.
func hanging() *fakeClient {
	return &fakeClient{list: func(ctx context.Context, _ apiclient.Export, _ []string) (*apiclient.Listing, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
}

func TestWhenAccountsAreReplacedThoseThatStayKeepWhatIsKnownOfThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		counted := func(name string, client collector.Client) collector.Account {
			account := usageOf(name, client)
			account.API = collector.NewAPIMetrics(name, account.Exports, log.NewNopLogger())
			account.API.Attempted(apiclient.Attempt{Export: apiclient.Usage})
			return account
		}
		stays, goes, changes := lists(), lists(), lists()
		c := newCollector(t, standard(log.NewNopLogger()), counted("stays", stays), counted("goes", goes), counted("changes", changes))
		c.Refresh(t.Context())

		comes, changed := lists(), lists()
		c.SetAccounts([]collector.Account{usageOf("comes", comes), counted("stays", stays), counted("changes", changed)})
		got := scrape(t, c)
		for name := range got {
			if strings.Contains(name, `account="goes"`) {
				t.Errorf("%s is shown of an account that is gone", name)
			}
		}
		for name, want := range map[string]string{
			"up{account=%q,export=\"usage\"} stays":                        "1",
			"refreshes_total{account=%q,export=\"usage\"} stays":           "1",
			"tasks{account=%q,export=\"usage\",status=\"failed\"} stays":   "0",
			"api_requests_total{account=%q,export=\"usage\"} stays":        "1",
			"up{account=%q,export=\"usage\"} changes":                      "0",
			"refreshes_total{account=%q,export=\"usage\"} changes":         "0",
			"tasks{account=%q,export=\"usage\",status=\"failed\"} changes": "",
			"up{account=%q,export=\"usage\"} comes":                        "0",
			"refreshes_total{account=%q,export=\"usage\"} comes":           "0",
		} {
			series, account, _ := strings.Cut(name, " ")
			if series = fmt.Sprintf(series, account); got[series] != want {
				t.Errorf("%s is %q, want %q", series, got[series], want)
			}
		}
		c.Refresh(t.Context())
		for name, tc := range map[string]struct {
			client *fakeClient
			want   int64
		}{"stays": {stays, 1}, "goes": {goes, 1}, "changes": {changes, 1}, "comes": {comes, 1}, "changed": {changed, 1}} {
			if got := tc.client.calls.Load(); got != tc.want {
				t.Errorf("the list of %s was read %d times, want %d", name, got, tc.want)
			}
		}
	})
}

func TestAnAccountThatIsGoneIsNotReadAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reading atomic.Int64
		slow := &fakeClient{list: func(ctx context.Context, _ apiclient.Export, _ []string) (*apiclient.Listing, error) {
			defer reading.Add(-1)
			reading.Add(1)
			<-ctx.Done()
			time.Sleep(time.Second) // The answer that comes too late.
			return nil, ctx.Err()
		}}
		stays := lists()
		c := newCollector(t, standard(log.NewNopLogger()), usageOf("slow", slow), usageOf("stays", stays))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		c.Refresh(ctx)
		if reading.Load() != 1 {
			t.Fatal("nothing is read that could be called off")
		}
		c.SetAccounts([]collector.Account{usageOf("stays", stays)})
		if n := reading.Load(); n != 0 {
			t.Errorf("%d lists of an account that is gone are still being read", n)
		}
		c.Refresh(t.Context())
		expect(t, c, map[string]string{`up{account="stays",export="usage"}`: "1"})
	})
}

func TestARefreshOfAnAccountThatStaysGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &fakeClient{list: func(ctx context.Context, _ apiclient.Export, _ []string) (*apiclient.Listing, error) {
			select {
			case <-time.After(5 * time.Second):
				return listing(), nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}}
		c := newCollector(t, standard(log.NewNopLogger()), usageOf("slow", slow))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		c.Refresh(ctx)
		c.SetAccounts([]collector.Account{usageOf("new", lists()), usageOf("slow", slow)})
		c.Refresh(t.Context())
		expect(t, c, map[string]string{
			`up{account="slow",export="usage"}`:                       "1",
			`refreshes_total{account="slow",export="usage"}`:          "1",
			`refresh_duration_seconds{account="slow",export="usage"}`: "5",
		})
		if n := slow.calls.Load(); n != 1 {
			t.Errorf("the list was read %d times, want once", n)
		}
	})
}

func TestAThousandAccountsAreNotReadAllAtOnce(t *testing.T) {
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
			`refresh_duration_seconds{account="account 999",export="usage"}`: "1", // Waiting for a turn is not reading.
			`up{account="account 999",export="usage"}`:                       "1",
		})
	})
}

func TestAccountsInTroubleHoldUpEachOtherOnly(t *testing.T) {
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
		refresh() // All that may hang at the same time do.
		c.SetAccounts(append(accounts, usageOf("sound", lists())))
		refresh()
		expect(t, c, map[string]string{
			`up{account="sound",export="usage"}`:                 "1",
			`refreshes_total{account="hangs 99",export="usage"}`: "1",
		})
	})
}

func TestAnAccountThatWaitsForItsTurnCanGo(t *testing.T) {
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
		refresh() // All turns are taken.
		c.SetAccounts(accounts)
		refresh()
		began := time.Now()
		c.SetAccounts(accounts[:32])
		if took := time.Since(began); took != 0 {
			t.Errorf("the accounts were gone after %s", took)
		}
	})
}
