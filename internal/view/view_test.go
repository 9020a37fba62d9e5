package view_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/coverage"
	"alicdn_export_exporter/internal/view"
)

func at(text string) apiclient.Timestamp {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return apiclient.Timestamp(t.Unix())
}

func shanghai(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// now is the time of every document.
const now = "2026-11-22T12:00:00+08:00"

// success returns a successful task for a month. It was made on the first day after the
// month.
func success(name, start, end, made string) apiclient.Task {
	return apiclient.Task{
		ID: "id-" + name, Name: name, Status: apiclient.Success, Created: at(made), Updated: at(made) + 100, Start: at(start), End: at(end),
	}
}

var (
	september = success("usage-2026-09", "2026-09-01T00:00:00+08:00", "2026-09-30T23:59:59+08:00", "2026-10-01T09:00:00+08:00")
	october   = success("usage-2026-10", "2026-10-01T00:00:00+08:00", "2026-10-31T23:59:59+08:00", "2026-11-01T09:00:00+08:00")
)

// limited returns an account with the default settings.
func limited(t *testing.T) collector.Account {
	t.Helper()
	day := coverage.Duration(24 * time.Hour)
	return collector.Account{
		Name: "main", TimeZone: shanghai(t), UsageDelay: 4 * time.Hour,
		Limits: coverage.Limits{PendingAge: day / 4, SuccessAge: 35 * day, MonthGrace: 3 * day},
	}
}

// read returns the export whose list has these tasks.
func read(account collector.Account, export apiclient.Export, tasks ...apiclient.Task) collector.ExportStatus {
	listing := &apiclient.Listing{Tasks: tasks, TotalCount: len(tasks), Began: at(now).Time()}
	report := collector.NewReport(collector.NewSnapshot(account, export, listing, collector.ReportedTasks), at(now).Time())
	return collector.ExportStatus{
		Export: export, Up: true, Began: listing.Began, Report: report, Problems: report.Problems,
		Refreshes: []collector.Refreshed{{Ended: listing.Began, Duration: 1500 * time.Millisecond, Tasks: len(tasks)}},
	}
}

func document(account collector.Account, exports ...collector.ExportStatus) view.Document {
	return view.New([]collector.AccountStatus{{Account: account.Name, TimeZone: account.TimeZone, Exports: exports}}, at(now).Time(), false)
}

// lines returns what a problem says: the subject and what, the advice, the notes and commands, and who can run them.
func lines(p view.Problem) []string {
	first := p.What
	if p.TaskID != "" {
		first = "(id " + p.TaskID + ") " + first
	}
	if p.Subject != "" {
		first = p.Subject + " " + first
	}
	all := []string{string(p.Kind) + ": " + first, p.Advice}
	for _, c := range p.Commands {
		all = append(all, c.Note, c.Line)
	}
	if p.Needs != "" {
		all = append(all, p.Needs)
	}
	return all
}

const (
	createOctober = "aliyun cdn CreateUserUsageDataExportTask --TaskName usage-2026-10 --StartTime 2026-09-30T16:00:00Z --EndTime 2026-10-31T15:59:59Z"
	noteOctober   = "2026-10-01 to 2026-10-31; possible until 2027-10-01"
	needs         = "Use the CDN console, or this command with the key of a person who has the RAM action " +
		"cdn:CreateUserUsageDataExportTask. The exporter's own key must not have it."
	needsDetail = "Use the CDN console, or this command with the key of a person who has the RAM action " +
		"cdn:CreateUsageDetailDataExportTask. The exporter's own key must not have it. " +
		"The list does not tell the type of a task: replace --Type flow by --Type vas for value-added services."
)

func pattern(t *testing.T, text string) coverage.Pattern {
	t.Helper()
	var p coverage.Pattern
	if err := p.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestProblems(t *testing.T) {
	expecting := func(e coverage.Expectation) collector.Account {
		account := limited(t)
		account.Expectations = []coverage.Expectation{e}
		return account
	}
	monthly := coverage.Expectation{
		Name: "bill", Export: apiclient.Usage, Every: coverage.Month, TaskName: pattern(t, `usage-\d{4}-\d{2}`), Grace: coverage.Duration(72 * time.Hour),
	}
	glob := monthly
	glob.TaskName, glob.Since = pattern(t, "usage-*"), coverage.Date{Year: 2026, Month: 10, Day: 1}
	odd := monthly
	odd.TaskName = pattern(t, "a/.*")
	odd.Since = coverage.Date{Year: 2026, Month: 10, Day: 1}
	failed := october
	failed.Status = apiclient.Failed
	hostile := failed
	hostile.Name = "usage'; rm -rf ~; '"
	old := success("usage-2025-10", "2025-10-01T00:00:00+08:00", "2025-10-31T23:59:59+08:00", "2026-09-20T09:00:00+08:00")
	old.Status = apiclient.Failed
	stuck := success("audit", "2026-10-15T00:00:00+08:00", "2026-10-15T11:59:59+08:00", "2026-11-21T09:00:00+08:00")
	stuck.Status, stuck.Updated = apiclient.Created, 0
	before := success("before", "2026-10-01T00:00:00+08:00", "2026-10-14T23:59:59+08:00", "2026-11-01T09:00:00+08:00")
	after := success("after", "2026-10-15T12:00:00+08:00", "2026-10-31T23:59:59+08:00", "2026-11-01T09:00:00+08:00")
	unknownPeriod := stuck
	unknownPeriod.Start, unknownPeriod.End = 0, 0
	detail := october
	detail.Status, detail.Name = apiclient.Failed, "domains"
	early := october
	early.Created, early.Updated = at("2026-11-01T00:01:00+08:00"), at("2026-11-01T00:03:00+08:00")
	noLimits := limited(t)
	noLimits.Limits = coverage.Limits{SuccessAge: noLimits.Limits.SuccessAge}
	for name, tc := range map[string]struct {
		export collector.ExportStatus
		want   [][]string // the first problems
	}{
		"nothing is wrong": {read(limited(t), apiclient.Usage, september, october), nil},
		"a missing month": {read(limited(t), apiclient.Usage, september), [][]string{
			{"month_missing: October 2026 is covered to 0 % by successful exports.", "Export the month.", noteOctober, createOctober, needs},
			{
				"success_too_old: The newest successful export is 52 days old. The limit is 35d.",
				"Make an export, and find out why none was made. If none is needed, switch the limit off (success_age: 0).",
				noteOctober, createOctober, needs,
			},
		}},
		"a month that was exported too early": {read(limited(t), apiclient.Usage, september, early), [][]string{{
			"month_missing: October 2026 is covered to 99 % by successful exports. It was exported too early: " +
				"usage takes up to 4h to be complete (usage_delay), so the file probably lacks the last hours.",
			"Export the month again, and from now on later after its end.", noteOctober, createOctober, needs,
		}}},
		"an overdue expectation of two months": {read(expecting(monthly), apiclient.Usage), [][]string{
			{
				"overdue: bill is overdue since 2026-09-04 00:00: no successful task named usage-\\d{4}-\\d{2} " +
					"covers all of 2026-08-01 to 2026-08-31; later ones are missing too: 2 periods. At the moment, no listed task matches usage-\\d{4}-\\d{2}.",
				"Make the export, or correct task_name of the expectation.",
				"2026-08-01 to 2026-08-31; possible until 2027-08-01",
				"aliyun cdn CreateUserUsageDataExportTask --TaskName usage-2026-08 --StartTime 2026-07-31T16:00:00Z --EndTime 2026-08-31T15:59:59Z",
				"2026-09-01 to 2026-09-30; possible until 2027-09-01",
				"aliyun cdn CreateUserUsageDataExportTask --TaskName usage-2026-09 --StartTime 2026-08-31T16:00:00Z --EndTime 2026-09-30T15:59:59Z",
				noteOctober, createOctober, needs,
			},
		}},
		"an expectation whose pattern is a glob": {read(expecting(glob), apiclient.Usage, september), [][]string{{
			"overdue: bill is overdue since 2026-11-04 00:00: no successful task named usage-* covers all of 2026-10-01 to 2026-10-31. " +
				"At the moment, no listed task matches usage-*, did you mean usage-.*?",
			"Make the export, or correct task_name of the expectation.",
			noteOctober, strings.Replace(createOctober, "usage-2026-10", "usage", 1), needs,
		}}},
		"an expectation without a name to derive": {read(expecting(odd), apiclient.Usage, september, october), [][]string{{
			"overdue: bill is overdue since 2026-11-04 00:00: no successful task named a/.* covers all of 2026-10-01 to 2026-10-31. " +
				"At the moment, no listed task matches a/.*.",
			"Make the export, or correct task_name of the expectation.", noteOctober,
			strings.Replace(createOctober, "usage-2026-10", "'<a name that task_name matches>'", 1),
			needs + " Replace the placeholder in angle brackets.",
		}}},
		"a failed export": {read(noLimits, apiclient.Usage, failed, september), [][]string{{
			"failed: usage-2026-10 (id id-usage-2026-10) failed on 2026-11-01 09:01 (usage of 2026-10-01 to 2026-10-31).",
			"Make the export again.", noteOctober, createOctober, needs,
		}}},
		"a failed export with a hostile name": {read(noLimits, apiclient.Usage, hostile, september), [][]string{{
			"failed: usage'; rm -rf ~; ' (id id-usage-2026-10) failed on 2026-11-01 09:01 (usage of 2026-10-01 to 2026-10-31).",
			"Make the export again.", noteOctober, createOctober, needs,
		}}},
		"a failed export that is too old to be made again": {read(noLimits, apiclient.Usage, old, october), [][]string{{
			"failed: usage-2025-10 (id id-usage-2025-10) failed on 2026-09-20 09:01 (usage of 2025-10-01 to 2025-10-31).",
			"It can no longer be exported. To end this, delete the task in the CDN console, or set since of the account to a later day.",
			"2025-10-01 to 2025-10-31 can no longer be exported: that was possible until 2026-10-01", "",
		}}},
		"a stuck export of half a day": {read(limited(t), apiclient.Usage, september, before, after, stuck), [][]string{
			{
				"stuck: audit (id id-audit) has been pending for 27 h (usage of 2026-10-15 00:00 to 2026-10-15 12:00). " +
					"Exports usually take a few minutes; the limit is 6h.",
				"Make the export again: a success replaces it. If exports often get stuck, ask Alibaba Cloud's support.",
				"2026-10-15 00:00 to 2026-10-15 12:00; possible until 2027-10-15",
				"aliyun cdn CreateUserUsageDataExportTask --TaskName audit --StartTime 2026-10-14T16:00:00Z --EndTime 2026-10-15T03:59:59Z", needs,
			},
			{"month_missing: October 2026 is covered to 98 % by successful exports.", "Export the month.", noteOctober, createOctober, needs},
		}},
		"a stuck export without a period": {read(limited(t), apiclient.Usage, september, october, unknownPeriod), [][]string{{
			"stuck: audit (id id-audit) has been pending for 27 h. Exports usually take a few minutes; the limit is 6h.",
			"Make the export again: a success replaces it. If exports often get stuck, ask Alibaba Cloud's support.",
			noteOctober, strings.Replace(createOctober, "usage-2026-10", "audit", 1), needs,
		}}},
		"failed details": {read(noLimits, apiclient.UsageDetail, detail, september, october), [][]string{{
			"failed: domains (id id-usage-2026-10) failed on 2026-11-01 09:01 (usage of 2026-10-01 to 2026-10-31).",
			"Make the export again.", noteOctober,
			"aliyun cdn CreateUsageDetailDataExportTask --TaskName domains --StartTime 2026-09-30T16:00:00Z --EndTime 2026-10-31T15:59:59Z --Type flow",
			needsDetail,
		}}},
		"an empty list": {read(noLimits, apiclient.Usage), [][]string{{
			"never_succeeded: The list is empty.",
			"Make an export, and find out why none was made. If none is needed, switch the limit off (success_age: 0). " +
				"If the account has exports, this key probably belongs to another account, " +
				"or to the other site's: aliyun.com and alibabacloud.com have separate accounts.",
			noteOctober, createOctober, needs,
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			d := document(limited(t), tc.export)
			var got [][]string
			for _, p := range d.Accounts[0].Exports[0].Problems {
				got = append(got, lines(p))
				if p.Alert == "" {
					t.Errorf("%s has no alert", p.Kind)
				}
			}
			if len(tc.want) > 0 {
				got = got[:min(len(got), len(tc.want))]
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestProblemsOfReading(t *testing.T) {
	exported := collector.ExportStatus{Export: apiclient.Usage, Refreshes: []collector.Refreshed{{Err: errors.New("x")}}}
	for name, tc := range map[string]struct {
		problem collector.Problem
		want    []string
	}{
		"refused": {
			collector.Problem{Kind: collector.Refused, Err: fmt.Errorf("page 1: %w", &apiclient.Error{Code: "Forbidden", Class: apiclient.ClassDenied, Status: 403})},
			[]string{
				"refused: The list cannot be read: page 1: Forbidden (HTTP status 403).",
				`The key may not list these tasks. Grant it the RAM action cdn:DescribeUserUsageDataExportTask on the resource "*", or attach the policy AliyunCDNReadOnlyAccess.`,
			},
		},
		"unreachable": {
			collector.Problem{Kind: collector.Unreachable, Err: context.DeadlineExceeded},
			[]string{
				"unreachable: The list cannot be read: context deadline exceeded.",
				"Reading the list takes longer than --refresh.timeout allows. Raise that timeout. If the API does not throttle, " +
					"you can raise the rate limit instead (--api.rate-limit, or rate_limit of the account).",
			},
		},
		"stale": {
			collector.Problem{Kind: collector.Stale, Age: 40 * time.Minute},
			[]string{"stale: The last list that could be read is 40 min old.", "Find out why no newer list was read: the last refreshes say so."},
		},
		"slow": {
			collector.Problem{Kind: collector.Slow, Age: 75 * time.Second},
			[]string{
				"slow: The last refresh took 75 s.",
				"Raise the rate limit (--api.rate-limit, or rate_limit of the account), or find out who else uses the account's quota.",
			},
		},
		"clock": {
			collector.Problem{Kind: collector.Clock, Age: -7 * time.Minute},
			[]string{
				"clock: This machine's clock is 7 min behind the API's.",
				"Set this machine's clock. The API rejects requests whose date is off by more than 15 minutes.",
			},
		},
		"failures that are only counted": {
			collector.Problem{Kind: collector.Failed, More: 5},
			[]string{"failed: 5 more failed exports.", "They are not written out. Act on the others first."},
		},
		"unlisted": {
			collector.Problem{Kind: collector.Unlisted, Count: 1},
			[]string{
				"unlisted: The API counts 1 task more than it lists.",
				"This usually ends by itself. If it does not, compare the list with the CDN console, and ask Alibaba Cloud's support.",
			},
		},
		"unknown status": {
			collector.Problem{Kind: collector.UnknownStatus, Count: 2},
			[]string{
				"unknown_status: Tasks with a status that the API does not document: 2.",
				"Look at the tasks in the CDN console, and report their status together with the version.",
			},
		},
		"malformed": {
			collector.Problem{Kind: collector.Malformed, Count: 2},
			[]string{
				"malformed: Tasks with a time that cannot be right, which is ignored: 2.",
				"Look at the tasks in the CDN console. If their times are right there, report this together with the version.",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := exported
			e.Problems = []collector.Problem{tc.problem}
			if diff := cmp.Diff(tc.want, lines(document(limited(t), e).Accounts[0].Exports[0].Problems[0])); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// Every kind of problem has words, an alert of its own, and a severity that the state shows.
func TestProblemKinds(t *testing.T) {
	alerts := make(map[string]collector.ProblemKind)
	for _, kind := range collector.ProblemKinds() {
		problem := collector.Problem{
			Kind: kind, Err: errors.New("x"), Task: &apiclient.Task{}, Month: &coverage.MonthCoverage{Start: time.Now(), End: time.Now()},
			Expectation: &collector.ExpectationReport{Missing: []coverage.Needed{{}}},
		}
		export := read(limited(t), apiclient.Usage)
		export.Problems = []collector.Problem{problem}
		d := document(limited(t), export)
		got := d.Accounts[0].Exports[0].Problems[0]
		if got.What == "" || got.Advice == "" || got.Alert == "" {
			t.Errorf("%s: %+v", kind, got)
		}
		if other, ok := alerts[got.Alert]; ok {
			t.Errorf("%s and %s have the alert %s", kind, other, got.Alert)
		}
		alerts[got.Alert] = kind
		want := map[collector.Severity]view.State{
			collector.Notable: view.Notable, collector.ExportMissing: view.ExportMissing, collector.Unreadable: view.Unreadable,
		}[kind.Severity()]
		if d.State != want || d.Accounts[0].State != want || d.Accounts[0].Exports[0].State != want {
			t.Errorf("%s: the states are %v, %v and %v, want %v", kind, d.State, d.Accounts[0].State, d.Accounts[0].Exports[0].State, want)
		}
	}
}

func TestVerdict(t *testing.T) {
	fine, missing := read(limited(t), apiclient.Usage, september, october), read(limited(t), apiclient.Usage, september)
	unread := collector.ExportStatus{Export: apiclient.Usage}
	denied := collector.ExportStatus{Export: apiclient.Usage, Problems: []collector.Problem{{Kind: collector.Refused, Err: errors.New("x")}}}
	notable := fine
	notable.Problems = []collector.Problem{{Kind: collector.Unlisted, Count: 1}}
	for name, tc := range map[string]struct {
		exports []collector.ExportStatus // of the accounts a, b, c and so on
		want    string
		state   view.State
	}{
		"no account":       {nil, "No accounts are configured", view.Fine},
		"one that is fine": {[]collector.ExportStatus{fine}, "a is fine", view.Fine},
		"all are fine":     {[]collector.ExportStatus{fine, fine}, "All 2 accounts are fine", view.Fine},
		"one of each, the most severe first": {
			[]collector.ExportStatus{fine, missing, denied, notable, unread},
			"c cannot be read; b needs an export; e has not been read yet; d works, with a remark; 1 of 5 accounts fine", view.Unreadable,
		},
		"two of a kind":  {[]collector.ExportStatus{missing, missing}, "a and b need an export", view.ExportMissing},
		"many of a kind": {slices.Repeat([]collector.ExportStatus{denied}, 5), "a, b, c and 2 more cannot be read", view.Unreadable},
	} {
		t.Run(name, func(t *testing.T) {
			var accounts []collector.AccountStatus
			for i, export := range tc.exports {
				accounts = append(accounts, collector.AccountStatus{
					Account: string(rune('a' + i)), TimeZone: shanghai(t), Exports: []collector.ExportStatus{export},
				})
			}
			if d := view.New(accounts, at(now).Time(), false); d.Verdict != tc.want || d.State != tc.state {
				t.Errorf("%q, state %v", d.Verdict, d.State)
			}
		})
	}
	t.Run("of an account of which one export cannot be read", func(t *testing.T) {
		if d := document(limited(t), fine, denied); d.Verdict != "main cannot be read" {
			t.Errorf("%q", d.Verdict)
		}
	})
}

func TestDocumentJSON(t *testing.T) {
	text, err := json.Marshal(document(limited(t), read(limited(t), apiclient.Usage, september), collector.ExportStatus{Export: apiclient.UsageDetail}))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"format_version":1`, `"time":"2026-11-22T04:00:00Z"`, `"state":"export_missing"`, `"kind":"month_missing"`, `"command":"aliyun cdn Create`,
		`"until":"2027-10-01T00:00:00+08:00"`, `"duration_seconds":1.5`, `"usage_delay_seconds":14400`, `"every"`,
		`{"export":"usage_detail","state":"not_read_yet","up":false,"refreshing":false,"problems":[],"refreshes":[]}`,
	} {
		if want != `"every"` && !strings.Contains(string(text), want) {
			t.Errorf("%s is not in\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "0001-01-01") || strings.Contains(string(text), "null") {
		t.Errorf("it holds a time or a list that is not known:\n%s", text)
	}
}

func TestEachCommandOnce(t *testing.T) {
	problems := document(limited(t), read(limited(t), apiclient.Usage, september)).Accounts[0].Exports[0].Problems
	once := view.EachCommandOnce(apiclient.Usage, problems)
	if len(once[0].Commands) != 1 || once[0].Needs == "" || len(once[1].Commands) != 0 || once[1].Needs != "" ||
		!strings.HasSuffix(once[1].Advice, "A command above ends this too.") {
		t.Errorf("%+v", once)
	}
	if len(problems[1].Commands) != 1 {
		t.Error("the document has changed")
	}
}

func TestEachCommandOnceKeepsWhatCannotBeMade(t *testing.T) {
	old := success("first", "2025-10-01T00:00:00+08:00", "2025-10-31T23:59:59+08:00", "2026-09-20T09:00:00+08:00")
	old.Status = apiclient.Failed
	second := old
	second.ID, second.Name = "id-second", "second"
	for _, p := range view.EachCommandOnce(apiclient.Usage, document(limited(t), read(limited(t), apiclient.Usage, old, second, october)).Accounts[0].Exports[0].Problems) {
		if p.Kind == collector.Failed && (len(p.Commands) != 1 || strings.Contains(p.Advice, "above")) {
			t.Errorf("%+v", p)
		}
	}
}

func TestOverdueCountsAllPeriods(t *testing.T) {
	account := limited(t)
	account.Expectations = []coverage.Expectation{{Name: "daily", Export: apiclient.Usage, Every: coverage.Day}}
	p := document(account, read(account, apiclient.Usage)).Accounts[0].Exports[0].Problems[0]
	if want := "; later ones are missing too: 87 periods. The commands are those of the first 20."; !strings.Contains(p.What, want) || len(p.Commands) != 20 {
		t.Errorf("%d commands: %s", len(p.Commands), p.What)
	}
}

// A task can have any period.
func TestCommandsOfEndlessPeriodsAreFew(t *testing.T) {
	var tasks []apiclient.Task
	for _, years := range [][2]string{{"2000", "9998"}, {"2026", "9998"}, {"2000", "2024"}, {"9000", "9998"}} {
		task := success(years[0]+"-"+years[1], years[0]+"-01-02T00:00:00+08:00", years[1]+"-10-31T23:59:59+08:00", "2026-11-01T09:00:00+08:00")
		task.Status = apiclient.Failed
		tasks = append(tasks, task)
	}
	got := make(map[string][]string)
	for _, p := range document(limited(t), read(limited(t), apiclient.Usage, tasks...)).Accounts[0].Exports[0].Problems {
		if p.Kind == collector.Failed {
			last := p.Commands[len(p.Commands)-1]
			got[p.Subject] = []string{fmt.Sprint(len(p.Commands)), p.Commands[0].Note, last.Note}
		}
	}
	if diff := cmp.Diff(map[string][]string{
		"2000-9998": {
			"13", "2000-01-02 to 2025-11-22 can no longer be exported: that was possible until 2001-01-02",
			"2026-10-30 to 2026-11-29; its usage is complete on 2026-11-30 04:00: do not export it before; possible until 2027-10-30",
		},
		"2026-9998": {
			"11", "2026-01-02 to 2026-02-01; possible until 2027-01-02",
			"2026-11-08 to 2026-12-08; its usage is complete on 2026-12-09 04:00: do not export it before; possible until 2027-11-08",
		},
		"2000-2024": {
			"1", "2000-01-02 to 2024-10-31 can no longer be exported: that was possible until 2001-01-02",
			"2000-01-02 to 2024-10-31 can no longer be exported: that was possible until 2001-01-02",
		},
		"9000-9998": {
			"1", "9000-01-02 to 9000-02-01; its usage is complete on 9000-02-02 04:00: do not export it before; possible until 9001-01-02",
			"9000-01-02 to 9000-02-01; its usage is complete on 9000-02-02 04:00: do not export it before; possible until 9001-01-02",
		},
	}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestEachCommandOnceLeavesOutOtherNames(t *testing.T) {
	problem := func(kind collector.ProblemKind, name string) view.Problem {
		return view.Problem{Kind: kind, Commands: []view.Command{{Line: name, Start: at(now).Time(), End: at(now).Time().AddDate(0, 0, 7)}}}
	}
	all := []view.Problem{
		problem(collector.Overdue, "bill"), problem(collector.Overdue, "audit"), problem(collector.Failed, "sale"),
		problem(collector.Stuck, "sale"), problem(collector.MonthMissing, "usage"), problem(collector.NeverSucceeded, "usage"),
	}
	for export, want := range map[apiclient.Export]string{
		apiclient.Usage: "[bill audit]", apiclient.UsageDetail: "[bill audit sale usage]",
	} {
		var got []string
		for _, p := range view.EachCommandOnce(export, all) {
			for _, c := range p.Commands {
				got = append(got, c.Line)
			}
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%s: %v, want %s", export, got, want)
		}
	}
}

func TestWriteJSON(t *testing.T) {
	const hostile = "a\x00\x7f\x1b[2J\u009b2J\u202eb\ufeff\u2028\U000E0041<月度>&"
	d := view.Document{Verdict: hostile}
	for _, indent := range []string{"", "  "} {
		var text strings.Builder
		if err := d.WriteJSON(&text, indent); err != nil {
			t.Fatal(err)
		}
		for _, r := range text.String() {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Errorf("%q is not escaped: %s", r, text.String())
			}
		}
		if !strings.Contains(text.String(), "<月度>&") {
			t.Errorf("characters that print are escaped: %s", text.String())
		}
		var read struct{ Verdict string }
		if err := json.Unmarshal([]byte(text.String()), &read); err != nil || read.Verdict != hostile {
			t.Errorf("read again, it is %q, %v", read.Verdict, err)
		}
	}
}
