package apiclient_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/simulator"
)

// walks serves single-page lists. The n-th call gets the n-th list, and further calls get the
// last one. A list is a TotalCount and its tasks, such as "4: 1 2 3". "?" breaks off the walk.
func walks(lists ...string) http.Handler {
	var calls atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		list := lists[min(int(calls.Add(1)), len(lists))-1]
		if list == "?" { // Another page's number.
			_, _ = w.Write([]byte(`{"UsageDataPerPage":{"PageNumber":9,"TotalCount":0}}`))
			return
		}
		count, tasks, _ := strings.Cut(list, ": ")
		var items []string
		for task := range strings.FieldsSeq(tasks) {
			id, status, _ := strings.Cut(task, "=")
			items = append(items, fmt.Sprintf(`{"TaskId":%q,"Status":%q}`, id, status))
		}
		_, _ = fmt.Fprintf(w, `{"UsageDataPerPage":{"TotalCount":%s,"Data":{"DataItem":[%s]}}}`, count, strings.Join(items, ","))
	})
}

func TestProof(t *testing.T) {
	t.Run("accepts two walks only if they agree", func(t *testing.T) {
		for _, tc := range []struct {
			name   string
			lists  []string
			proven bool
			walks  int
		}{
			{"one walk with the right count", []string{"2: 1 2"}, true, 1},
			{"two that agree in a wrong count", []string{"3: 1 2"}, true, 2},
			{"the same tasks under counts that change", []string{"4: 1 2", "5: 1 2", "6: 1 2", "7: 1 2", "8: 1 2", "9: 1 2", "10: 1 2", "11: 1 2"}, false, 8},
			{"ids that differ under a wrong count", []string{"3: 1 2", "3: 1 3", "3: 1 2", "3: 1 4", "3: 1 2", "3: 1 3", "3: 1 2", "3: 1 5"}, false, 8},
			{"a status that differs", []string{"3: 1=created 2", "3: 1=success 2"}, true, 2},
			{"a broken walk between two that agree", []string{"3: 1 2", "?", "3: 1 2", "?", "3: 1 2", "?", "3: 1 2", "?"}, false, 8},
			{"a task twice, and twice again", []string{"2: 1 1"}, false, 8},
			{"a wrong count, then the right one", []string{"3: 1 2", "2: 1 2"}, true, 2},
			{"the same wrong count only in the second pair", []string{"3: 1 2", "4: 1 2", "4: 1 2"}, true, 3},
		} {
			synctest.Test(t, func(t *testing.T) {
				w := new(witness)
				listing, err := newClient(t, "http://127.0.0.1", through(walks(tc.lists...)), observedBy(w)).List(context.Background(), apiclient.Usage, nil)
				var unproven *apiclient.UnprovenError
				if tc.proven != (err == nil) || !tc.proven && !errors.As(err, &unproven) || len(w.attempts) != tc.walks {
					t.Errorf("%s: %+v, %v after %d walks, want proven: %v after %d", tc.name, listing, err, len(w.attempts), tc.proven, tc.walks)
				}
			})
		}
	})

	// The walks that a list with known tasks needs. Each list has a single page, so a walk is a
	// call.
	t.Run("lets a second walk confirm that tasks have left", func(t *testing.T) {
		for _, tc := range []struct {
			name   string
			lists  []string
			proven bool
			walks  int
		}{
			{"a known task is gone", []string{"2: 1 2"}, true, 2},
			{"all known tasks are gone", []string{"0: "}, true, 2},
			{"an empty list for a moment", []string{"0: ", "3: 1 2 3"}, true, 2},
			{"a task was created meanwhile", []string{"2: 1 2", "3: 1 2 4"}, true, 2},
			{"another one has left meanwhile", []string{"2: 1 2", "1: 1", "1: 1"}, true, 3},
			{"another one has taken a place", []string{"2: 1 2", "2: 1 4", "2: 1 4"}, true, 3},
			{"a count that was wrong only at first", []string{"3: 1 2", "2: 1 2", "2: 1 2"}, true, 3},
			{"one leaves after the other", []string{"2: 4 5", "2: 5 6", "2: 6 7", "2: 7 8", "2: 8 9", "2: 9 10", "2: 10 11", "2: 11 12"}, false, 8},
		} {
			synctest.Test(t, func(t *testing.T) {
				w := new(witness)
				client := newClient(t, "http://127.0.0.1", through(walks(tc.lists...)), observedBy(w))
				began := time.Now()
				listing, err := client.List(context.Background(), apiclient.Usage, []string{"1", "2", "3"})
				if tc.proven != (err == nil) || len(w.attempts) != tc.walks {
					t.Errorf("%s: %+v, %v after %d walks, want proven: %v after %d", tc.name, listing, err, len(w.attempts), tc.proven, tc.walks)
				}
				if want := time.Duration(tc.walks-1) * 5 * time.Second; time.Since(began) != want {
					t.Errorf("%s: took %s, want %s", tc.name, time.Since(began), want)
				}
				if listing != nil && time.Since(listing.Began) != 0 {
					t.Errorf("%s: the listing began %s ago, want with the last walk", tc.name, time.Since(listing.Began))
				}
			})
		}
	})

	// A server with shorter pages than requested omits tasks.
	t.Run("refuses pages that are not full", func(t *testing.T) {
		capped := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			number, _ := strconv.Atoi(r.URL.Query().Get("PageNumber"))
			var items []string
			for id := (number-1)*20 + 1; id <= min(number*20, 90); id++ {
				items = append(items, fmt.Sprintf(`{"TaskId":%d,"Status":"success"}`, id))
			}
			_, _ = fmt.Fprintf(w, `{"UsageDataPerPage":{"TotalCount":90,"Data":{"DataItem":[%s]}}}`, strings.Join(items, ","))
		})
		listing, err := newClient(t, "http://127.0.0.1", through(capped)).List(context.Background(), apiclient.Usage, nil)
		var unproven *apiclient.UnprovenError
		if !errors.As(err, &unproven) || !contains(err.Error(), "page 2 follows a page that is not full") {
			t.Errorf("%d tasks listed, error = %v", len(listing.Tasks), err)
		}
	})
}

func TestDecodePage(t *testing.T) {
	// Hundreds of thousands of empty tasks fit into a response's bound. They must not be built.
	t.Run("bounds the memory of an endless page", func(t *testing.T) {
		body := []byte(`{"UsageDataPerPage":{"TotalCount":1,"Data":{"DataItem":[` + strings.Repeat("{},", 340_000) + `{}]}}}`)
		client := newClient(t, "http://127.0.0.1", through(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) })))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := pageError(t, client)
		runtime.ReadMemStats(&after)
		if got.Code != "decode" || !contains(got.Detail, "more than 50 tasks in a page") {
			t.Errorf("error = %v", got)
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 40<<20 {
			t.Errorf("%d MiB allocated", grown>>20)
		}
	})
}

type panicking struct{ http.RoundTripper }

func (p panicking) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Query().Get("PageNumber") == "2" {
		panic("odd")
	}
	return p.RoundTripper.RoundTrip(r)
}

func TestListPanic(t *testing.T) {
	t.Run("turns a panic in a page into an error", func(t *testing.T) {
		client, _, _ := simulated(t, simulator.NewFixedAccount(numbered(200)...), nil, func(c *apiclient.Config) {
			c.Transport = panicking{c.Transport}
		})
		if _, err := client.List(context.Background(), apiclient.Usage, nil); err == nil || !contains(err.Error(), "page 2: panic: string: this is a bug") {
			t.Errorf("error = %v", err)
		}
	})
}
