package apiclient_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/simulator"
)

// ids returns the ids from one number to another.
func ids(from, to int) []string {
	var ids []string
	for id := from; id <= to; id++ {
		ids = append(ids, strconv.Itoa(id))
	}
	return ids
}

// pageOf returns a page of a list, by its number.
func pageOf(list []string, number int) []string {
	from := min((number-1)*apiclient.PageSize, len(list))
	return list[from:min(from+apiclient.PageSize, len(list))]
}

// body returns the body of a page.
func body(total int, ids []string) string {
	items := make([]string, len(ids))
	for i, id := range ids {
		items[i] = fmt.Sprintf(`{"TaskId":%q,"Status":"success"}`, id)
	}
	return fmt.Sprintf(`{"UsageDataPerPage":{"TotalCount":%d,"Data":{"DataItem":[%s]}}}`, total, strings.Join(items, ","))
}

// bodies serves the bodies that a function returns for a page and the time since the start.
func bodies(f func(page int, since time.Duration) string) http.Handler {
	began := time.Now()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, _ := strconv.Atoi(r.URL.Query().Get("PageNumber"))
		_, _ = w.Write([]byte(f(page, time.Since(began))))
	})
}

// TestListReplicas reads lists whose pages come from different copies, or are wrong for a
// moment.
func TestListReplicas(t *testing.T) {
	known := ids(1, 120)
	newest := append([]string{"121"}, known[:119]...) // 121 has come, and 120 has expired.
	for name, tc := range map[string]struct {
		serve  func(page int, since time.Duration) string
		tasks  []string
		walks  int
		failed string
	}{
		"page 1 is a step ahead for a moment": {
			serve: func(page int, since time.Duration) string {
				if page == 1 || since > time.Second {
					return body(120, pageOf(newest, page))
				}
				return body(120, pageOf(known, page))
			},
			tasks: newest, walks: 3, // 50 is missing in the first one, 120 in the second one.
		},
		"page 1 is a step behind for a moment": {
			serve: func(page int, since time.Duration) string {
				if page > 1 || since > time.Second {
					return body(120, pageOf(newest, page))
				}
				return body(120, pageOf(known, page))
			},
			walks: 8, failed: "a task is listed twice",
		},
		"the last page is empty for a moment": {
			serve: func(page int, since time.Duration) string {
				if page == 3 && since < 4*time.Second {
					return body(120, nil)
				}
				return body(120, pageOf(known, page))
			},
			tasks: known, walks: 2,
		},
		"the list is empty for a moment": {
			serve: func(page int, since time.Duration) string {
				if since < 4*time.Second {
					return body(0, nil)
				}
				return body(120, pageOf(known, page))
			},
			tasks: known, walks: 2,
		},
		"TotalCount is too large for a moment": {
			serve: func(page int, since time.Duration) string {
				if since < 4*time.Second {
					return body(121, pageOf(known, page))
				}
				return body(120, pageOf(known, page))
			},
			tasks: known, walks: 2,
		},
		"TotalCount counts only the first page": {
			serve: func(page int, _ time.Duration) string { return body(50, pageOf(known, page)) },
			tasks: known, walks: 2,
		},
		"TotalCount is 0": {
			serve: func(page int, _ time.Duration) string { return body(0, pageOf(known, page)) },
			tasks: known, walks: 2,
		},
		"the list is empty from now on": {
			serve: func(int, time.Duration) string { return body(0, nil) },
			walks: 2,
		},
		"the list shrinks by a page, and has null beyond its end": {
			serve: func(page int, since time.Duration) string {
				switch {
				case page == 1 && since == 0:
					return body(120, pageOf(known, page))
				case page == 3:
					return `{"UsageDataPerPage":{"TotalCount":100,"Data":null}}`
				}
				return body(100, pageOf(known[:100], page))
			},
			tasks: known[:100], walks: 3,
		},
		"a page has null instead of a list": {
			serve: func(page int, _ time.Duration) string {
				if page == 2 {
					return `{"UsageDataPerPage":{"TotalCount":120,"Data":{"DataItem":null}}}`
				}
				return body(120, pageOf(known, page))
			},
			walks: 8, failed: "page 2 has no list of tasks",
		},
		"the first page has null instead of a list": {
			serve:  func(int, time.Duration) string { return `{"UsageDataPerPage":{"TotalCount":120,"Data":null}}` },
			failed: "page 1: decode: no DataItem although TotalCount is not 0",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := new(witness)
				delayed := func(api http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						api.ServeHTTP(w, r)
						time.Sleep(2 * time.Millisecond) // Fake time.
					})
				}
				client := newClient(t, "http://127.0.0.1", through(delayed(bodies(tc.serve))), observedBy(w))
				listing, err := client.List(t.Context(), apiclient.Usage, slices.Sorted(slices.Values(known)))
				if tc.failed != "" {
					if err == nil || !contains(err.Error(), tc.failed) || len(w.restarts) != tc.walks {
						t.Fatalf("%v, error = %v after %d restarts, want %q after %d", listing, err, len(w.restarts), tc.failed, tc.walks)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if got := listing.IDs(); !slices.Equal(got, slices.Sorted(slices.Values(tc.tasks))) || len(w.restarts)+1 != tc.walks {
					t.Errorf("%d tasks after %d walks, want %d after %d; restarts: %q", len(got), len(w.restarts)+1, len(tc.tasks), tc.walks, w.restarts)
				}
			})
		})
	}
}

func TestListPageSize(t *testing.T) {
	for name, tc := range map[string]struct{ echo, want string }{
		"a smaller one":     {`20`, "page 1: decode: PageSize is 20, but 50 was requested"},
		"a larger one":      {`"100"`, "page 1: decode: PageSize is 100, but 50 was requested"},
		"the requested one": {`50`, ""},
		"no one":            {`0`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := new(witness)
			client := newClient(t, "http://127.0.0.1", observedBy(w), through(bodies(func(page int, _ time.Duration) string {
				return strings.Replace(body(60, pageOf(ids(1, 60), page)), `"TotalCount"`, `"PageSize":`+tc.echo+`,"TotalCount"`, 1)
			})))
			listing, err := client.List(t.Context(), apiclient.Usage, nil)
			if tc.want == "" {
				if err != nil || len(listing.Tasks) != 60 {
					t.Errorf("listing %v, error = %v", listing, err)
				}
				return
			}
			apiErr, ok := errors.AsType[*apiclient.Error](err)
			if !ok || err.Error() != tc.want || apiErr.Class != apiclient.ClassMalformed || len(w.attempts) != 1 {
				t.Errorf("error = %v after %d calls, want %s after one", err, len(w.attempts), tc.want)
			}
		})
	}
}

func TestListMaxTasks(t *testing.T) {
	// A TotalCount that is too small must not bypass the limit.
	for _, tc := range []struct{ tasks, total, limit int }{
		{500, 0, 200}, {500, 200, 200}, {251, 250, 250}, {201, 200, 200},
	} {
		client, _, _ := simulated(t, simulator.NewFixedAccount(numbered(tc.tasks)...), rewriting(countsAs(tc.total)),
			func(c *apiclient.Config) { c.MaxTasks = tc.limit })
		_, err := client.List(t.Context(), apiclient.Usage, nil)
		if tooMany, ok := errors.AsType[*apiclient.TooManyTasksError](err); !ok || tooMany.TotalCount <= tc.limit {
			t.Errorf("%+v: error = %v, want a TooManyTasksError", tc, err)
		}
	}
	client, _, _ := simulated(t, simulator.NewFixedAccount(numbered(200)...), nil, func(c *apiclient.Config) { c.MaxTasks = 200 })
	if _, err := client.List(t.Context(), apiclient.Usage, nil); err != nil {
		t.Errorf("200 of at most 200 tasks: %v", err)
	}
}

func TestRead(t *testing.T) {
	// The caller decides how to wait for the confirming walk.
	t.Run("tells when a walk can be confirmed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			client := newClient(t, "http://127.0.0.1", through(walks("2: 1 2", "2: 1 2")))
			_, err := client.Read(t.Context(), apiclient.Usage, []string{"1", "2", "3"})
			unconfirmed, ok := errors.AsType[*apiclient.UnconfirmedError](err)
			if !ok || !unconfirmed.Due.Equal(time.Now().Add(5*time.Second)) {
				t.Fatalf("error = %v, want one that is due in 5 s", err)
			}
			if want := "1 tasks of the last listing are missing; a second walk must confirm that"; err.Error() != want {
				t.Errorf("error = %v, want %s", err, want)
			}
			time.Sleep(2 * time.Second)
			began := time.Now()
			listing, err := unconfirmed.Confirm(t.Context())
			if err != nil || len(listing.Tasks) != 2 || time.Since(began) != 3*time.Second {
				t.Errorf("listing %v, error = %v after %s, want one after 3 s", listing, err, time.Since(began))
			}
		})
	})

	t.Run("stops waiting when it is canceled", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			client := newClient(t, "http://127.0.0.1", through(walks("3: 1 2")))
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			began := time.Now()
			if _, err := client.List(ctx, apiclient.Usage, nil); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 2*time.Second {
				t.Errorf("error = %v after %s", err, time.Since(began))
			}
		})
	})
}

// busy is a long list that changes every ten seconds. Usually a task somewhere in it finishes;
// sometimes one expires.
type busy struct {
	mu      sync.Mutex
	random  *rand.Rand
	tasks   []simulator.Task
	last    time.Time
	expires int // of how many events one is an expiry
}

func (b *busy) Tasks(_ string, now time.Time) []simulator.Task {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.last.Add(10 * time.Second).Before(now) {
		b.last = b.last.Add(10 * time.Second)
		b.tasks = slices.Clone(b.tasks)
		if b.random.IntN(b.expires) == 0 {
			b.tasks = b.tasks[:len(b.tasks)-1]
		} else {
			i := apiclient.PageSize + b.random.IntN(len(b.tasks)-apiclient.PageSize)
			b.tasks[i].Name = strconv.Itoa(b.random.Int())
		}
	}
	return b.tasks
}

func TestListOfLongLists(t *testing.T) {
	// 4,000 tasks at 4 calls a second take 20 s, as 20,000 do at 20 a second. A task finishes
	// every 10 s, and expires every 2 minutes.
	t.Run("succeeds in 99 of 100 refreshes although reading takes 20 s", func(t *testing.T) {
		if testing.Short() {
			t.Skip("it reads 15,000 pages")
		}
		synctest.Test(t, func(t *testing.T) {
			account := &busy{random: rand.New(rand.NewPCG(1, 2)), tasks: numbered(4_200), last: time.Now(), expires: 12}
			client, _, w := simulated(t, account, func(api http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					time.Sleep(50 * time.Millisecond) // Fake time.
					api.ServeHTTP(w, r)
				})
			}, limited(4, 8))
			var previous *apiclient.Listing
			refreshes, failures, longest := 100, 0, time.Duration(0)
			if raceEnabled {
				refreshes = 20
			}
			for range refreshes {
				began := time.Now()
				if listing, err := client.List(t.Context(), apiclient.Usage, previous.IDs()); err == nil {
					previous = listing
				} else {
					failures++
				}
				longest = max(longest, time.Since(began))
				time.Sleep(time.Minute)
			}
			t.Logf("%d refreshes, %d failed, %d walks walked again, %d calls, the longest took %s", refreshes, failures, len(w.restarts), len(w.attempts), longest)
			if failures*100 > refreshes {
				t.Errorf("%d of %d refreshes failed", failures, refreshes)
			}
		})
	})
}
