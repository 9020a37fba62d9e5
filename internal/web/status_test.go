package web_test

import (
	"encoding/json"
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
	"alicdn_export_exporter/internal/view"
	"alicdn_export_exporter/internal/web"
)

var shanghai = time.FixedZone("Asia/Shanghai", 8*3600)

// sound returns an account with one export and without problems. The time is that of
// synctest's clock, 2000-01-01T00:00:00Z.
func sound(name string) view.Account {
	now := time.Now().In(shanghai)
	month := func(number time.Month, covered float64, days ...*float64) view.Month {
		start := time.Date(1999, number, 1, 0, 0, 0, 0, shanghai)
		return view.Month{Start: start, End: start.AddDate(0, 1, 0), JudgedFrom: start, Covered: covered, Days: days}
	}
	return view.Account{Account: name, TimeZone: "Asia/Shanghai", Exports: []view.Export{{
		Export: apiclient.Usage, Up: true, ListRead: now.Add(-6 * time.Second),
		Refreshes: []view.Refresh{
			{Ended: now.Add(-5 * time.Second), Duration: view.Seconds(1234 * time.Millisecond), Tasks: 4},
			{Ended: now.Add(-time.Hour), Duration: view.Seconds(time.Minute), Error: "an old failure"},
		},
		List: &view.List{
			Tasks: view.Counts{Success: 3, Created: 1}, NewestSuccess: now.Add(-3 * time.Hour),
			CoveredUntil: time.Date(2000, 1, 1, 0, 0, 0, 0, shanghai),
			Months:       []view.Month{month(11, .999, new(1.0), new(.9)), month(12, 1, new(1.0))},
			Expectations: []view.Expectation{{Name: "monthly", Every: coverage.Month, Due: now.Add(72 * time.Hour)}},
			NewestTasks: []view.Task{
				{ID: "23", Name: "usage-now", Status: "created", Created: now.Add(-time.Minute), Updated: now.Add(-time.Second)},
				{
					ID: "22", Name: "usage-1999-12", Status: "success", Created: now.Add(-3 * time.Hour), Updated: now.Add(-2 * time.Hour),
					Start: time.Date(1999, 12, 1, 0, 0, 0, 0, shanghai), End: time.Date(1999, 12, 31, 23, 59, 59, 0, shanghai),
				},
			},
		},
	}}}
}

// of returns the document of accounts, whose states are those of their exports.
func of(accounts ...view.Account) view.Document {
	d := view.Document{Time: time.Now().UTC(), Accounts: accounts, Verdict: "the verdict"}
	for i := range accounts {
		for _, export := range accounts[i].Exports {
			accounts[i].State = max(accounts[i].State, export.State)
		}
		d.State = max(d.State, accounts[i].State)
	}
	return d
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

// page requests the status page of a document.
func page(t *testing.T, path string, document view.Document) (status int, body string) {
	t.Helper()
	config := setting(t) // Its refresher fails the test.
	config.Document = func(time.Time) view.Document { return document }
	answer := ask(newHandler(t, config), http.MethodGet, path)
	return answer.Code, answer.Body.String()
}

func TestStatusPage(t *testing.T) {
	with := func(change func(*view.Export)) func() view.Document {
		return func() view.Document {
			account := sound("main")
			change(&account.Exports[0])
			return of(account)
		}
	}
	command := view.Command{Line: "aliyun cdn Create --TaskName 'a b'", Note: "1999-12-01 to 1999-12-31; possible until 2000-12-01"}
	for name, tc := range map[string]struct {
		document func() view.Document
		want     []string
		not      []string
	}{
		"fine": {with(func(*view.Export) {}), []string{
			"✔ the verdict", "main usage ✔ fine 6 s ago 3 h ago",
			"November 1999: 99 % covered Nov 99 %", "December 1999: 100 % covered Dec 100 %", "nothing overdue",
			"3 success, 1 pending, 0 failed. Covered until 2000-01-01 00:00 .", "monthly: next due 2000-01-04 08:00 , in 3 days",
			"Newest tasks times in Asia/Shanghai", "usage-now 23 pending 2000-01-01 07:59 –",
			"usage-1999-12 22 success 2000-01-01 05:00 1999-12-01 to 1999-12-31",
			"5 s ago 1.2 s 4 tasks", "60 min ago 60.0 s an old failure",
			"Metrics · JSON · Runbook · Health · Readiness", "as of 2000-01-01 00:00:00 UTC",
		}, []string{"Demo", "aliyun cdn", "not read yet", "unknown"}},
		"a failure that a success has replaced": {with(func(e *view.Export) {
			e.List.Tasks.Failed = 1
		}), []string{"1 failed. No failed task needs to be repeated. Covered until"}, nil},
		"a failure that counts": {with(func(e *view.Export) {
			e.List.Tasks.Failed, e.List.UnrecoveredFailures = 2, 1
		}), []string{"2 failed. Covered until"}, []string{"needs to be repeated"}},
		"not read yet": {with(func(e *view.Export) {
			*e = view.Export{Export: e.Export, State: view.NotReadYet}
		}), []string{
			"… the verdict", "main usage … not read yet never – – –",
			"Nothing to show: the list has not been read yet.", "No refresh has ended yet.",
		}, []string{"fine", "being read"}},
		"being read for the first time": {with(func(e *view.Export) {
			*e = view.Export{Export: e.Export, State: view.NotReadYet, Refreshing: true}
		}), []string{"never, being read"}, nil},
		"a problem": {with(func(e *view.Export) {
			e.State = view.ExportMissing
			e.Problems = []view.Problem{{
				Kind: collector.Failed, Alert: "CDNExportUnrecoveredFailure", Subject: "usage-1999-12", TaskID: "22", What: "failed.",
				Advice: "Make it again.", Commands: []view.Command{command, {Note: "too old"}}, Needs: "A person's key.",
			}, {Kind: collector.SuccessTooOld, Alert: "X", What: "It is old.", Advice: "Make one.", Commands: []view.Command{command}}}
		}), []string{
			"✖ the verdict Usage exports of Alibaba Cloud CDN main usage needs an export usage-1999-12 (id 22) failed. Make it again. Runbook " +
				"1999-12-01 to 1999-12-31; possible until 2000-12-01 aliyun cdn Create --TaskName 'a b' too old A person's key. " +
				"It is old. Make one. A command above ends this too. Runbook",
			"main usage ✖ needs an export",
		}, []string{"✔"}},
		"a remark": {with(func(e *view.Export) {
			e.State = view.Notable
			e.Problems = []view.Problem{{Kind: collector.Unlisted, Alert: "CDNExportTasksUnlisted", What: "One more.", Advice: "Wait."}}
		}), []string{"◐ the verdict", "One more. Wait. Runbook"}, nil},
		"too old to be shown": {with(func(e *view.Export) { e.State, e.List = view.Unreadable, nil }), []string{
			"✖ cannot be read 6 s ago – – –", "Nothing to show: the last list is too old (--cache.max-stale).",
		}, []string{"3 success", "3 h ago"}},
		"overdue": {with(func(e *view.Export) {
			e.List.Expectations = append(e.List.Expectations, view.Expectation{
				Name: "weekly", Due: time.Now().Add(-50 * time.Hour).In(shanghai), Overdue: true, Hint: "no listed task matches x",
			}, view.Expectation{Name: "late", Due: time.Now().Add(time.Hour).In(shanghai), Missing: make([]view.Period, 1)})
		}), []string{
			"1 overdue", "monthly: next due", "weekly: overdue since 1999-12-30 06:00 , 2 days ago; no listed task matches x",
			"late: missing, due 2000-01-01 09:00 , in 60 min",
		}, nil},
		"a month that was exported too early": {
			with(func(e *view.Export) { e.List.Months[1].MadeTooEarly = true }), []string{"Dec 100 %, exported too early"}, nil,
		},
		"a month whose first days are too old": {
			with(func(e *view.Export) { e.List.Months[0].JudgedFrom = e.List.Months[0].Start.Add(60 * time.Hour) }),
			[]string{"November 1999: 99 % covered, judged from 1999-11-03 12:00 Nov 99 %"},
			nil,
		},
		"malformed times": {
			with(func(e *view.Export) { e.List.Malformed = 3 }),
			[]string{"0 failed, 3 with a malformed time, which is ignored."},
			nil,
		},
		"an empty list": {
			with(func(e *view.Export) { e.List.NewestTasks, e.List.NewestSuccess = nil, time.Time{} }),
			[]string{"6 s ago none", "The list is empty."},
			nil,
		},
		"an export without months": {
			with(func(e *view.Export) {
				e.Export, e.List.Months, e.List.CoveredUntil = apiclient.UsageDetail, nil, time.Time{}
			}),
			[]string{"main usage_detail ✔ fine 6 s ago 3 h ago – nothing overdue", "0 failed. monthly"},
			[]string{"Covered until", "malformed"},
		},
		"unlisted tasks":   {with(func(e *view.Export) { e.List.Unlisted = 7 }), []string{"7 counted by the API but not listed"}, nil},
		"unknown statuses": {with(func(e *view.Export) { e.List.Tasks.Unknown = 2 }), []string{"0 failed, 2 unknown"}, nil},
		"the most severe ones come first": {func() view.Document {
			fresh, failing := sound("b"), sound("c")
			fresh.Exports[0] = view.Export{Export: apiclient.Usage, State: view.NotReadYet}
			failing.Exports[0].State = view.Unreadable
			failing.Exports[0].Problems = []view.Problem{{What: "Refused.", Advice: "Grant it.", Alert: "X"}}
			missing := sound("d")
			missing.Exports[0].State = view.ExportMissing
			missing.Exports[0].Problems = []view.Problem{{What: "Missing.", Advice: "Make it.", Alert: "X"}}
			return of(missing, sound("a"), fresh, failing)
		}, []string{
			"c usage cannot be read Refused. Grant it. Runbook d usage needs an export Missing. Make it. Runbook The exports",
			"Expected c usage ✖ cannot be read", "d usage ✖ needs", "nothing overdue b usage … not read yet never – – – a usage ✔ fine",
		}, nil},
		"a problem of the account": {func() view.Document {
			account := sound("main")
			account.Problems = []view.Problem{{What: "The clock is wrong.", Advice: "Set it.", Alert: "X"}}
			return of(account)
		}, []string{"main fine The clock is wrong. Set it. Runbook"}, nil},
		"the demo": {func() view.Document {
			d := of(sound("demo-fine"))
			d.Demo = true
			return d
		}, []string{"Demo. These accounts are simulated."}, nil},
		"no account": {func() view.Document { return of() }, []string{"✔ the verdict"}, []string{"The exports"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				status, body := page(t, "/", tc.document())
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

var strips = regexp.MustCompile(`<svg viewBox="0 0 (\d+) 8"|<rect class="(\w+)" x="(\d+)" width="(\d+)"`)

func TestStatusPageStrips(t *testing.T) {
	account := sound("main")
	account.Exports[0].List.Months[0].Days = []*float64{nil, nil, new(1.0), new(1.0), new(.5), new(0.0), new(0.0), new(1.0)}
	account.Exports[0].List.Months[1].Days = []*float64{new(1.0), new(1.0)}
	_, body := page(t, "/", of(account))
	var got []string
	for _, m := range strips.FindAllStringSubmatch(body, -1) {
		got = append(got, strings.Join(strings.Fields(strings.Join(m[1:], " ")), " "))
	}
	if diff := cmp.Diff([]string{
		"8", "unjudged 0 2", "covered 2 2", "part 4 1", "missing 5 2", "covered 7 1", "2", "covered 0 2",
	}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestStatusPageOfManyAccounts(t *testing.T) {
	var accounts []view.Account
	for n := range 21 {
		accounts = append(accounts, sound(fmt.Sprintf("account %d&", n)))
	}
	document := of(accounts...)
	status, body := page(t, "/", document)
	if status != http.StatusOK || strings.Contains(body, "Newest tasks") || !strings.Contains(readable(body), "Select an account") {
		t.Errorf("answer %d:\n%s", status, readable(body))
	}
	const link = "?account=account+7%26"
	if !strings.Contains(html.UnescapeString(body), `href="`+link+`#usage-account`) {
		t.Errorf("no link to %s in\n%s", link, body)
	}
	for _, path := range []string{"/", "/api/v1/exports"} {
		status, body = page(t, path+link, document)
		text := readable(body)
		if status != http.StatusOK || !strings.Contains(text, "account 7& is fine") || strings.Contains(text, "account 8&") {
			t.Errorf("%s: answer %d:\n%s", path, status, text)
		}
		for _, nobody := range []string{"?account=nobody", "?account="} {
			status, body := page(t, path+nobody, document)
			if status != http.StatusNotFound || body != "There is no account with this name.\n" {
				t.Errorf("%s: answer %d: %s", path+nobody, status, body)
			}
		}
	}
	if _, body := page(t, "/"+link, document); !strings.Contains(readable(body), "all accounts") || !strings.Contains(body, "Newest tasks") {
		t.Errorf("%s", readable(body))
	}
}

func TestExportsJSON(t *testing.T) {
	config := setting(t)
	config.Document = func(time.Time) view.Document { return of(sound("<main>")) }
	answer := ask(newHandler(t, config), http.MethodGet, "/api/v1/exports")
	var document struct {
		Verdict  string
		Accounts []struct {
			Account string
			Exports []struct{ Export string }
		}
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	if answer.Code != http.StatusOK || answer.Header().Get("Content-Type") != "application/json" ||
		document.Verdict != "the verdict" || document.Accounts[0].Account != "<main>" || document.Accounts[0].Exports[0].Export != "usage" {
		t.Errorf("answer %d: %+v", answer.Code, document)
	}
}

func TestRunbook(t *testing.T) {
	answer := ask(newHandler(t, setting(t)), http.MethodGet, "/runbook")
	body := answer.Body.String()
	const heading = `<a id="CDNExportStuckPending"></a><h2 id="cdnexportstuckpending">CDNExportStuckPending</h2>`
	if answer.Code != http.StatusOK || !strings.Contains(body, heading) {
		t.Errorf("answer %d:\n%s", answer.Code, body)
	}
	for _, link := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(body, -1) {
		if link[1] != "./" && !strings.HasPrefix(link[1], "#") && !strings.HasPrefix(link[1], "https://") {
			t.Errorf("a link to %s, which the exporter does not serve", link[1])
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

// Behind a path prefix, only relative links lead to the exporter.
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
			if !strings.HasPrefix(match[1], "https://cdn.console.") {
				links = append(links, match[1])
			}
		}
		want := []string{strings.TrimPrefix(path, "/"), "api/v1/exports", "runbook", "-/healthy", "-/ready"}
		if diff := cmp.Diff(want, links); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		for _, link := range want[1:] {
			if answer := ask(handler, http.MethodGet, "/"+link); answer.Code != http.StatusOK {
				t.Errorf("%s: answer %d", link, answer.Code)
			}
		}
	}
}

func BenchmarkStatusPage(b *testing.B) {
	var accounts []view.Account
	for n := range 1000 {
		accounts = append(accounts, sound(fmt.Sprint("account ", n)))
	}
	document := of(accounts...)
	handler, err := web.New(web.Config{
		TelemetryPath: "/metrics", Registry: prometheus.NewRegistry(), Logger: log.NewNopLogger(),
		Document: func(time.Time) view.Document { return document },
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
