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
)

// seconds formats a time as a sample does.
func seconds(unix int64) string { return strconv.FormatFloat(float64(unix), 'g', -1, 64) }

var errOutage = errors.New("the API is in trouble")

// The tests run under synctest: a Sleep takes no time, and moments are exact.

func TestRefreshIsDue(t *testing.T) {
	for name, tc := range map[string]struct {
		took time.Duration
		err  error
		due  time.Duration // after the first refresh's end
	}{
		"the TTL begins with a quick success":                      {took: time.Second, due: 59 * time.Second},
		"the TTL begins with a quick failure":                      {took: time.Second, err: errOutage, due: 59 * time.Second},
		"after a slow success as long is spent not reading":        {took: 90 * time.Second, due: 90 * time.Second},
		"after a slow failure as long is spent not reading":        {took: 90 * time.Second, err: errOutage, due: 90 * time.Second},
		"a refresh that takes no time at all is kept for the TTL":  {due: time.Minute},
		"a refresh may take half of the TTL":                       {took: 30 * time.Second, due: 30 * time.Second},
		"one that takes longer is followed by as long a rest":      {took: 31 * time.Second, due: 31 * time.Second},
		"a refresh that takes as long as the TTL is kept for both": {took: time.Minute, due: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := &fakeClient{
					list: func(context.Context, apiclient.Export, []string) (*apiclient.Listing, error) {
						answer := listing()
						time.Sleep(tc.took)
						return answer, tc.err
					},
				}
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

func TestRefreshIsShared(t *testing.T) {
	t.Run("a thousand scrapes share one refresh", func(t *testing.T) {
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
	})

	t.Run("a scrape returns at its own deadline and the next one finds the refresh done", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			client := &fakeClient{
				list: func(ctx context.Context, _ apiclient.Export, _ []string) (*apiclient.Listing, error) {
					select {
					case <-time.After(25 * time.Second):
						return listing(task("1", apiclient.Success, epoch-120, epoch-60)), nil
					case <-ctx.Done():
						return nil, ctx.Err()
					}
				},
			}
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
	})

	t.Run("a late scrape waits for the running refresh", func(t *testing.T) {
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
	})
}

func TestRefreshSnapshot(t *testing.T) {
	t.Run("a failed refresh keeps the last snapshot and says so", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			logs := new(logBook)
			var fails bool
			client := &fakeClient{list: func(context.Context, apiclient.Export, []string) (*apiclient.Listing, error) {
				time.Sleep(3 * time.Second)
				if fails {
					return listing(), errOutage // A listing returned with an error is ignored.
				}
				return &apiclient.Listing{
					Tasks: []apiclient.Task{
						task("1", apiclient.Failed, epoch-120, epoch-60),
					},
					TotalCount: 1,
					Began:      time.Now().Add(-3 * time.Second),
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
			if text := logs.String(); strings.Count(text, "level=warn") != 1 ||
				!strings.Contains(text, errOutage.Error()) {
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
	})

	t.Run("the next read gets the ids of the last good listing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var given [][]string
			client := &fakeClient{
				list: func(_ context.Context, _ apiclient.Export, previous []string) (*apiclient.Listing, error) {
					given = append(given, previous)
					if len(given) == 2 {
						return nil, errOutage
					}
					return listing(apiclient.Task{ID: strconv.Itoa(len(given))}), nil
				},
			}
			c := newMain(t, client)
			for range 4 {
				c.Refresh(t.Context())
				time.Sleep(time.Minute)
			}
			if diff := cmp.Diff([][]string{nil, {"1"}, {"1"}, {"3"}}, given); diff != "" {
				t.Errorf("ids given to the reads (-want +got):\n%s", diff)
			}
		})
	})
}

func TestRefreshPanics(t *testing.T) {
	for name, list := range map[string]func() (*apiclient.Listing, error){
		"a panic in the client":                  func() (*apiclient.Listing, error) { panic("index out of range") },
		"a client that returns nothing":          func() (*apiclient.Listing, error) { return nil, nil }, //nolint:nilnil // This is the case under test.
		"a panic with an error, after a success": func() (*apiclient.Listing, error) { panic(errOutage) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				logs := new(logBook)
				broken := false
				client := &fakeClient{
					list: func(context.Context, apiclient.Export, []string) (*apiclient.Listing, error) {
						if broken {
							return list()
						}
						return listing(task("1", apiclient.Success, epoch-120, epoch-60)), nil
					},
				}
				c := newCollector(t, standard(log.NewJSONLogger(logs)), usageOf("main", client))
				for i, up := range []string{"1", "0", "1"} {
					broken = i == 1
					c.Refresh(t.Context())
					expect(t, c, map[string]string{
						ofMain("up"):                         up,
						ofMain("refreshes_total"):            fmt.Sprint(i + 1),
						ofMain("tasks", "status", "success"): "1",
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

// The log line of a failed refresh has the same information as the status page and check.
func TestRefreshFailedIsLogged(t *testing.T) {
	for want, err := range map[string]error{
		`class=denied err="page 1: Forbidden" advice="The key may not list these tasks. `: &apiclient.Error{
			Code: "Forbidden", Class: apiclient.ClassDenied,
		},
		`class=network err="page 1: tls" advice="Check the endpoint's name, `: &apiclient.Error{
			Code: apiclient.CodeTLS, Class: apiclient.ClassNetwork,
		},
		`class=none err="page 1: the list has 3 tasks, the limit is 2" advice="Raise --api.max-tasks. `: &apiclient.TooManyTasksError{
			TotalCount: 3, MaxTasks: 2,
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			logs := new(logBook)
			client := &fakeClient{list: func(context.Context, apiclient.Export, []string) (*apiclient.Listing, error) {
				return nil, fmt.Errorf("page 1: %w", err)
			}}
			newCollector(t, standard(logs.logger()), usageOf("main", client)).Refresh(t.Context())
			if text := logs.String(); !strings.Contains(text, `msg="Refresh failed"`) || !strings.Contains(text, want) {
				t.Errorf("logged:\n%s\nwant %s", text, want)
			}
		})
	}
}

func TestRefreshTimeout(t *testing.T) {
	t.Run("the error of a refresh that took too long names the flag", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			logs := new(logBook)
			client := &fakeClient{
				list: func(ctx context.Context, _ apiclient.Export, _ []string) (*apiclient.Listing, error) {
					<-ctx.Done()
					return nil, fmt.Errorf("page 7: %w", ctx.Err())
				},
			}
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
			expect(t, c, map[string]string{
				ofMain("up"): "0", ofMain("refresh_failures_total"): "1", ofMain("refresh_duration_seconds"): "120",
			})
		})
	})

	t.Run("another error does not name it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			logs := new(logBook)
			client := &fakeClient{list: func(context.Context, apiclient.Export, []string) (*apiclient.Listing, error) {
				return nil, errOutage
			}}
			newCollector(t, standard(logs.logger()), usageOf("main", client)).Refresh(t.Context())
			if text := logs.String(); strings.Contains(text, "--refresh.timeout") ||
				!strings.Contains(text, errOutage.Error()) {
				t.Errorf("logged:\n%s", text)
			}
		})
	})
}

func TestReadNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &fakeClient{list: func(context.Context, apiclient.Export, []string) (*apiclient.Listing, error) {
			time.Sleep(time.Second)
			return listing(), nil
		}}
		c := newMain(t, client)
		began := time.Now()
		c.ReadNew()
		if waited := time.Since(began); waited != 0 {
			t.Errorf("it waited for %s", waited)
		}
		synctest.Wait()
		if n := client.calls.Load(); n != 1 {
			t.Errorf("%d lists read, want 1", n)
		}
		time.Sleep(time.Hour) // The next refresh is due, but only a scrape starts it.
		c.ReadNew()
		synctest.Wait()
		if n := client.calls.Load(); n != 1 {
			t.Errorf("%d lists read, want no more", n)
		}
	})
}
