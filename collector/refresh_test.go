package collector_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
)

// seconds is a moment as a sample has it.
func seconds(unix int64) string { return strconv.FormatFloat(float64(unix), 'g', -1, 64) }

var errOutage = errors.New("the API is in trouble")

// Clocks are synctest's: a Sleep below takes no time, and moments are exact.

func TestTheNextRefreshBeginsAfterTheTTLAndAfterAsLongAsTheLastOneTook(t *testing.T) {
	for name, tc := range map[string]struct {
		took time.Duration
		err  error
		due  time.Duration // after the first refresh's end
	}{
		"a quick success is kept for the TTL":                      {took: time.Second, due: time.Minute},
		"a quick failure is not repeated before the TTL":           {took: time.Second, err: errOutage, due: time.Minute},
		"after a slow success as long is spent not reading":        {took: 90 * time.Second, due: 90 * time.Second},
		"after a slow failure as long is spent not reading":        {took: 90 * time.Second, err: errOutage, due: 90 * time.Second},
		"a refresh that takes no time at all is kept for the TTL":  {due: time.Minute},
		"a refresh that takes as long as the TTL is kept for both": {took: time.Minute, due: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := &fakeClient{list: func(context.Context, apiclient.Export, []string) (*apiclient.Listing, error) {
					answer := listing()
					time.Sleep(tc.took)
					return answer, tc.err
				}}
				c := newMain(t, client)
				c.Refresh(t.Context())
				for _, step := range []struct {
					wait  time.Duration
					calls int64
				}{
					{0, 1},
					{tc.due - 1, 1}, // one nanosecond early
					{1, 2},
				} {
					time.Sleep(step.wait)
					c.Refresh(t.Context())
					if got := client.calls.Load(); got != step.calls {
						t.Errorf("%d lists read, want %d", got, step.calls)
					}
				}
			})
		})
	}
}

func TestAThousandScrapesShareOneRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &fakeClient{list: func(context.Context, apiclient.Export, []string) (*apiclient.Listing, error) {
			time.Sleep(5 * time.Second)
			return listing(), nil
		}}
		c := newMain(t, client)
		began := time.Now()
		var scrapes sync.WaitGroup
		for i := range 1000 {
			scrapes.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				want := 5 * time.Second
				if i%10 == 0 {
					want = time.Second
					time.AfterFunc(want, cancel)
				}
				c.Refresh(ctx)
				if took := time.Since(began); took != want {
					t.Errorf("scrape %d returned after %s, want %s", i, took, want)
				}
			})
		}
		scrapes.Wait()
		if got := client.calls.Load(); got != 1 {
			t.Errorf("%d lists read, want 1", got)
		}
		expect(t, c, map[string]string{ofMain("up"): "1", ofMain("refreshes_total"): "1"})
	})
}

func TestAWaiterLeavesAtItsOwnDeadlineAndTheNextScrapeFindsTheRefreshDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &fakeClient{list: func(ctx context.Context, _ apiclient.Export, _ []string) (*apiclient.Listing, error) {
			select {
			case <-time.After(25 * time.Second):
				return listing(task("1", apiclient.Success, monday, tuesday)), nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}}
		c := newMain(t, client)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began := time.Now()
		c.Refresh(ctx)
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("the first scrape returned after %s, want 10s", took)
		}
		expect(t, c, map[string]string{
			ofMain("up"): "0", ofMain("refreshes_total"): "0", ofMain("tasks", "status", "success"): "",
		})

		time.Sleep(20 * time.Second)
		again := time.Now()
		c.Refresh(t.Context())
		if took := time.Since(again); took != 0 {
			t.Errorf("the second scrape returned after %s, want at once", took)
		}
		expect(t, c, map[string]string{
			ofMain("up"): "1", ofMain("refreshes_total"): "1", ofMain("refresh_duration_seconds"): "25",
			ofMain("tasks", "status", "success"): "1",
		})
		if got := client.calls.Load(); got != 1 {
			t.Errorf("%d lists read, want 1", got)
		}
	})
}

func TestAScrapeThatComesLateWaitsForTheRefreshInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &fakeClient{list: func(context.Context, apiclient.Export, []string) (*apiclient.Listing, error) {
			time.Sleep(5 * time.Second)
			return listing(), nil
		}}
		c := newMain(t, client)
		go c.Refresh(t.Context())
		time.Sleep(4 * time.Second)
		began := time.Now()
		c.Refresh(t.Context())
		if took := time.Since(began); took != time.Second || client.calls.Load() != 1 {
			t.Errorf("it waited %s for %d reads, want 1s and 1", took, client.calls.Load())
		}
	})
}

func TestAFailedRefreshKeepsTheLastSnapshotAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs := new(logBook)
		var fails bool
		client := &fakeClient{list: func(context.Context, apiclient.Export, []string) (*apiclient.Listing, error) {
			time.Sleep(3 * time.Second)
			if fails {
				return listing(), errOutage // A listing beside an error is none.
			}
			return &apiclient.Listing{
				Tasks: []apiclient.Task{task("1", apiclient.Failed, monday, tuesday)}, TotalCount: 1, Began: time.Now().Add(-3 * time.Second),
			}, nil
		}}
		c := newCollector(t, standard(logs.logger()), usageOf("main", client))
		read := time.Now()
		c.Refresh(t.Context())

		fails = true
		time.Sleep(time.Minute)
		c.Refresh(t.Context())
		expect(t, c, map[string]string{
			ofMain("up"):                                     "0",
			ofMain("refreshes_total"):                        "2",
			ofMain("refresh_failures_total"):                 "1",
			ofMain("snapshot_timestamp_seconds"):             seconds(read.Unix()),
			ofMain("tasks", "status", "failed"):              "1",
			ofMain("newest_task_status", "status", "failed"): "1",
		})
		if text := logs.String(); strings.Count(text, "level=warn") != 1 || !strings.Contains(text, errOutage.Error()) {
			t.Errorf("the failure is one warning, with its reason:\n%s", text)
		}

		fails = false
		time.Sleep(time.Minute)
		c.Refresh(t.Context())
		expect(t, c, map[string]string{
			ofMain("up"): "1", ofMain("refreshes_total"): "3", ofMain("refresh_failures_total"): "1",
			ofMain("snapshot_timestamp_seconds"): seconds(read.Unix() + 2*60 + 2*3),
		})
		if text := logs.String(); !strings.Contains(text, "Refresh succeeded again") {
			t.Errorf("no line tells that it succeeded again:\n%s", text)
		}
	})
}

func TestAPanicIsAFailedRefreshAndNotTheEnd(t *testing.T) {
	for name, list := range map[string]func() (*apiclient.Listing, error){
		"a panic in the client":                  func() (*apiclient.Listing, error) { panic("index out of range") },
		"a client that gives nothing at all":     func() (*apiclient.Listing, error) { return nil, nil }, //nolint:nilnil // It is the case.
		"a panic with an error, after a success": func() (*apiclient.Listing, error) { panic(errOutage) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				logs := new(logBook)
				broken := false
				client := &fakeClient{list: func(context.Context, apiclient.Export, []string) (*apiclient.Listing, error) {
					if broken {
						return list()
					}
					return listing(task("1", apiclient.Success, monday, tuesday)), nil
				}}
				c := newCollector(t, standard(log.NewJSONLogger(logs)), usageOf("main", client))
				for i, up := range []string{"1", "0", "1"} {
					broken = i == 1
					c.Refresh(t.Context())
					expect(t, c, map[string]string{
						ofMain("up"): up, ofMain("refreshes_total"): fmt.Sprint(i + 1), ofMain("tasks", "status", "success"): "1",
					})
					time.Sleep(time.Minute)
				}
				for _, want := range []string{`"level":"warn"`, `"err":"panic: `, `refresher.go:`} {
					if text := logs.String(); !strings.Contains(text, want) {
						t.Errorf("the log has no %s:\n%s", want, text)
					}
				}
			})
		})
	}
}

func TestTheErrorOfARefreshThatTookTooLongNamesItsFlag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs := new(logBook)
		client := &fakeClient{list: func(ctx context.Context, _ apiclient.Export, _ []string) (*apiclient.Listing, error) {
			<-ctx.Done()
			return nil, fmt.Errorf("page 7: %w", ctx.Err())
		}}
		config := standard(logs.logger())
		config.RefreshTimeout = 2 * time.Minute
		c := newCollector(t, config, usageOf("main", client))
		began := time.Now()
		c.Refresh(t.Context())
		if took := time.Since(began); took != 2*time.Minute {
			t.Errorf("the refresh ended after %s, want 2m", took)
		}
		if text := logs.String(); !strings.Contains(text, "not done within 2m0s (--refresh.timeout): page 7: ") {
			t.Errorf("the log does not say what to change:\n%s", text)
		}
		expect(t, c, map[string]string{ofMain("up"): "0", ofMain("refresh_failures_total"): "1", ofMain("refresh_duration_seconds"): "120"})
	})
}

func TestAnErrorBeforeTheTimeLimitDoesNotBlameIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs := new(logBook)
		client := &fakeClient{list: func(context.Context, apiclient.Export, []string) (*apiclient.Listing, error) {
			return nil, errOutage
		}}
		newCollector(t, standard(logs.logger()), usageOf("main", client)).Refresh(t.Context())
		if text := logs.String(); strings.Contains(text, "--refresh.timeout") || !strings.Contains(text, errOutage.Error()) {
			t.Errorf("logged:\n%s", text)
		}
	})
}

func TestCloseCallsOffWhatIsInFlightAndNothingBeginsAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs := new(logBook)
		ended := false
		client := &fakeClient{list: func(ctx context.Context, _ apiclient.Export, _ []string) (*apiclient.Listing, error) {
			<-ctx.Done()
			time.Sleep(time.Second) // What it takes to tidy up.
			ended = true
			return nil, ctx.Err()
		}}
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
			t.Errorf("shutting down is no failure worth a line, but logged was:\n%s", text)
		}
		c.Close() // Once more is harmless.
	})
}

func TestNoRefreshOutlivesACloseThatScrapesRaceWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed := make(chan struct{})
		client := &fakeClient{list: func(ctx context.Context, _ apiclient.Export, _ []string) (*apiclient.Listing, error) {
			select {
			case <-closed:
				t.Error("a list is read after Close has returned")
			default:
			}
			<-ctx.Done()
			return nil, ctx.Err()
		}}
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
}

func TestTheLastGoodListingIsGivenToTheNextRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var given [][]string
		client := &fakeClient{list: func(_ context.Context, _ apiclient.Export, previous []string) (*apiclient.Listing, error) {
			given = append(given, previous)
			if len(given) == 2 {
				return nil, errOutage
			}
			return listing(apiclient.Task{ID: strconv.Itoa(len(given))}), nil
		}}
		c := newMain(t, client)
		for range 4 {
			c.Refresh(t.Context())
			time.Sleep(time.Minute)
		}
		if diff := cmp.Diff([][]string{nil, {"1"}, {"1"}, {"3"}}, given); diff != "" {
			t.Errorf("ids given to the reads (-want +got):\n%s", diff)
		}
	})
}

func TestAccountsAndExportsDoNotTouchEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		both := []apiclient.Export{apiclient.Usage, apiclient.UsageDetail}
		partly := &fakeClient{list: func(_ context.Context, export apiclient.Export, _ []string) (*apiclient.Listing, error) {
			if export == apiclient.UsageDetail {
				return nil, errOutage
			}
			return listing(task("1", apiclient.Success, monday, tuesday)), nil
		}}
		hanging := &fakeClient{list: func(ctx context.Context, _ apiclient.Export, _ []string) (*apiclient.Listing, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		slow := &fakeClient{list: func(context.Context, apiclient.Export, []string) (*apiclient.Listing, error) {
			time.Sleep(5 * time.Second)
			return listing(), nil
		}}
		// The one that hangs comes first: nothing may queue behind it.
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
}

func TestASlowListDelaysItselfAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quick, slow := lists(), &fakeClient{list: func(context.Context, apiclient.Export, []string) (*apiclient.Listing, error) {
			time.Sleep(3 * time.Minute)
			return listing(), nil
		}}
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
}
