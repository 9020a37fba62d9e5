package check_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/check"
	"alicdn_export_exporter/internal/coverage"
)

var shanghai = time.FixedZone("Asia/Shanghai", 8*3600)

// at parses a moment in Shanghai.
func at(t *testing.T, text string) apiclient.Timestamp {
	t.Helper()
	moment, err := time.ParseInLocation(time.DateTime, text, shanghai)
	if err != nil {
		t.Fatal(err)
	}
	return apiclient.Timestamp(moment.Unix())
}

// lists returns the result and the reports.
func lists(t *testing.T, client check.Client, account collector.Account) (ok bool, text string) {
	t.Helper()
	var out strings.Builder
	ok = check.Run(t.Context(), &out, check.Config{
		Account: account, Endpoint: "cdn.aliyuncs.com", Credentials: key, Client: client, Now: now,
	})
	_, text, _ = strings.Cut(out.String(), "\n\n")
	return ok, text
}

func TestRunReport(t *testing.T) {
	details := collector.Account{Exports: []apiclient.Export{apiclient.UsageDetail}, TimeZone: shanghai}
	t.Run("what the lists say does not change the result", func(t *testing.T) {
		client := holding(4)
		client.tasks = []apiclient.Task{
			{
				ID:      "1",
				Name:    "usage-2026-09",
				Status:  apiclient.Success,
				Created: at(t, "2026-10-01 09:00:00"),
				Updated: at(t, "2026-10-01 09:02:00"),
				Start:   at(t, "2026-09-01 00:00:00"),
				End:     at(t, "2026-09-30 23:59:59"),
			},
			{
				ID:      "2",
				Name:    "usage-2026-10",
				Status:  apiclient.Failed,
				Created: at(t, "2026-11-01 09:00:00"),
				Updated: at(t, "2026-11-01 09:02:00"),
				Start:   at(t, "2026-10-01 00:00:00"),
				End:     at(t, "2026-10-31 23:59:59"),
			},
			{
				ID:      "3",
				Name:    "half of October",
				Status:  apiclient.Success,
				Created: at(t, "2026-11-02 09:00:00"),
				Updated: at(t, "2026-11-02 09:02:00"),
				Start:   at(t, "2026-10-01 00:00:00"),
				End:     at(t, "2026-10-16 11:59:59"),
			},
			{ID: "4", Name: "no times \x1b[2J", Status: apiclient.Created},
		}
		var monthly coverage.Pattern
		if err := monthly.UnmarshalText([]byte("usage-.*")); err != nil {
			t.Fatal(err)
		}
		middle := coverage.Date{Year: 2026, Month: time.November, Day: 15}
		ok, text := lists(t, client, collector.Account{
			Name: "main", Exports: []apiclient.Export{apiclient.Usage, apiclient.UsageDetail}, TimeZone: shanghai,
			Expectations: []coverage.Expectation{
				{
					Name: "monthly", Export: apiclient.Usage, TaskName: monthly, Every: coverage.Month,
					Grace: coverage.Duration(72 * time.Hour), Since: coverage.Date{Year: 2026, Month: time.October, Day: 1},
				},
				{Name: "new", Export: apiclient.Usage, Every: coverage.Month, Since: middle},
				{
					Name: "detail", Export: apiclient.UsageDetail, Every: coverage.Week,
					Grace: coverage.Duration(10 * 24 * time.Hour), Since: middle,
				},
			},
		})
		if !ok {
			t.Error("an overdue export is no fault of the configuration")
		}
		const want = `usage         in the time zone Asia/Shanghai
  2026-09     ██████████████████████████████  100.0 % covered
  2026-10     ███████████████▒···············  50.0 % covered
  covered     until 2026-10-16 12:00
  failures    1 that no success has replaced
  expected    monthly: OVERDUE since 2026-11-04 00:00: no successful task named usage-.* covers all of 2026-10-01 to 2026-10-31
  expected    new: next due 2026-12-01 00:00
  malformed   1 with a time that cannot be right, which is ignored
  newest  status   created           updated           from              to                name
  3       success  2026-11-02 09:00  2026-11-02 09:02  2026-10-01 00:00  2026-10-16 11:59  half of October
  2       failed   2026-11-01 09:00  2026-11-01 09:02  2026-10-01 00:00  2026-10-31 23:59  usage-2026-10
  1       success  2026-10-01 09:00  2026-10-01 09:02  2026-09-01 00:00  2026-09-30 23:59  usage-2026-09
  4       created  -                 -                 -                 -                 no times \x1b[2J

usage_detail  in the time zone Asia/Shanghai
  failures    1 that no success has replaced
  expected    detail: missing, due 2026-11-26 00:00: no successful task covers all of 2026-11-09 to 2026-11-15
  malformed   1 with a time that cannot be right, which is ignored
  newest  status   created           updated           from              to                name
  3       success  2026-11-02 09:00  2026-11-02 09:02  2026-10-01 00:00  2026-10-16 11:59  half of October
  2       failed   2026-11-01 09:00  2026-11-01 09:02  2026-10-01 00:00  2026-10-31 23:59  usage-2026-10
  1       success  2026-10-01 09:00  2026-10-01 09:02  2026-09-01 00:00  2026-09-30 23:59  usage-2026-09
  4       created  -                 -                 -                 -                 no times \x1b[2J
`
		if diff := cmp.Diff(want, strings.ReplaceAll(text, "\x1b", "a bare escape")); diff != "" {
			t.Errorf("-want +got:\n%s\n%s", diff, text)
		}
	})

	t.Run("why an export is missing", func(t *testing.T) {
		client := holding(2)
		usage := func(id, name, made, start, end string) apiclient.Task {
			return apiclient.Task{
				ID: id, Name: name, Status: apiclient.Success, Created: at(t, made), Updated: at(t, made),
				Start: at(t, start), End: at(t, end),
			}
		}
		client.tasks = []apiclient.Task{
			usage("1", "usage-2026-09", "2026-10-01 09:00:00", "2026-09-04 00:00:00", "2026-09-30 23:59:59"),
			usage("2", "usage-2026-10", "2026-11-01 00:01:00", "2026-10-01 00:00:00", "2026-10-31 23:59:59"),
		}
		var monthly, glob coverage.Pattern
		if err := errors.Join(monthly.UnmarshalText([]byte("usage-.*")), glob.UnmarshalText([]byte("bill-*"))); err != nil {
			t.Fatal(err)
		}
		october := coverage.Date{Year: 2026, Month: time.October, Day: 1}
		var out strings.Builder
		ok := check.Run(t.Context(), &out, check.Config{
			Account: collector.Account{
				Name: "main", Exports: []apiclient.Export{apiclient.Usage}, TimeZone: shanghai, UsageDelay: 4 * time.Hour,
				Expectations: []coverage.Expectation{
					{Name: "early", Export: apiclient.Usage, TaskName: monthly, Every: coverage.Month, Since: october},
					{Name: "glob", Export: apiclient.Usage, TaskName: glob, Every: coverage.Month, Since: october},
				},
			},
			Endpoint: "cdn.aliyuncs.com", Credentials: key, Client: client,
			Now: time.Date(2026, time.December, 1, 0, 0, 0, 0, shanghai).Add(-time.Hour),
		})
		const want = `
  2026-09       ·███████████████████████████   99.8 % covered, judged from 2026-09-03 23:00
  2026-10     ██████████████████████████████▒  99.5 % covered; exported too early: usage takes up to 4h to be complete (usage_delay), so the file probably lacks the last hours
  covered     until 2026-10-31 20:01
  failures    0 that no success has replaced
  expected    early: OVERDUE since 2026-11-01 04:00: no successful task named usage-.* covers all of 2026-10-01 to 2026-10-31; exported too early: usage takes up to 4h to be complete (usage_delay), so the file probably lacks the last hours
  expected    glob: OVERDUE since 2026-11-01 04:00: no successful task named bill-* covers all of 2026-10-01 to 2026-10-31; no listed task matches bill-*, did you mean bill-.*?
`
		if !ok || !strings.Contains(out.String(), want) {
			t.Errorf("ok is %t:\n%s\nwant\n%s", ok, out.String(), want)
		}
	})

	t.Run("a long list is shown with its ten newest tasks", func(t *testing.T) {
		client := holding(100)
		for i := range 100 {
			client.tasks = append(client.tasks, apiclient.Task{
				ID: string(rune('A' + i%26)), Created: at(t, "2026-11-01 00:00:00") + apiclient.Timestamp(60*i),
			})
		}
		_, text := lists(t, client, details)
		rows := strings.Count(text, "unknown")
		if rows != 10 || !strings.Contains(text, "2026-11-01 01:39") || strings.Contains(text, "2026-11-01 01:29") {
			t.Errorf("%d tasks:\n%s", rows, text)
		}
	})

	t.Run("an empty list has no table", func(t *testing.T) {
		_, text := lists(t, holding(0), details)
		if text != "usage_detail  in the time zone Asia/Shanghai\n  failures    0 that no success has replaced\n" {
			t.Errorf("it prints:\n%s", text)
		}
	})

	t.Run("a list that cannot be read is a failed check", func(t *testing.T) {
		client := holding(4)
		client.err = errors.New("the list could not be read consistently")
		ok, lines := run(t, client, key, apiclient.Usage)
		text := strings.Join(lines, "\n")
		if ok || !strings.Contains(text, "usage         FAILED  the list could not be read consistently") {
			t.Errorf("ok is %t:\n%s", ok, text)
		}
	})
}
