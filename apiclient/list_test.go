package apiclient_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/simulator"
)

// numbered returns the tasks 1 to n.
func numbered(n int) []simulator.Task {
	tasks := make([]simulator.Task, n)
	for i := range tasks {
		tasks[i] = simulator.Task{ID: strconv.Itoa(i + 1), Status: simulator.StatusSuccess}
	}
	return tasks
}

// simulated returns a client of a simulated account and the calls that it makes.
func simulated(t *testing.T, account simulator.Account, wrap func(http.Handler) http.Handler, change ...func(*apiclient.Config)) (*apiclient.Client, *simulator.Server, *witness) {
	t.Helper()
	api := simulator.New(account, simulator.Options{Quota: 1e9})
	var handler http.Handler = api
	if wrap != nil {
		handler = wrap(api)
	}
	w := new(witness)
	change = append([]func(*apiclient.Config){through(handler), observedBy(w), func(c *apiclient.Config) {
		c.Credentials = apiclient.StaticCredentials{
			AccessKeyID: simulator.DefaultAccessKeyID, AccessKeySecret: simulator.DefaultAccessKeySecret,
		}
		c.Limiter = apiclient.NewLimiter(1e9, 8)
	}}, change...)
	return newClient(t, "http://127.0.0.1", change...), api, w
}

// rewriting changes the body of every response.
func rewriting(change func(page int, body string) string) func(http.Handler) http.Handler {
	return func(api http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			number, _ := strconv.Atoi(r.URL.Query().Get("PageNumber"))
			response, err := inMemory{api}.RoundTrip(r)
			if err != nil {
				return
			}
			defer response.Body.Close()
			var body strings.Builder
			_ = response.Write(&body)
			_, text, _ := strings.Cut(body.String(), "\r\n\r\n")
			w.WriteHeader(response.StatusCode)
			_, _ = w.Write([]byte(change(number, text)))
		})
	}
}

var totalCount = regexp.MustCompile(`"TotalCount":(\d+)`)

func countsAs(n int) func(int, string) string {
	return func(_ int, body string) string {
		return totalCount.ReplaceAllString(body, fmt.Sprintf(`"TotalCount":%d`, n))
	}
}

func TestList(t *testing.T) {
	t.Run("reads every page once", func(t *testing.T) {
		for tasks, calls := range map[int]int{0: 1, 1: 1, 49: 1, 50: 2, 51: 3, 99: 3, 100: 4, 101: 4, 1000: 22, 1001: 22} {
			client, api, w := simulated(t, simulator.NewFixedAccount(numbered(tasks)...), nil)
			listing, err := client.List(context.Background(), apiclient.Usage, nil)
			if err != nil {
				t.Fatalf("%d tasks: %v", tasks, err)
			}
			if len(listing.Tasks) != tasks || listing.TotalCount != tasks {
				t.Errorf("%d tasks of %d, want %d", len(listing.Tasks), listing.TotalCount, tasks)
			}
			if !slices.IsSortedFunc(listing.Tasks, func(a, b apiclient.Task) int { return strings.Compare(a.ID, b.ID) }) {
				t.Errorf("%d tasks are not sorted", tasks)
			}
			if api.Calls() != calls || len(w.attempts) != calls || len(w.restarts) != 0 {
				t.Errorf("%d tasks took %d calls and %d restarts, want %d and none", tasks, api.Calls(), len(w.restarts), calls)
			}
		}
	})

	t.Run("reads both exports", func(t *testing.T) {
		account := simulator.NewFixedAccount(numbered(3)...)
		account.SetTasks(simulator.DetailAction, numbered(2)...)
		client, _, _ := simulated(t, account, nil)
		for export, want := range map[apiclient.Export]int{apiclient.Usage: 3, apiclient.UsageDetail: 2} {
			if listing, err := client.List(context.Background(), export, nil); err != nil || len(listing.Tasks) != want {
				t.Errorf("%s: %v, %v, want %d tasks", export, listing, err, want)
			}
		}
	})

	// An expired task is normal, and a task missed by a shift looks the same. A second walk
	// tells them apart.
	t.Run("walks again when a task is missing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			account := simulator.NewFixedAccount(numbered(70)...)
			client, api, w := simulated(t, account, nil)
			previous, err := client.List(context.Background(), apiclient.Usage, nil)
			if err != nil {
				t.Fatal(err)
			}
			account.SetTasks(simulator.UsageAction, numbered(69)...)
			before := api.Calls()
			listing, err := client.List(context.Background(), apiclient.Usage, previous.IDs())
			if err != nil || len(listing.Tasks) != 69 || listing.TotalCount != 69 {
				t.Fatalf("listing = %v, %v", listing, err)
			}
			if api.Calls()-before != 6 || !slices.Equal(w.restarts, []string{"1 tasks of the last listing are missing"}) {
				t.Errorf("%d calls, restarts %q, want two walks of 3", api.Calls()-before, w.restarts)
			}
		})
	})

	// A permanently wrong count must be shown, and must not prevent reading.
	t.Run("returns a TotalCount that is steadily wrong", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			for _, tc := range []struct{ tasks, count int }{
				{120, 123}, {120, 149}, {30, 33}, {120, 200}, // Too many.
				{120, 0}, {120, 3}, {120, 50}, {120, 100}, {120, 119}, {100, 50}, {50, 0}, {1000, 1}, // Too few.
			} {
				client, _, w := simulated(t, simulator.NewFixedAccount(numbered(tc.tasks)...), rewriting(countsAs(tc.count)))
				listing, err := client.List(context.Background(), apiclient.Usage, nil)
				if err != nil {
					t.Errorf("%d tasks counted as %d: %v", tc.tasks, tc.count, err)
					continue
				}
				if len(listing.Tasks) != tc.tasks || listing.TotalCount != tc.count || len(w.restarts) != 1 {
					t.Errorf("%d tasks of %d after %d restarts, want %d of %d after one", len(listing.Tasks), listing.TotalCount, len(w.restarts), tc.tasks, tc.count)
				}
			}
		})
	})

	t.Run("gives up after a bounded number of unproven walks", func(t *testing.T) {
		every := func(page int) func(int, string) string {
			return func(_ int, body string) string {
				return regexp.MustCompile(`"PageNumber":\d+`).ReplaceAllString(body, fmt.Sprintf(`"PageNumber":%d`, page))
			}
		}
		var n atomic.Int64
		for _, tc := range []struct {
			name   string
			change func(int, string) string
			reason string
		}{
			{"a count that moves", func(_ int, body string) string { return countsAs(int(120+n.Add(1)%7))(0, body) }, "TotalCount changed"},
			{"a first page that moves", func(page int, body string) string {
				if page == 1 {
					return strings.Replace(body, `"TaskName":""`, fmt.Sprintf(`"TaskName":"%d"`, n.Add(1)), 1)
				}
				return body
			}, "the first page has changed"},
			{"the number of another page", every(7), "page 1 was requested, page 7 returned"},
			{"a task listed twice", func(_ int, body string) string { return strings.Replace(body, `"TaskId":"60"`, `"TaskId":"61"`, 1) }, "a task is listed twice"},
			{"nothing on the first page", func(int, string) string {
				return `{"UsageDataPerPage":{"TotalCount":120,"Data":{"DataItem":[]}}}`
			}, "the first page is empty, but TotalCount is 120"},
		} {
			t.Run(tc.name, func(t *testing.T) {
				client, api, w := simulated(t, simulator.NewFixedAccount(numbered(120)...), rewriting(tc.change))
				listing, err := client.List(context.Background(), apiclient.Usage, nil)
				var unproven *apiclient.UnprovenError
				if !errors.As(err, &unproven) || !contains(err.Error(), tc.reason) || listing != nil {
					t.Fatalf("listing %v, error = %v, want one with %q", listing, err, tc.reason)
				}
				if len(w.restarts) != unproven.Walks || api.Calls() > unproven.Walks*4 {
					t.Errorf("%d restarts and %d calls in %d walks", len(w.restarts), api.Calls(), unproven.Walks)
				}
			})
		}
	})

	// Every page is the same page, as from a server that ignores PageNumber.
	t.Run("refuses a server that ignores page numbers", func(t *testing.T) {
		same := `{"UsageDataPerPage":{"TotalCount":100000,"Data":{"DataItem":[{"TaskId":"1","Status":"success"}]}}}`
		client, api, _ := simulated(t, simulator.NewFixedAccount(), rewriting(func(int, string) string { return same }))
		_, err := client.List(context.Background(), apiclient.Usage, nil)
		var unproven *apiclient.UnprovenError
		if !errors.As(err, &unproven) || !contains(err.Error(), "two pages begin with the same task") {
			t.Errorf("error = %v", err)
		}
		if most := 5 * (2 + 8); api.Calls() > most {
			t.Errorf("%d calls before the server was found out, want at most %d", api.Calls(), most)
		}
	})

	t.Run("ends a walk at an empty page", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			client, api, _ := simulated(t, simulator.NewFixedAccount(numbered(120)...), rewriting(countsAs(90_000)))
			listing, err := client.List(context.Background(), apiclient.Usage, nil)
			if err != nil || len(listing.Tasks) != 120 {
				t.Fatalf("listing = %v, %v", listing, err)
			}
			// Two walks of three pages, page 1 again, and what was under way by then.
			if api.Calls() > 2*(3+1+2*8) {
				t.Errorf("%d calls for a list of 3 pages that claims to have 1800", api.Calls())
			}
		})
	})

	t.Run("refuses more tasks than MaxTasks", func(t *testing.T) {
		for _, count := range []int{201, 1<<31 - 1} {
			client, api, _ := simulated(t, simulator.NewFixedAccount(numbered(10)...), rewriting(countsAs(count)),
				func(c *apiclient.Config) { c.MaxTasks = 200 })
			_, err := client.List(context.Background(), apiclient.Usage, nil)
			if want := fmt.Sprintf("the list has %d tasks, the limit is 200", count); err == nil || err.Error() != want {
				t.Errorf("error = %v, want %s", err, want)
			}
			if api.Calls() != 1 {
				t.Errorf("%d calls for a list that is not read", api.Calls())
			}
		}
	})

	t.Run("fails when one page fails", func(t *testing.T) {
		client, _, w := simulated(t, simulator.NewFixedAccount(numbered(1000)...), func(api http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("PageNumber") == "7" {
					fail(403, `{"Code":"Forbidden.RAM"}`).ServeHTTP(w, r)
					return
				}
				api.ServeHTTP(w, r)
			})
		})
		listing, err := client.List(context.Background(), apiclient.Usage, nil)
		var apiErr *apiclient.Error
		if !errors.As(err, &apiErr) || apiErr.Code != "Forbidden" || !contains(err.Error(), "page 7") || listing != nil {
			t.Errorf("listing %v, error = %v", listing, err)
		}
		failed := 0
		for _, a := range w.attempts {
			if a.Err != nil {
				failed++
			}
		}
		if failed != 1 {
			t.Errorf("%d attempts count as errors: those that were called off are none", failed)
		}
	})
}

// ordinary is an account at an ordinary pace: every few seconds a task is created, finishes or
// leaves.
type ordinary struct {
	mu     sync.Mutex
	random *rand.Rand
	tasks  []simulator.Task
	next   int
	last   time.Time
}

func (o *ordinary) Tasks(_ string, now time.Time) []simulator.Task {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.last.Add(5 * time.Second).Before(now) {
		o.last = o.last.Add(5 * time.Second)
		o.tasks = slices.Clone(o.tasks)
		switch o.random.IntN(3) {
		case 0:
			o.next++
			o.tasks = slices.Insert(o.tasks, 0, simulator.Task{ID: strconv.Itoa(o.next), Status: simulator.StatusCreated})
		case 1:
			o.tasks[o.random.IntN(20)].Status = simulator.StatusSuccess
		case 2:
			o.tasks = o.tasks[:len(o.tasks)-1]
		}
	}
	return o.tasks
}

func TestListUnderChange(t *testing.T) {
	// The list changes every five seconds, all day. It is read every minute with calls of 50
	// ms. At least 99 of 100 refreshes succeed.
	t.Run("succeeds in 99 of 100 refreshes at an ordinary pace", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			account := &ordinary{random: rand.New(rand.NewPCG(1, 2)), tasks: numbered(500), next: 500, last: time.Now()}
			slices.Reverse(account.tasks)
			client, _, w := simulated(t, account, func(api http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					time.Sleep(50 * time.Millisecond) // Fake time.
					api.ServeHTTP(w, r)
				})
			}, limited(20, 8))
			var previous *apiclient.Listing
			refreshes, failures := 200, 0
			for range refreshes {
				if listing, err := client.List(context.Background(), apiclient.Usage, previous.IDs()); err == nil {
					previous = listing
				} else {
					failures++
				}
				time.Sleep(time.Minute)
			}
			t.Logf("%d refreshes, %d failed, %d walks walked again, %d calls", refreshes, failures, len(w.restarts), len(w.attempts))
			if failures*100 > refreshes {
				t.Errorf("%d of %d refreshes failed", failures, refreshes)
			}
		})
	})

	// An outage causes fewer API calls than normal operation. The list has three pages, and is
	// refreshed every minute for an hour.
	t.Run("costs fewer calls in an outage than normally", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			down := false
			client, _, w := simulated(t, simulator.NewFixedAccount(numbered(120)...), func(api http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if down {
						fail(503, `{"Code":"ServiceUnavailable"}`).ServeHTTP(w, r)
						return
					}
					api.ServeHTTP(w, r)
				})
			}, retrying(3))
			hour := func() int {
				before := len(w.attempts)
				for range 60 {
					_, _ = client.List(context.Background(), apiclient.Usage, nil)
					time.Sleep(time.Minute) // Fake time.
				}
				return len(w.attempts) - before
			}
			normal := hour()
			down = true
			outage := hour()
			t.Logf("%d calls in an hour of normal running, %d in an hour of outage", normal, outage)
			if normal != 60*4 || outage != 60+3 {
				t.Errorf("%d calls, and %d in an outage, want 240 and 63", normal, outage)
			}
		})
	})
}
