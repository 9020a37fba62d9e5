package web_test

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/coverage"
	"alicdn_export_exporter/internal/web"
)

// stamp returns a moment relative to 2000-01-01, where synctest's clock begins.
func stamp(from time.Duration) apiclient.Timestamp {
	return apiclient.Timestamp(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(from).Unix())
}

// sound returns the status of an export without problems.
func sound(account string) collector.ExportStatus {
	now := time.Now()
	zone := time.FixedZone("Asia/Shanghai", 8*3600)
	return collector.ExportStatus{
		Account: account, Export: apiclient.Usage, TimeZone: zone, Up: true,
		Refreshes: []collector.Refreshed{
			{Ended: now.Add(-5 * time.Second), Duration: 1234 * time.Millisecond, Tasks: 4},
			{Ended: now.Add(-time.Hour), Duration: time.Minute, Err: errors.New("an old failure")},
		},
		Began: now.Add(-6 * time.Second),
		Report: &collector.Report{
			Summary: coverage.Summary{
				Tasks: map[apiclient.Status]int{
					apiclient.Success: 3,
					apiclient.Failed:  0,
					apiclient.Created: 1,
					apiclient.Unknown: 0,
				},
				NewestSuccess: now.Add(-3 * time.Hour),
			},
			CoveredUntil: time.Date(2000, 1, 1, 0, 0, 0, 0, zone),
			Months: []coverage.MonthCoverage{
				{Ago: 2, Start: time.Date(1999, 11, 1, 0, 0, 0, 0, zone), Ratio: .999},
				{Ago: 1, Start: time.Date(1999, 12, 1, 0, 0, 0, 0, zone), Ratio: 1},
			},
			Expectations: []collector.ExpectationReport{{Name: "monthly", Due: now.Add(72 * time.Hour)}},
			NewestTasks: []apiclient.Task{
				{
					ID:      "23",
					Name:    "usage-now",
					Status:  apiclient.Created,
					Created: stamp(-time.Minute),
					Updated: stamp(-time.Second),
				},
				{
					ID:      "22",
					Name:    "usage-1999-12",
					Status:  apiclient.Success,
					Created: stamp(-3 * time.Hour),
					Updated: stamp(-2 * time.Hour),
					Start:   stamp(-31 * 24 * time.Hour),
					End:     stamp(-time.Second),
				},
			},
		},
	}
}

var (
	// seams are tags that do not separate words.
	seams  = regexp.MustCompile(`</?bdi[^>]*>`)
	tags   = regexp.MustCompile(`<style>[^<]*</style>|<[^>]*>`)
	blanks = regexp.MustCompile(`\s+`)
)

// readable returns the text of a page.
func readable(page string) string {
	text := html.UnescapeString(tags.ReplaceAllString(seams.ReplaceAllString(page, ""), " "))
	return strings.TrimSpace(blanks.ReplaceAllString(text, " "))
}

// page requests the status page of these statuses.
func page(t *testing.T, path string, statuses ...collector.ExportStatus) (status int, body string) {
	t.Helper()
	config := setting(t) // Its refresher fails the test.
	config.Statuses = func(time.Time) []collector.ExportStatus { return statuses }
	answer := ask(newHandler(t, config), http.MethodGet, path)
	return answer.Code, answer.Body.String()
}

func TestStatusPage(t *testing.T) {
	with := func(change func(*collector.ExportStatus)) func() []collector.ExportStatus {
		return func() []collector.ExportStatus {
			s := sound("main")
			change(&s)
			return []collector.ExportStatus{s}
		}
	}
	for name, tc := range map[string]struct {
		statuses func() []collector.ExportStatus
		want     []string
		not      []string
	}{
		"fine": {with(func(*collector.ExportStatus) {}), []string{
			"✔ The export is fine", "main usage ✔ fine 6 s ago 3 h ago",
			"November 1999: 99 % covered Nov 99 %", "December 1999: 100 % covered Dec 100 %", "nothing overdue",
			"3 success, 0 failed, 1 created. Covered until 2000-01-01 00:00 . Times in Asia/Shanghai.", "monthly: next due 2000-01-04 08:00 , in 3 days",
			"usage-now 23 created 2000-01-01 07:59 – – to –",
			"usage-1999-12 22 success 2000-01-01 05:00 2000-01-01 06:00 1999-12-01 08:00 to 2000-01-01 07:59",
			"5 s ago 1.23s 4 tasks", "60 min ago 1m0s an old failure",
			"Metrics · Health · Readiness", "as of 2000-01-01 00:00:00 UTC",
		}, []string{"attention", "not read yet", "unknown"}},
		"not read yet": {with(func(s *collector.ExportStatus) {
			*s = collector.ExportStatus{Account: s.Account, Export: s.Export, TimeZone: s.TimeZone}
		}), []string{
			"… No list has been read yet", "main usage … not read yet never – – –",
			"Nothing to show: the list has not been read yet.", "No refresh has ended yet.",
		}, []string{"fine", "attention", "being read"}},
		"being read for the first time": {with(func(s *collector.ExportStatus) {
			*s = collector.ExportStatus{Account: s.Account, Export: s.Export, TimeZone: s.TimeZone, Refreshing: true}
		}), []string{"never, being read"}, nil},
		"the key may not list": {with(func(s *collector.ExportStatus) {
			s.Up = false
			s.Refreshes[0].Err = fmt.Errorf("page 1: %w", &apiclient.Error{
				Code: "Forbidden", Class: apiclient.ClassDenied, Status: 403, APICode: "Forbidden.RAM",
			})
		}), []string{
			"✖ The export needs attention", "main usage ✖ needs attention 6 s ago 3 h ago",
			"The last refresh failed: page 1: Forbidden (HTTP status 403, code Forbidden.RAM). The key may not list these tasks. Grant it the RAM action cdn:DescribeUserUsageDataExportTask",
			"5 s ago 1.23s page 1: Forbidden",
		}, []string{"✔"}},
		"a refresh that takes too long": {with(func(s *collector.ExportStatus) {
			s.Up = false
			s.Refreshes[0].Err = fmt.Errorf("not done within 2m0s (--refresh.timeout): %w", context.DeadlineExceeded)
		}), []string{"Reading the list takes longer than --refresh.timeout allows"}, nil},
		"too old to be shown": {with(func(s *collector.ExportStatus) {
			s.Up, s.Report, s.Refreshes = false, nil, s.Refreshes[1:]
		}), []string{
			"✖ needs attention 6 s ago – – –", "The last refresh failed: an old failure. Try again.",
			"The last list is too old to show (--cache.max-stale).", "Nothing to show: the last list is too old.",
		}, []string{"3 success", "3 h ago"}},
		"overdue": {with(func(s *collector.ExportStatus) {
			s.Report.Expectations = append(s.Report.Expectations, collector.ExpectationReport{
				Name: "weekly", Due: time.Now().Add(-50 * time.Hour), Overdue: true,
			})
			s.Report.Overdue = 1
		}), []string{
			"✖ needs attention", "1 overdue", "weekly is overdue since 1999-12-30 06:00. Make the export in the CDN console",
			"monthly: next due", "weekly: overdue since 1999-12-30 06:00 , 2 days ago",
		}, nil},
		"overdue because it was made too early": {with(func(s *collector.ExportStatus) {
			s.Report.UsageDelay = coverage.Duration(4 * time.Hour)
			s.Report.Expectations = []collector.ExpectationReport{
				{Name: "monthly", Due: time.Now().Add(-50 * time.Hour), Missing: true, Overdue: true, TooEarly: true},
			}
		}), []string{
			"monthly is overdue since 1999-12-30 06:00. Make the export again in the CDN console, and from now on later",
			"monthly: overdue since 1999-12-30 06:00 , 2 days ago; exported too early: " +
				"usage takes up to 4h to be complete (usage_delay), so the file probably lacks the last hours",
		}, nil},
		"no task matches an expectation": {with(func(s *collector.ExportStatus) {
			var glob coverage.Pattern
			if err := glob.UnmarshalText([]byte("usage-*")); err != nil {
				panic(err)
			}
			s.Report.Expectations = []collector.ExpectationReport{{
				Name: "monthly", TaskName: glob, Due: time.Now().Add(-50 * time.Hour), Missing: true, Overdue: true, Unmatched: true,
			}}
		}), []string{
			"monthly is overdue since 1999-12-30 06:00. Make the export in the CDN console, or correct task_name",
			"2 days ago; no listed task matches usage-*, did you mean usage-.*?",
		}, nil},
		"a month that was exported too early": {with(func(s *collector.ExportStatus) {
			s.Report.UsageDelay = coverage.Duration(4 * time.Hour)
			s.Report.Months[1].Ratio, s.Report.Months[1].TooEarly, s.Report.LastMonthIncomplete = .995, true, true
		}), []string{
			"December 1999: 99 % covered, exported too early Dec 99 %, exported too early",
			"December 1999 was exported too early: usage takes up to 4h to be complete",
		}, nil},
		"a month whose first days are too old": {with(func(s *collector.ExportStatus) {
			month := &s.Report.Months[0]
			month.JudgedFrom, month.Ratio = month.Start.Add(60*time.Hour), 1
		}), []string{"November 1999: 100 % covered, judged from 1999-11-03 12:00 Nov 100 %"}, nil},
		"malformed times": {
			with(func(s *collector.ExportStatus) { s.Report.Malformed = 3 }),
			[]string{"1 created, 3 with a malformed time, which is ignored."},
			nil,
		},
		"a failure": {
			with(func(s *collector.ExportStatus) { s.Report.UnrecoveredFailures = 1 }),
			[]string{"1 failed export that no success has replaced. Make the export again"},
			nil,
		},
		"failures": {
			with(func(s *collector.ExportStatus) { s.Report.UnrecoveredFailures = 2 }),
			[]string{"2 failed exports that no success has replaced."},
			nil,
		},
		"a month that is not covered": {
			with(func(s *collector.ExportStatus) { s.Report.Months[1].Ratio, s.Report.LastMonthIncomplete = .5, true }),
			[]string{"◐ The export works, last month is not covered yet", "◐ last month not covered yet", "December 1999: 50 % covered"},
			[]string{"attention", "fine"},
		},
		"an empty list": {
			with(func(s *collector.ExportStatus) {
				s.Report.NewestTasks, s.Report.Summary.NewestSuccess = nil, time.Time{}
			}),
			[]string{"6 s ago none", "The list is empty."},
			nil,
		},
		"an export without months": {
			with(func(s *collector.ExportStatus) {
				s.Export, s.Report.Months, s.Report.CoveredUntil = apiclient.UsageDetail, nil, time.Time{}
			}),
			[]string{"main usage_detail ✔ fine 6 s ago 3 h ago – nothing overdue", "1 created. Times in"},
			[]string{"Covered until", "malformed"},
		},
		"unlisted tasks": {
			with(func(s *collector.ExportStatus) { s.Report.Unlisted = 7 }),
			[]string{"7 counted by the API but not listed"},
			nil,
		},
		"unknown statuses": {
			with(func(s *collector.ExportStatus) { s.Report.Summary.Tasks[apiclient.Unknown] = 2 }),
			[]string{"1 created, 2 unknown"},
			nil,
		},
		"all fine": {
			func() []collector.ExportStatus { return []collector.ExportStatus{sound("a"), sound("b")} },
			[]string{"✔ All 2 exports are fine"},
			nil,
		},
		"the most severe ones come first": {func() []collector.ExportStatus {
			fresh := collector.ExportStatus{Account: "b", Export: apiclient.Usage, TimeZone: time.UTC}
			failing := sound("c")
			failing.Report.UnrecoveredFailures = 1
			return []collector.ExportStatus{sound("a"), fresh, failing}
		}, []string{"✖ 1 of 3 exports need attention", "c usage ✖ needs attention 6 s ago 3 h ago " +
			"November 1999: 99 % covered Nov 99 % December 1999: 100 % covered Dec 100 % nothing overdue " +
			"1 failed export that no success has replaced. " +
			"Make the export again in the CDN console, while its usage can still be exported. " +
			"b usage … not read yet never – – – a usage ✔ fine"}, nil},
		"some not read": {func() []collector.ExportStatus {
			return []collector.ExportStatus{sound("a"), {Account: "b", Export: apiclient.Usage, TimeZone: time.UTC}}
		}, []string{"… 1 of 2 exports have not been read yet"}, nil},
		"no account": {func() []collector.ExportStatus { return nil }, []string{"… No accounts are configured"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				status, body := page(t, "/", tc.statuses()...)
				text := readable(body)
				if status != http.StatusOK {
					t.Errorf("answer %d", status)
				}
				for _, want := range tc.want {
					if !strings.Contains(text, want) {
						t.Errorf("%q is not on the page:\n%s", want, text)
					}
				}
				for _, not := range tc.not {
					if strings.Contains(text, not) {
						t.Errorf("%q is on the page:\n%s", not, text)
					}
				}
			})
		})
	}
}

var bars = regexp.MustCompile(`<rect class="track" width="40" [^>]*><rect class="covered" width="([^"]*)"`)

func TestStatusPageOfDemo(t *testing.T) {
	const banner = "Demo: these accounts and their exports are simulated."
	for _, demo := range []bool{false, true} {
		config := setting(t)
		config.Demo = demo
		config.Statuses = func(time.Time) []collector.ExportStatus { return []collector.ExportStatus{sound("main")} }
		handler := newHandler(t, config)
		for _, path := range []string{"/", "/?account=main"} {
			text := readable(ask(handler, http.MethodGet, path).Body.String())
			if strings.Contains(text, banner) != demo {
				t.Errorf("%s, demo %t:\n%s", path, demo, text)
			}
		}
	}
}

func TestStatusPageBars(t *testing.T) {
	s := sound("main")
	for i, ratio := range []float64{.25, 1} {
		s.Report.Months[i].Ratio = ratio
	}
	_, body := page(t, "/", s)
	var widths []string
	for _, bar := range bars.FindAllStringSubmatch(body, -1) {
		widths = append(widths, bar[1])
	}
	if diff := cmp.Diff([]string{"10.0", "40.0"}, widths); diff != "" {
		t.Errorf("of 40: -want +got:\n%s", diff)
	}
}

func TestStatusPageOfManyAccounts(t *testing.T) {
	var statuses []collector.ExportStatus
	for n := range 21 {
		statuses = append(statuses, sound(fmt.Sprintf("account %d&", n)))
	}
	status, body := page(t, "/", statuses...)
	if status != http.StatusOK || strings.Contains(body, "Newest tasks") ||
		!strings.Contains(readable(body), "All 21 exports are fine") {
		t.Errorf("answer %d:\n%s", status, readable(body))
	}
	const link = "/?account=account+7%26"
	if !strings.Contains(html.UnescapeString(body), `href="`+link+`#usage-account`) {
		t.Errorf("no link to %s in\n%s", link, body)
	}
	status, body = page(t, link, statuses...)
	text := readable(body)
	if status != http.StatusOK || !strings.Contains(text, "account account 7& · all accounts") ||
		!strings.Contains(text, "Newest tasks") ||
		strings.Contains(text, "account 8&") {
		t.Errorf("answer %d:\n%s", status, text)
	}
	for _, path := range []string{"/?account=nobody", "/?account="} {
		status, body := page(t, path, statuses...)
		if status != http.StatusNotFound || body != "There is no account with this name.\n" {
			t.Errorf("%s: answer %d: %s", path, status, body)
		}
	}
}

func TestStatusPageIsReplacedByTheMetrics(t *testing.T) {
	config := scraped(t)
	config.TelemetryPath = "/"
	answer := ask(newHandler(t, config), http.MethodGet, "/")
	if !strings.Contains(answer.Body.String(), "\ndata 0\n") {
		t.Errorf("answer %d:\n%s", answer.Code, answer.Body)
	}
}

func TestStatusPageLinks(t *testing.T) {
	for _, path := range []string{"/metrics", "/deep/down/metrics"} {
		config := setting(t)
		config.TelemetryPath = path
		handler := newHandler(t, config)
		answer := ask(handler, http.MethodGet, "/")
		if answer.Code != http.StatusOK || !strings.HasPrefix(answer.Header().Get("Content-Type"), "text/html") {
			t.Errorf("answer %d of the type %q", answer.Code, answer.Header().Get("Content-Type"))
		}
		var links []string
		for _, match := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(answer.Body.String(), -1) {
			links = append(links, match[1])
		}
		if diff := cmp.Diff([]string{path, "/-/healthy", "/-/ready"}, links); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}

func BenchmarkStatusPage(b *testing.B) {
	var statuses []collector.ExportStatus
	for n := range 1000 {
		statuses = append(statuses, sound(fmt.Sprint("account ", n)))
	}
	handler, err := web.New(web.Config{
		TelemetryPath: "/metrics", Registry: prometheus.NewRegistry(), Logger: log.NewNopLogger(),
		Statuses: func(time.Time) []collector.ExportStatus { return statuses },
	})
	if err != nil {
		b.Fatal(err)
	}
	size := 0
	for b.Loop() {
		size = ask(handler, http.MethodGet, "/").Body.Len()
	}
	b.ReportMetric(float64(size), "bytes")
}
