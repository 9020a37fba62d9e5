package scenario

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"alicdn_export_exporter/internal/simulator"
	"alicdn_export_exporter/internal/simulator/simulatortest"
)

func TestNames(t *testing.T) {
	names := Names()
	want := []string{
		"healthy", "throttle", "denied", "failed", "stuck",
		"forgotten-month", "too-early", "moving", "clock-skew", "outage", "huge",
	}
	if !slices.Equal(names, want) {
		t.Errorf("names: %v", names)
	}
	for _, s := range All() {
		if d := s.Description; !strings.HasSuffix(d, ".") || strings.ContainsAny(d, "\n") || len(d) > 100 {
			t.Errorf("%s: the description is not a short sentence: %q", s.Name, d)
		}
	}
}

func TestNew(t *testing.T) {
	t.Run("unknown scenario", func(t *testing.T) {
		_, err := New("sick", simulator.Options{})
		want := `unknown scenario "sick", must be one of ` + strings.Join(Names(), ", ")
		if err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	})

	t.Run("the same seed and clock give the same bytes", func(t *testing.T) {
		for _, name := range Names() {
			var runs [2]string
			for i := range runs {
				s := startServerWith(t, name, noon, simulator.Options{Seed: 42})
				for range 6 {
					s.now = s.now.Add(97 * time.Second)
					s.client.Now = s.now
					r := s.client.V3(http.MethodGet, simulator.UsageAction, url.Values{"PageSize": {"50"}}, "")
					w := simulatortest.Do(s, r)
					runs[i] += fmt.Sprint(w.Code, w.Header(), w.Body)
				}
			}
			if runs[0] != runs[1] {
				t.Errorf("%s: two runs differ", name)
			}
		}
	})

	t.Run("the list is in the order of the options", func(t *testing.T) {
		list := func(order simulator.Order) []string {
			s := startServerWith(t, "throttle", noon, simulator.Options{Quota: 1e6, Order: order})
			var created []string
			for _, task := range s.list(simulator.UsageAction) {
				created = append(created, task.CreateTime+task.TaskID)
			}
			return created
		}
		oldest, newest, shuffled := list(simulator.OldestFirst), list(simulator.NewestFirst), list(simulator.Shuffled)
		if !slices.IsSorted(oldest) {
			t.Error("OldestFirst does not list the oldest task first")
		}
		if slices.Reverse(newest); !slices.Equal(oldest, newest) {
			t.Error("NewestFirst is not the reverse of OldestFirst")
		}
		if slices.IsSorted(shuffled) {
			t.Error("Shuffled lists the oldest task first")
		}
		if slices.Sort(shuffled); !slices.Equal(oldest, shuffled) {
			t.Error("Shuffled lists other tasks")
		}
	})

	t.Run("shows the time before its start", func(t *testing.T) {
		options := simulator.Options{Quota: 1e6, Start: noon.AddDate(0, 0, 30)}
		s := startServerWith(t, "failed", noon, options)
		for _, tc := range []struct {
			name string
			now  time.Time
			want int // unrecovered failures
		}{
			{"a month before", noon, 0},
			{"before the export that fails", time.Date(2026, time.December, 1, 5, 0, 0, 0, zone), 0},
			{"after it", time.Date(2026, time.December, 1, 7, 0, 0, 0, zone), 1},
			{"at the start", noon.AddDate(0, 0, 30), 1},
		} {
			s.now = tc.now
			if got := unrecovered(t, s.checkedList(simulator.UsageAction)); got != tc.want {
				t.Errorf("%s: %d unrecovered failures, want %d", tc.name, got, tc.want)
			}
		}
	})

	t.Run("concurrent calls over HTTP", func(t *testing.T) {
		s, err := New("moving", simulator.Options{Quota: 1e6})
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(s)
		defer server.Close()
		target, err := url.Parse(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for caller := range 8 {
			wg.Go(func() {
				c := newClient(time.Now())
				c.NoncePrefix = fmt.Sprint(caller, "-")
				query := url.Values{"PageSize": {"50"}}
				for range 25 {
					r := c.V3(http.MethodPost, simulator.UsageAction, query, "", func(r *http.Request) {
						r.URL.Host, r.Host, r.RequestURI = target.Host, target.Host, ""
					})
					resp, err := server.Client().Do(r)
					if err != nil {
						t.Error(err)
						return
					}
					_ = resp.Body.Close()
					if dates := len(resp.Header.Values("Date")); resp.StatusCode != http.StatusOK || dates != 1 {
						t.Errorf("status %d, %d dates", resp.StatusCode, dates)
					}
					s.Calls()
				}
			})
		}
		wg.Wait()
		if s.Calls() != 200 {
			t.Errorf("%d calls, want 200", s.Calls())
		}
	})
}

func TestThrottle(t *testing.T) {
	s := startServerWith(t, "throttle", noon, simulator.Options{})
	granted := 0
	for range 100 {
		w := simulatortest.Do(s, s.client.V3(http.MethodPost, simulator.UsageAction, nil, ""))
		switch code := simulatortest.DecodeError(t, w).Code; {
		case w.Code == http.StatusOK:
			granted++
			if p := simulatortest.DecodePage(t, w); p.TotalCount <= 150 {
				t.Fatalf("%d tasks, want more than three pages", p.TotalCount)
			}
		case code != "Throttling.User" && code != "Throttling":
			t.Fatalf("code %s", code)
		}
		s.now = s.now.Add(100 * time.Millisecond)
	}
	if granted != 10 {
		t.Errorf("%d of 100 calls in 10 s were granted, want 10", granted)
	}
	tasks := startServer(t, "throttle", noon).checkedList(simulator.UsageAction)
	if unrecovered(t, tasks) != 0 || count(tasks, hasPrefix("report-")) != 160 {
		t.Errorf("%d tasks, %d unrecovered", len(tasks), unrecovered(t, tasks))
	}
}

func TestDenied(t *testing.T) {
	s := startServer(t, "denied", noon)
	for action, code := range map[string]string{
		simulator.UsageAction:  "NoPermission",
		simulator.DetailAction: "Forbidden.RAM",
	} {
		w := simulatortest.Do(s, s.client.V3(http.MethodPost, action, nil, ""))
		detail := simulatortest.WantError(t, w, 403, code).AccessDeniedDetail
		if detail == nil || detail.AuthAction != "cdn:"+action || detail.NoPermissionType != "ImplicitDeny" {
			t.Errorf("%s: %+v", action, detail)
		}
	}
	s.client.Secret = "guessed"
	w := simulatortest.Do(s, s.client.V3(http.MethodPost, simulator.UsageAction, nil, ""))
	simulatortest.WantError(t, w, 400, "SignatureDoesNotMatch")
}

func TestFailed(t *testing.T) {
	t.Run("the export of last month failed", func(t *testing.T) {
		for _, start := range startTimes() {
			s := startServer(t, "failed", start)
			for _, s.now = range []time.Time{start, start.Add(20 * time.Hour)} {
				thisMonth := startOfMonth(s.now)
				if thisMonth != startOfMonth(start) {
					continue
				}
				tasks := s.checkedList(simulator.UsageAction)
				newest := tasks[0]
				failed := count(tasks, hasStatus(simulator.StatusFailed))
				succeeded := count(tasks, hasStatus(simulator.StatusSuccess))
				if newest.Status != simulator.StatusFailed || unrecovered(t, tasks) != 1 || failed != 1 || succeeded < 2 {
					t.Errorf("%s: newest %+v, %d unrecovered", s.now, newest, unrecovered(t, tasks))
				}
				from, to := newest.Period(t)
				if !from.Equal(thisMonth.AddDate(0, -1, 0)) || !to.Equal(thisMonth) {
					t.Errorf("%s: %s failed, not the export of last month", s.now, newest.TaskName)
				}
			}
		}
	})

	t.Run("the previous export failed while last month's does not exist yet", func(t *testing.T) {
		s := startServer(t, "failed", time.Date(2026, time.December, 1, 5, 59, 30, 0, zone))
		tasks := s.checkedList(simulator.UsageAction)
		newest := tasks[0]
		if newest.Status != simulator.StatusFailed || newest.TaskName != "usage-2026-10" || unrecovered(t, tasks) != 1 {
			t.Errorf("newest %+v, %d unrecovered", newest, unrecovered(t, tasks))
		}
	})
}

func TestStuck(t *testing.T) {
	for _, start := range startTimes() {
		s := startServer(t, "stuck", start)
		for _, s.now = range []time.Time{start, start.AddDate(0, 0, 30)} {
			tasks := s.checkedList(simulator.UsageAction)
			stuck := count(tasks, func(task simulatortest.Task) bool {
				return task.Status == simulator.StatusCreated && s.now.Sub(task.Created(t)) > 20*time.Hour
			})
			if stuck != 1 || unrecovered(t, tasks) != 0 {
				t.Errorf("%s: %d stuck, %d unrecovered", s.now, stuck, unrecovered(t, tasks))
			}
		}
	}
}

func TestForgottenMonth(t *testing.T) {
	for _, start := range startTimes() {
		tasks := startServer(t, "forgotten-month", start).checkedList(simulator.UsageAction)
		lastMonth := startOfMonth(start).AddDate(0, -1, 0)
		exports := count(tasks, func(task simulatortest.Task) bool {
			_, end := task.Period(t)
			return end.After(lastMonth)
		})
		covered := monthIsCovered(t, tasks, lastMonth.AddDate(0, -1, 0))
		if exports != 0 || !covered || count(tasks, hasStatus(simulator.StatusSuccess)) != len(tasks) {
			t.Errorf("%s: %d exports of last month; the month before is covered: %t", start, exports, covered)
		}
	}
}

func TestTooEarly(t *testing.T) {
	for _, start := range startTimes() {
		tasks := startServer(t, "too-early", start).checkedList(simulator.UsageAction)
		lastMonth := startOfMonth(start).AddDate(0, -1, 0)
		for _, month := range []time.Time{lastMonth, lastMonth.AddDate(0, -1, 0)} {
			end := month.AddDate(0, 1, 0)
			if !isCovered(t, tasks, month, end.Add(-4*time.Hour)) || isCovered(t, tasks, month, end.Add(-3*time.Hour)) {
				t.Errorf("%s: the month %s does not lack its last four hours", start, month)
			}
		}
		if len(tasks) < 3 || count(tasks, hasStatus(simulator.StatusSuccess)) != len(tasks) {
			t.Errorf("%s: %d exports, not all of them successful", start, len(tasks))
		}
	}
}

func TestClockSkew(t *testing.T) {
	s := startServerWith(t, "clock-skew", noon, simulator.Options{})
	w := simulatortest.Do(s, s.client.V3(http.MethodPost, simulator.UsageAction, nil, ""))
	simulatortest.WantError(t, w, 400, "InvalidTimeStamp.Expired")
	if got := w.Header().Get("Date"); got != "Sun, 22 Nov 2026 13:00:00 GMT" {
		t.Errorf("Date = %s", got)
	}
	s.client.Now = noon.Add(time.Hour)
	w = simulatortest.Do(s, s.client.V3(http.MethodPost, simulator.UsageAction, nil, ""))
	if p := simulatortest.DecodePage(t, w); p.TotalCount < 15 {
		t.Errorf("%d tasks for a client with the server's clock", p.TotalCount)
	}
}

func TestOutage(t *testing.T) {
	s := startServerWith(t, "outage", noon, simulator.Options{})
	responses := make(map[string]int)
	for range 90 {
		w := simulatortest.Do(s, s.client.V3(http.MethodPost, simulator.UsageAction, nil, ""))
		kind := "HTML"
		if w.Header().Get("Content-Type") != "text/html" {
			kind = simulatortest.DecodeError(t, w).Code
		} else if !strings.Contains(w.Body.String(), "502 Bad Gateway") {
			t.Errorf("HTML: %s", w.Body)
		}
		responses[kind+" "+http.StatusText(w.Code)]++
	}
	for _, kind := range []string{
		"HTML Bad Gateway", "ServiceUnavailable Service Unavailable", "InternalError Internal Server Error",
	} {
		if responses[kind] < 15 {
			t.Errorf("%s: %d of 90 responses", kind, responses[kind])
		}
		delete(responses, kind)
	}
	if len(responses) != 0 {
		t.Errorf("other responses: %v", responses)
	}
}

func TestHuge(t *testing.T) {
	for _, start := range []time.Time{
		noon,
		time.Date(2027, time.May, 31, 12, 0, 0, 5e8, time.UTC),
		time.Date(2027, time.March, 1, 0, 0, 1, 0, time.UTC),
	} {
		s := startServer(t, "huge", start)
		for number, want := range map[string]int{"1": 50, "400": 50, "401": 0} {
			query := url.Values{"PageSize": {"50"}, "PageNumber": {number}}
			w := simulatortest.Do(s, s.client.V3(http.MethodPost, simulator.UsageAction, query, ""))
			p := simulatortest.DecodePage(t, w)
			if got := len(p.Data.DataItem); p.TotalCount != 20000 || got != want {
				t.Errorf("%s: page %s has %d of %d tasks, want %d of 20,000", start, number, got, p.TotalCount, want)
			}
		}
		if n := len(s.checkedList(simulator.DetailAction)); n < 6 {
			t.Errorf("%s: %d usage detail exports", start, n)
		}
	}
}
