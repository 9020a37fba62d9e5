package collector_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
)

func TestSetAccounts(t *testing.T) {
	t.Run("an account that stays keeps its snapshot", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			counted := func(name string, client collector.Client) collector.Account {
				account := usageOf(name, client)
				account.API = collector.NewAPIMetrics(name, account.Exports, log.NewNopLogger())
				account.API.Attempted(apiclient.Attempt{Export: apiclient.Usage})
				return account
			}
			stays, goes, changes := lists(), lists(), lists()
			c := newCollector(t, standard(log.NewNopLogger()),
				counted("stays", stays), counted("goes", goes), counted("changes", changes))
			c.Refresh(t.Context())

			comes, changed := lists(), lists()
			c.SetAccounts([]collector.Account{
				usageOf("comes", comes), counted("stays", stays), counted("changes", changed),
			})
			got := scrape(t, c)
			for name := range got {
				if strings.Contains(name, `account="goes"`) {
					t.Errorf("%s of a removed account is exposed", name)
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
	})

	t.Run("a removed account is not read anymore", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var reading atomic.Int64
			slow := &fakeClient{
				list: func(ctx context.Context, _ apiclient.Export, _ []string) (*apiclient.Listing, error) {
					defer reading.Add(-1)
					reading.Add(1)
					<-ctx.Done()
					time.Sleep(time.Second) // The response comes too late.
					return nil, ctx.Err()
				},
			}
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
				t.Errorf("%d lists of a removed account are still being read", n)
			}
			c.Refresh(t.Context())
			expect(t, c, map[string]string{`up{account="stays",export="usage"}`: "1"})
		})
	})

	t.Run("a running refresh of an account that stays continues", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			slow := &fakeClient{
				list: func(ctx context.Context, _ apiclient.Export, _ []string) (*apiclient.Listing, error) {
					select {
					case <-time.After(5 * time.Second):
						return listing(), nil
					case <-ctx.Done():
						return nil, ctx.Err()
					}
				},
			}
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
	})
}

func TestClose(t *testing.T) {
	t.Run("it cancels running refreshes and no other one starts", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			logs := new(logBook)
			ended := false
			client := &fakeClient{
				list: func(ctx context.Context, _ apiclient.Export, _ []string) (*apiclient.Listing, error) {
					<-ctx.Done()
					time.Sleep(time.Second) // The time that the client needs to stop.
					ended = true
					return nil, ctx.Err()
				},
			}
			c := newCollector(t, standard(logs.logger()), usageOf("main", client))
			waited := make(chan struct{})
			go func() {
				defer close(waited)
				c.Refresh(t.Context())
			}()
			synctest.Wait()
			began := time.Now()
			c.Close()
			if took := time.Since(began); took != time.Second || !ended {
				t.Errorf("Close returned after %s, want when the refresh has ended, after 1s", took)
			}
			<-waited
			time.Sleep(time.Hour)
			c.Refresh(t.Context())
			if got := client.calls.Load(); got != 1 {
				t.Errorf("%d lists read, want no other after Close", got)
			}
			if text := logs.String(); text != "" {
				t.Errorf("the cancellation at shutdown is logged:\n%s", text)
			}
			c.Close() // A second Close does nothing.
		})
	})

	t.Run("no refresh outlives it, even if scrapes race with it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			closed := make(chan struct{})
			client := &fakeClient{
				list: func(ctx context.Context, _ apiclient.Export, _ []string) (*apiclient.Listing, error) {
					select {
					case <-closed:
						t.Error("a list is read after Close has returned")
					default:
					}
					<-ctx.Done()
					return nil, ctx.Err()
				},
			}
			c := collector.New(collector.Config{RefreshTimeout: time.Minute, Logger: log.NewNopLogger()})
			c.SetAccounts([]collector.Account{usageOf("main", client)})
			var scrapes sync.WaitGroup
			for range 50 {
				scrapes.Go(func() { c.Refresh(t.Context()) })
			}
			c.Close()
			close(closed)
			scrapes.Wait()
		})
	})
}
