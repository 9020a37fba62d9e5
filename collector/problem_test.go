package collector_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/coverage"
)

// kinds returns the kinds of problems in their order. Problems that are only counted have their
// number.
func kinds(problems []collector.Problem) []string {
	var all []string
	for _, p := range problems {
		kind := string(p.Kind)
		if p.More > 0 {
			kind += fmt.Sprintf(" +%d", p.More)
		}
		all = append(all, kind)
	}
	return all
}

// past returns a failed, pending or successful task that was created some time ago, whose usage is the hour before.
func past(id string, status apiclient.Status, age time.Duration) apiclient.Task {
	created := epoch - apiclient.Timestamp(age/time.Second)
	task := apiclient.Task{ID: id, Status: status, Created: created, Start: created - 3600, End: created - 1}
	if status != apiclient.Created {
		task.Updated = created
	}
	return task
}

// The clock of a synctest bubble starts at 2000-01-01T00:00:00Z.
func TestProblemsOfLists(t *testing.T) {
	day := 24 * time.Hour
	limits := coverage.Limits{
		PendingAge: coverage.Duration(6 * time.Hour), SuccessAge: coverage.Duration(35 * day), MonthGrace: coverage.Duration(3 * day),
	}
	// October to December, all covered.
	autumn := apiclient.Task{
		ID: "autumn", Status: apiclient.Success, Created: epoch, Updated: epoch,
		Start: at("1999-09-01T00:00:00Z"), End: at("1999-12-31T23:59:59Z"),
	}
	made := func(age time.Duration) apiclient.Task {
		task := autumn
		task.Created -= apiclient.Timestamp(age / time.Second)
		task.Updated = task.Created
		return task
	}
	var failures, pending []apiclient.Task
	for i := range 25 {
		failures = append(failures, past(fmt.Sprint("f", i), apiclient.Failed, time.Minute))
		pending = append(pending, past(fmt.Sprint("p", i), apiclient.Created, 7*time.Hour))
	}
	monthly := coverage.Expectation{Name: "monthly", Export: apiclient.Usage, Every: coverage.Month}
	for name, tc := range map[string]struct {
		tasks   []apiclient.Task
		total   int
		now     time.Duration // after the epoch
		account func(*collector.Account)
		want    []string
	}{
		"nothing is wrong":                              {tasks: []apiclient.Task{autumn}},
		"a failure":                                     {tasks: []apiclient.Task{autumn, past("1", apiclient.Failed, -time.Hour)}, want: []string{"failed"}},
		"a failure that a success replaced":             {tasks: []apiclient.Task{autumn, past("1", apiclient.Failed, day)}},
		"a task that has been pending for 6 h":          {tasks: []apiclient.Task{autumn, past("1", apiclient.Created, -time.Hour)}, now: 7 * time.Hour},
		"a task that has been pending for longer":       {tasks: []apiclient.Task{autumn, past("1", apiclient.Created, -time.Hour)}, now: 7*time.Hour + time.Second, want: []string{"stuck"}},
		"pending tasks without a limit":                 {tasks: []apiclient.Task{autumn, past("1", apiclient.Created, -time.Hour)}, now: 8 * time.Hour, account: func(a *collector.Account) { a.Limits.PendingAge = 0 }},
		"a month that ended as long ago as the grace":   {tasks: []apiclient.Task{made(day)}, now: 3 * day},
		"a month that ended longer ago":                 {tasks: []apiclient.Task{made(day)}, now: 3*day + time.Second, want: []string{"month_missing"}},
		"a newest success as old as the limit":          {tasks: []apiclient.Task{made(0)}, now: 35 * day, account: noMonths},
		"a newest success that is older":                {tasks: []apiclient.Task{made(0)}, now: 35*day + time.Second, account: noMonths, want: []string{"success_too_old"}},
		"an old success without a limit":                {tasks: []apiclient.Task{made(0)}, now: 40 * day, account: func(a *collector.Account) { noMonths(a); a.Limits.SuccessAge = 0 }},
		"an empty list":                                 {account: noMonths, want: []string{"never_succeeded"}},
		"an empty list without a limit":                 {account: func(a *collector.Account) { noMonths(a); a.Limits.SuccessAge = 0 }},
		"an empty list of an account that is new":       {account: func(a *collector.Account) { a.Since = coverage.Date{Year: 1999, Month: 12, Day: 1} }, now: time.Hour},
		"an empty list of an account that was new":      {account: func(a *collector.Account) { a.Since = coverage.Date{Year: 1999, Month: 12, Day: 1} }, now: 5 * day, want: []string{"month_missing", "never_succeeded"}},
		"an expectation that is overdue":                {tasks: []apiclient.Task{made(day)}, now: time.Second, account: func(a *collector.Account) { a.Expectations = []coverage.Expectation{monthly} }, want: []string{"overdue"}},
		"an expectation that is not due yet":            {tasks: []apiclient.Task{made(day)}, account: func(a *collector.Account) { a.Expectations = []coverage.Expectation{monthly} }},
		"tasks that are counted but not listed":         {tasks: []apiclient.Task{autumn}, total: 3, want: []string{"unlisted"}},
		"a task of an unknown status":                   {tasks: []apiclient.Task{autumn, past("1", apiclient.Unknown, day)}, want: []string{"unknown_status"}},
		"a task with a malformed time":                  {tasks: []apiclient.Task{autumn, task("1", apiclient.Success, apiclient.InvalidTime, 0)}, want: []string{"malformed"}},
		"many failures: the first 20 are written out":   {tasks: failures, account: noMonths, want: append(repeat("failed", 20), "failed +5", "never_succeeded")},
		"many stuck ones: the first 20 are written out": {tasks: pending, account: noMonths, want: append(repeat("stuck", 20), "stuck +5", "never_succeeded")},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				account := collector.Account{Name: "main", Limits: limits}
				if tc.account != nil {
					tc.account(&account)
				}
				list := &apiclient.Listing{Tasks: tc.tasks, TotalCount: max(tc.total, len(tc.tasks)), Began: time.Now()}
				snapshot := collector.NewSnapshot(account, apiclient.Usage, list, collector.ReportedTasks)
				got := kinds(collector.NewReport(snapshot, epoch.Time().Add(tc.now)).Problems)
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			})
		})
	}
}

// noMonths changes an account so that its months are never missing.
func noMonths(a *collector.Account) { a.Limits.MonthGrace = 0 }

func repeat(kind string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = kind
	}
	return all
}

func TestProblemsOfReading(t *testing.T) {
	failing := func(err error) collector.Client {
		return &fakeClient{list: func(context.Context, apiclient.Export, []string) (*apiclient.Listing, error) { return nil, err }}
	}
	refused := map[apiclient.Class]bool{
		apiclient.ClassCredentials: true, apiclient.ClassDenied: true, apiclient.ClassClock: true, apiclient.ClassRequest: true,
	}
	t.Run("a failed refresh is refused or unreachable by its class", func(t *testing.T) {
		for _, kind := range apiclient.ErrorKinds() {
			want := "unreachable"
			if refused[kind.Class] {
				want = "refused"
			}
			c := newMain(t, failing(fmt.Errorf("page 1: %w", &apiclient.Error{Code: kind.Code, Class: kind.Class})))
			c.Refresh(t.Context())
			if diff := cmp.Diff([]string{want}, kinds(c.Statuses(time.Now())[0].Exports[0].Problems)); diff != "" {
				t.Errorf("%s, %s: -want +got:\n%s", kind.Code, kind.Class, diff)
			}
		}
	})
	t.Run("a failed refresh without a class is unreachable", func(t *testing.T) {
		for _, err := range []error{errors.New("x"), &apiclient.UnprovenError{}, &apiclient.TooManyTasksError{}, context.DeadlineExceeded} {
			c := newMain(t, failing(err))
			c.Refresh(t.Context())
			if diff := cmp.Diff([]string{"unreachable"}, kinds(c.Statuses(time.Now())[0].Exports[0].Problems)); diff != "" {
				t.Errorf("%v: -want +got:\n%s", err, diff)
			}
		}
	})
	t.Run("a list that was never read has none", func(t *testing.T) {
		c := newMain(t, failing(errOutage))
		if problems := c.Statuses(time.Now())[0].Exports[0].Problems; len(problems) > 0 {
			t.Errorf("%v", kinds(problems))
		}
	})
	t.Run("a snapshot is stale from half of its greatest age on, a refresh slow from a minute on", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			takes := time.Minute
			client := &fakeClient{list: func(context.Context, apiclient.Export, []string) (*apiclient.Listing, error) {
				began := time.Now()
				time.Sleep(takes)
				return &apiclient.Listing{Began: began}, nil
			}}
			c := newCollector(t, standard(log.NewNopLogger()), collector.Account{
				Name: "main", Client: client, Exports: []apiclient.Export{apiclient.UsageDetail},
			})
			expect := func(want ...string) {
				t.Helper()
				if diff := cmp.Diff(want, kinds(c.Statuses(time.Now())[0].Exports[0].Problems)); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			}
			c.Refresh(t.Context())
			expect()
			time.Sleep(29 * time.Minute)
			expect() // It is 30 minutes old, half of an hour.
			time.Sleep(time.Second)
			expect("stale")
			takes = time.Minute + time.Second
			c.Refresh(t.Context())
			expect("slow")
		})
	})
	t.Run("a clock that is off by more than five minutes is the account's", func(t *testing.T) {
		for skew, want := range map[time.Duration][]string{
			5 * time.Minute: nil, -5 * time.Minute: nil, 5*time.Minute + 1: {"clock"}, -5*time.Minute - 1: {"clock"},
		} {
			client := lists()
			client.skew = func() (time.Duration, bool) { return skew, true }
			status := newMain(t, client).Statuses(time.Now())[0]
			if diff := cmp.Diff(want, kinds(status.Problems)); diff != "" {
				t.Errorf("%s: -want +got:\n%s", skew, diff)
			}
		}
	})
}

func TestProblemsOldSnapshot(t *testing.T) {
	t.Run("a task that no longer counts leaves the others written out", func(t *testing.T) {
		var tasks []apiclient.Task
		for i := range 22 { // The newest 2 of them stop counting within the hour.
			failed := past(fmt.Sprint(i), apiclient.Failed, time.Duration(i)*time.Minute)
			if i < 2 {
				failed.Start, failed.End = epoch-88*86400-3600, epoch-88*86400+600
			}
			tasks = append(tasks, failed)
		}
		snapshot := collector.NewSnapshot(collector.Account{}, apiclient.Usage,
			&apiclient.Listing{Tasks: tasks, TotalCount: len(tasks), Began: epoch.Time()}, 1)
		report := collector.NewReport(snapshot, epoch.Time().Add(time.Hour))
		var failed []collector.Problem
		for _, p := range report.Problems {
			if p.Kind == collector.Failed {
				failed = append(failed, p)
			}
		}
		written := 0
		for _, p := range failed {
			if p.Task != nil {
				written++
			}
		}
		if more := failed[len(failed)-1].More; written+more != report.UnrecoveredFailures || written < 18 {
			t.Errorf("%d written out and %d counted of %d", written, more, report.UnrecoveredFailures)
		}
	})
}
