package simulator

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestHealthy(t *testing.T) {
	for _, start := range starts() {
		s := open(t, "healthy", start)
		items := s.items(UsageAction)
		this := monthOf(start)
		if last := this.AddDate(0, -1, 0); !isCovered(t, items, last, this) || !isCovered(t, items, last.AddDate(0, -1, 0), last) {
			t.Errorf("%s: the two months before are not covered", start)
		}
		if pending := count(items, hasStatus(StatusCreated)); pending > 2 || pending < 1 {
			t.Errorf("%s: %d pending tasks", start, pending)
		}
		if n := count(items, hasStatus(StatusFailed)); n != 1 || unrecovered(t, items) != 0 {
			t.Errorf("%s: %d failed tasks, %d unrecovered", start, n, unrecovered(t, items))
		}
		checkRepeat(t, start, items)
		checkOddities(t, start, items)
		// About thirteen weeks and three months, and one of each more or less where
		// the window begins and ends.
		if weekly, monthly := count(items, named("weekly-")), count(items, named("usage-")); weekly < 13 || weekly > 16 || monthly < 3 || monthly > 5 {
			t.Errorf("%s: %d weekly and %d monthly exports", start, weekly, monthly)
		}
		details := s.items(DetailAction)
		if len(details) == 0 || len(details) >= len(items) || count(details, hasStatus(StatusSuccess)) != len(details) {
			t.Errorf("%s: %d usage detail exports", start, len(details))
		}
	}
}

// checkRepeat wants the failed export repeated a day later: the same name and
// period, with success.
func checkRepeat(t *testing.T, start time.Time, items []dataItem) {
	t.Helper()
	failed := items[slices.IndexFunc(items, hasStatus(StatusFailed))]
	again := count(items, func(i dataItem) bool {
		return i.Status == StatusSuccess && i.TaskName == failed.TaskName && *i.TaskConfig == *failed.TaskConfig &&
			parse(t, i.CreateTime).Equal(parse(t, failed.CreateTime).Add(24*time.Hour))
	})
	if again != 1 || parse(t, failed.CreateTime).In(zone).Weekday() != time.Monday || !named("weekly-")(failed) {
		t.Errorf("%s: %+v was repeated %d times a day later", start, failed, again)
	}
}

// checkOddities wants two exports that overlap and one that was made too early.
func checkOddities(t *testing.T, start time.Time, items []dataItem) {
	t.Helper()
	var campaigns []dataItem
	early := 0
	for _, item := range items {
		if named("campaign-")(item) {
			campaigns = append(campaigns, item)
		}
		if _, to := period(t, item); parse(t, item.CreateTime).Before(to) {
			early++
		}
	}
	if len(campaigns) != 2 || early != 1 {
		t.Fatalf("%s: %d campaigns, %d made too early", start, len(campaigns), early)
	}
	fromA, toA := period(t, campaigns[0])
	fromB, toB := period(t, campaigns[1])
	if !fromA.Before(toB) || !fromB.Before(toA) || fromA.Equal(fromB) {
		t.Errorf("%s: the campaigns do not overlap", start)
	}
}

// The habits go on: a demo that has run for months looks as fine as on its first day.
func TestHealthyStaysSo(t *testing.T) {
	s := open(t, "healthy", noon)
	for _, s.now = range starts() {
		if s.now.Before(noon.Add(2 * time.Minute)) {
			continue
		}
		items := s.items(UsageAction)
		this := monthOf(s.now)
		if !isCovered(t, items, this.AddDate(0, -1, 0), this) || unrecovered(t, items) != 0 {
			t.Errorf("%s: last month covered %t, %d unrecovered", s.now, isCovered(t, items, this.AddDate(0, -1, 0), this), unrecovered(t, items))
		}
	}
}

func TestFailed(t *testing.T) {
	for _, start := range starts() {
		s := open(t, "failed", start)
		for _, s.now = range []time.Time{start, start.Add(20 * time.Hour)} {
			if monthOf(s.now) != monthOf(start) {
				continue
			}
			items := s.items(UsageAction)
			newest := items[0]
			from, to := period(t, newest)
			if newest.Status != StatusFailed || unrecovered(t, items) != 1 || count(items, hasStatus(StatusFailed)) != 1 || count(items, hasStatus(StatusSuccess)) < 2 {
				t.Errorf("%s: newest %+v, %d unrecovered", s.now, newest, unrecovered(t, items))
			}
			if last := monthOf(s.now).AddDate(0, -1, 0); !from.Equal(last) || !to.Equal(monthOf(s.now)) {
				t.Errorf("%s: %s failed, not last month's", s.now, newest.TaskName)
			}
		}
	}
}

// In the first minutes of a month its export is still to be made: it is the one
// before that has failed.
func TestFailedAtTheTurnOfAMonth(t *testing.T) {
	s := open(t, "failed", time.Date(2026, time.December, 1, 0, 0, 30, 0, zone))
	if items := s.items(UsageAction); items[0].Status != StatusFailed || items[0].TaskName != "usage-2026-10" || unrecovered(t, items) != 1 {
		t.Errorf("newest %+v, %d unrecovered", items[0], unrecovered(t, items))
	}
}

func TestStuck(t *testing.T) {
	for _, start := range starts() {
		s := open(t, "stuck", start)
		for _, s.now = range []time.Time{start, start.AddDate(0, 0, 30)} {
			items := s.items(UsageAction)
			stuck := count(items, func(i dataItem) bool {
				return i.Status == StatusCreated && s.now.Sub(parse(t, i.CreateTime)) > 20*time.Hour
			})
			if stuck != 1 || unrecovered(t, items) != 0 {
				t.Errorf("%s: %d stuck, %d unrecovered", s.now, stuck, unrecovered(t, items))
			}
		}
	}
}

func TestForgottenMonth(t *testing.T) {
	for _, start := range starts() {
		items := open(t, "forgotten-month", start).items(UsageAction)
		this := monthOf(start)
		last := this.AddDate(0, -1, 0)
		ofLast := count(items, func(i dataItem) bool {
			_, to := period(t, i)
			return to.After(last)
		})
		if ofLast != 0 || !isCovered(t, items, last.AddDate(0, -1, 0), last) || count(items, hasStatus(StatusSuccess)) != len(items) {
			t.Errorf("%s: %d exports of last month; the one before covered: %t", start, ofLast, isCovered(t, items, last.AddDate(0, -1, 0), last))
		}
	}
}

func TestThrottle(t *testing.T) {
	now := noon
	s, err := Scenario("throttle", Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	c := clientAt(noon)
	granted := 0
	for range 100 {
		w := ask(s, c.v3(http.MethodPost, UsageAction, nil, ""))
		switch code := refusal(t, w).Code; {
		case w.Code == http.StatusOK:
			granted++
			if p := decodePage(t, w); p.TotalCount <= 150 {
				t.Fatalf("%d tasks are not several pages", p.TotalCount)
			}
		case code != "Throttling.User" && code != "Throttling":
			t.Fatalf("code %s", code)
		}
		now = now.Add(100 * time.Millisecond)
	}
	if granted != 10 {
		t.Errorf("%d of 100 calls in 10 s were granted, want 10", granted)
	}
	if items := open(t, "throttle", noon).items(UsageAction); unrecovered(t, items) != 0 || count(items, named("report-")) != 160 {
		t.Errorf("%d tasks, %d unrecovered", len(items), unrecovered(t, items))
	}
}

func TestDenied(t *testing.T) {
	s := open(t, "denied", noon)
	c := clientAt(noon)
	for action, code := range map[string]string{UsageAction: "NoPermission", DetailAction: "Forbidden.RAM"} {
		body := expectCode(t, ask(s.server, c.v3(http.MethodPost, action, nil, "")), 403, code)
		if body.AccessDeniedDetail == nil || body.AccessDeniedDetail.AuthAction != "cdn:"+action || body.AccessDeniedDetail.NoPermissionType != "ImplicitDeny" {
			t.Errorf("%s: %+v", action, body.AccessDeniedDetail)
		}
	}
	c.secret = "guessed"
	expectCode(t, ask(s.server, c.v3(http.MethodPost, UsageAction, nil, "")), 400, "SignatureDoesNotMatch")
}

// Something happens in every ten seconds, each kind of thing in every minute, and
// the list keeps its several pages.
func TestMoving(t *testing.T) {
	s := open(t, "moving", noon)
	before := s.items(UsageAction)
	happened := make(map[string]int)
	for range 60 {
		s.now = s.now.Add(10 * time.Second)
		items := s.items(UsageAction)
		if len(items) < 201 || len(items) > 600 {
			t.Fatalf("%s: %d tasks", s.now, len(items))
		}
		events := compare(before, items)
		if len(events) == 0 {
			t.Errorf("nothing happened in the ten seconds before %s", s.now)
		}
		for _, event := range events {
			happened[event]++
		}
		before = items
	}
	for event, least := range map[string]int{"appeared": 100, "finished": 80, "failed": 5, "gone": 100, "gone unfinished": 1} {
		if happened[event] < least {
			t.Errorf("%s: %d times in ten minutes, want %d at least", event, happened[event], least)
		}
	}
	if details := s.items(DetailAction); len(details) == 0 {
		t.Error("no usage detail exports")
	}
}

// In the first ten minutes old tasks expire, among the other things.
func TestMovingExpires(t *testing.T) {
	s := open(t, "moving", noon)
	old := func(i dataItem) bool { return s.now.Sub(parse(t, i.CreateTime)) > 80*24*time.Hour }
	if n := count(s.items(UsageAction), old); n != 120 {
		t.Errorf("%d old tasks at start, want 120", n)
	}
	s.now = noon.Add(5 * time.Minute)
	if n := count(s.items(UsageAction), old); n < 55 || n > 65 {
		t.Errorf("%d old tasks after five minutes, want about 60", n)
	}
	s.now = noon.Add(10*time.Minute + 5*time.Second)
	if n := count(s.items(UsageAction), old); n != 0 {
		t.Errorf("%d old tasks after ten minutes, want none", n)
	}
}

func TestClockSkew(t *testing.T) {
	s, err := Scenario("clock-skew", Options{Now: at(noon)})
	if err != nil {
		t.Fatal(err)
	}
	w := ask(s, clientAt(noon).v3(http.MethodPost, UsageAction, nil, ""))
	expectCode(t, w, 400, "InvalidTimeStamp.Expired")
	if got := w.Header().Get("Date"); got != "Sun, 22 Nov 2026 13:00:00 GMT" {
		t.Errorf("Date = %s", got)
	}
	if p := decodePage(t, ask(s, clientAt(noon.Add(time.Hour)).v3(http.MethodPost, UsageAction, nil, ""))); p.TotalCount < 15 {
		t.Errorf("%d tasks for a client with the server's clock", p.TotalCount)
	}
}

func TestOutage(t *testing.T) {
	s, err := Scenario("outage", Options{Now: at(noon)})
	if err != nil {
		t.Fatal(err)
	}
	kinds := make(map[string]int)
	for range 90 {
		w := ask(s, clientAt(noon).v3(http.MethodPost, UsageAction, nil, ""))
		kind := "HTML"
		if w.Header().Get("Content-Type") != "text/html" {
			kind = refusal(t, w).Code
		} else if !strings.Contains(w.Body.String(), "502 Bad Gateway") {
			t.Errorf("HTML: %s", w.Body)
		}
		kinds[kind+" "+http.StatusText(w.Code)]++
	}
	for _, kind := range []string{"HTML Bad Gateway", "ServiceUnavailable Service Unavailable", "InternalError Internal Server Error"} {
		if kinds[kind] < 15 {
			t.Errorf("%s: %d of 90 answers", kind, kinds[kind])
		}
		delete(kinds, kind)
	}
	if len(kinds) != 0 {
		t.Errorf("other answers: %v", kinds)
	}
}

func TestHuge(t *testing.T) {
	for _, start := range []time.Time{noon, time.Date(2027, time.May, 31, 12, 0, 0, 5e8, time.UTC), time.Date(2027, time.March, 1, 0, 0, 1, 0, time.UTC)} {
		s := open(t, "huge", start)
		c := clientAt(start)
		for number, want := range map[string]int{"1": 50, "400": 50, "401": 0} {
			query := url.Values{"PageSize": {"50"}, "PageNumber": {number}}
			p := decodePage(t, ask(s.server, c.v3(http.MethodPost, UsageAction, query, "")))
			if p.TotalCount != 20000 || len(p.Data.DataItem) != want {
				t.Errorf("%s: page %s has %d of %d tasks, want %d of 20,000", start, number, len(p.Data.DataItem), p.TotalCount, want)
			}
		}
		if n := len(s.items(DetailAction)); n < 6 {
			t.Errorf("%s: %d usage detail exports", start, n)
		}
	}
}

func TestOrderOfAScenario(t *testing.T) {
	listed := func(order Order) []string {
		s, err := Scenario("throttle", Options{Now: at(noon), Quota: 1e6, Order: order})
		if err != nil {
			t.Fatal(err)
		}
		var created []string
		for _, item := range walk(t, s, UsageAction, noon) {
			created = append(created, item.CreateTime+item.TaskID)
		}
		return created
	}
	oldest, newest, shuffled := listed(OldestFirst), listed(NewestFirst), listed(Shuffled)
	if !slices.IsSorted(oldest) {
		t.Error("oldest first: it is not")
	}
	if slices.Reverse(newest); !slices.Equal(oldest, newest) {
		t.Error("newest first is not the reverse of oldest first")
	}
	if slices.IsSorted(shuffled) {
		t.Error("shuffled: oldest first")
	}
	if slices.Sort(shuffled); !slices.Equal(oldest, shuffled) {
		t.Error("shuffled: other tasks")
	}
}

func TestScenarioNames(t *testing.T) {
	names := ScenarioNames()
	want := []string{"healthy", "throttle", "denied", "failed", "stuck", "forgotten-month", "moving", "clock-skew", "outage", "huge"}
	if !slices.Equal(names, want) {
		t.Errorf("names: %v", names)
	}
	_, err := Scenario("sick", Options{})
	if want := `unknown scenario "sick": it is one of ` + strings.Join(names, ", "); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
