// Package status tests the status page in a browser.
package status

import (
	"context"
	_ "embed" // for inspect.js
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/coverage"
	"alicdn_export_exporter/internal/view"
	"alicdn_export_exporter/internal/web"
)

// Task names with HTML, and an account name with a control character. The page must show them as text.
const (
	script = `<script>document.title="taken over";alert(1)</script>"'&`
	image  = `<img src="x" onerror="alert(2)">`
	// reversed looks like "staging": the control character makes text run from right to left, and the text
	// after it too.
	reversed = "\u202Egnigats"
)

// inspect is a script that returns what a person would see.
//
//go:embed inspect.js
var inspect string

// inspection is the result of inspect. Its lists contain what is wrong.
type inspection struct {
	Texts, Months        int
	FaintTexts           []string
	FaintBars            int
	WrongBars, Reversed  []string
	Background, Selected string
	Width, Overflow      int64
	Stacked              bool
}

// monthly returns the exports of the last three months, each made on the first day after its month. A name is followed
// by the month.
func monthly(now time.Time, names ...string) []apiclient.Task {
	var tasks []apiclient.Task
	for ago := 3; ago >= 1; ago-- {
		month := coverage.Month.Period(now, ago)
		for _, name := range names {
			created := month.End + 6*3600 + apiclient.Timestamp(len(tasks))
			tasks = append(tasks, apiclient.Task{
				ID: fmt.Sprint(2_600_000_000 + int64(created)%100_000_000), Name: name + month.Start.Time().In(now.Location()).Format("2006-01"),
				Status: apiclient.Success, Created: created, Updated: created + 120, Start: month.Start, End: month.End - 1,
			})
		}
	}
	return tasks
}

// statuses are those of believable accounts: all is fine with one of them, the last export of another one failed, a third
// one has a stuck export and a wrong name in an expectation, the key of a fourth one may not list tasks. A fifth one, if
// strange, has names that want to be more than text.
func statuses(t *testing.T, now time.Time, strange bool) []collector.AccountStatus {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	now = now.In(zone)
	var pattern coverage.Pattern
	if err := pattern.UnmarshalText([]byte("usage-.*")); err != nil {
		t.Fatal(err)
	}
	expectation := coverage.Expectation{
		Name: "monthly bill", Export: apiclient.Usage, Every: coverage.Month, TaskName: pattern, Grace: coverage.Duration(72 * time.Hour),
	}
	read := func(account string, export apiclient.Export, tasks []apiclient.Task, expectations ...coverage.Expectation) collector.ExportStatus {
		day := coverage.Duration(24 * time.Hour)
		listing := &apiclient.Listing{Tasks: tasks, TotalCount: len(tasks), Began: now.Add(-21 * time.Second)}
		snapshot := collector.NewSnapshot(collector.Account{
			Name: account, TimeZone: zone, UsageDelay: 4 * time.Hour, Expectations: expectations,
			Limits: coverage.Limits{PendingAge: day / 4, SuccessAge: 35 * day, MonthGrace: 3 * day},
		}, export, listing, collector.ReportedTasks)
		status := collector.ExportStatus{Export: export, Up: true, Began: listing.Began, Report: collector.NewReport(snapshot, now)}
		status.Problems = status.Report.Problems
		for n := range 5 {
			status.Refreshes = append(status.Refreshes, collector.Refreshed{
				Ended:    now.Add(-20*time.Second - time.Duration(n)*time.Minute),
				Duration: time.Duration(310+7*n) * time.Millisecond, Tasks: len(tasks),
			})
		}
		return status
	}
	failed := monthly(now, "usage-")
	failed[2].Status = apiclient.Failed
	stuck := monthly(now, "usage-", "detail-flow-", "detail-vas-")
	stuck[7].Status, stuck[7].Updated = apiclient.Created, 0
	refused := fmt.Errorf("page 1: %w", &apiclient.Error{
		Code: "Forbidden", Class: apiclient.ClassDenied, Status: 403, APICode: "Forbidden.RAM",
	})
	accounts := []collector.AccountStatus{
		{Account: "production", TimeZone: zone, Exports: []collector.ExportStatus{
			read("production", apiclient.Usage, monthly(now, "usage-"), expectation),
			read("production", apiclient.UsageDetail, monthly(now, "detail-flow-", "detail-vas-")),
		}},
		{Account: "overseas", TimeZone: zone, Exports: []collector.ExportStatus{read("overseas", apiclient.Usage, failed, expectation)}},
		{Account: "media", TimeZone: zone, Exports: []collector.ExportStatus{read("media", apiclient.UsageDetail, stuck)}},
		{Account: "trial", TimeZone: zone, Exports: []collector.ExportStatus{{
			Export: apiclient.Usage, Problems: []collector.Problem{{Kind: collector.Refused, Err: refused}},
			Refreshes: []collector.Refreshed{{Ended: now.Add(-30 * time.Second), Duration: 90 * time.Millisecond, Err: refused}},
		}}},
	}
	if strange {
		names := monthly(now, script, image, strings.Repeat("long-name-without-a-blank", 4))
		names[6].Status = apiclient.Failed
		accounts = append(accounts, collector.AccountStatus{Account: reversed, TimeZone: zone, Exports: []collector.ExportStatus{
			read(reversed, apiclient.UsageDetail, names),
		}})
	}
	return accounts
}

type noRefresh struct{ t *testing.T }

// Refresh fails the test: the page must not start a refresh.
func (r noRefresh) Refresh(context.Context) { r.t.Error("opening the page started a refresh") }

// serve starts a server of the status page.
func serve(t *testing.T, strange bool) (address string) {
	t.Helper()
	handler, err := web.New(web.Config{
		TelemetryPath: "/metrics", Registry: prometheus.NewRegistry(), Refresher: noRefresh{t},
		Document: func(now time.Time) view.Document { return view.New(statuses(t, now, strange), now, false) },
		Logger:   log.NewNopLogger(),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	server.Config = web.NewServer(t.Context(), handler, stdlog.New(io.Discard, "", 0))
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

// browser starts a Chromium that stops at the end of the test.
func browser(t *testing.T) context.Context {
	t.Helper()
	var found string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			found = path
			break
		}
	}
	if found == "" {
		t.Fatal(`there is no Chromium: "make programs" installs it on Debian, as root`)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(found), chromedp.NoSandbox,
		chromedp.Flag("hide-scrollbars", true))
	allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stop := chromedp.NewContext(allocator)
	t.Cleanup(func() { stop(); stopAllocator() })
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// messages are the browser's console messages, and the dialogs that a page opens.
type messages struct {
	mu    sync.Mutex
	texts []string
}

func (m *messages) add(text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.texts = append(m.texts, text)
}

// handle records an event that a correct page does not cause.
func (m *messages) handle(event any) {
	switch e := event.(type) {
	case *cdplog.EventEntryAdded:
		m.add(e.Entry.Text)
	case *runtime.EventConsoleAPICalled:
		m.add(string(e.Type))
	case *runtime.EventExceptionThrown:
		m.add(e.ExceptionDetails.Text)
	case *page.EventJavascriptDialogOpening:
		m.add("dialog: " + e.Message)
	}
}

// run runs one action in the browser.
func run[T any](t *testing.T, ctx context.Context, action chromedp.Action[T]) T {
	t.Helper()
	result, err := chromedp.Run(ctx, action)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestStatusPage(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a browser")
	}
	address, believable := serve(t, true), serve(t, false)
	ctx := browser(t)
	recorded := new(messages)
	if err := chromedp.Listen(ctx, recorded.handle); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, cdplog.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	for _, device := range []struct {
		name, scheme  string
		width, height int64
		phone         bool
		picture       string // file name without its extension; empty if the picture is not kept
	}{
		{"wide and light", "light", 1400, 900, false, "status-page-light"},
		{"wide and dark", "dark", 1400, 900, false, "status-page-dark"},
		{"a phone, light", "light", 390, 844, true, ""},
		{"a phone, dark", "dark", 390, 844, true, ""},
	} {
		scheme := emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: device.scheme}},
		}
		if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, scheme); err != nil {
			t.Fatal(err)
		}
		if device.phone { // Without a viewport meta tag, a phone lays the page out for a desktop and shrinks it.
			run(t, ctx, chromedp.EmulateViewport(device.width, device.height,
				chromedp.EmulateMobile, chromedp.EmulateTouch))
		} else {
			run(t, ctx, chromedp.EmulateViewport(device.width, device.height))
		}
		run(t, ctx, chromedp.Navigate(address+"/"))
		text := run(t, ctx, chromedp.Text("body"))
		title := run(t, ctx, chromedp.Title())
		run(t, ctx, chromedp.Click("pre.command"))
		seen := run(t, ctx, chromedp.Evaluate[inspection](inspect))
		for _, want := range []string{
			"trial cannot be read; overseas, media and", "aliyun cdn CreateUserUsageDataExportTask --TaskName usage-",
			"has been pending for", "The exporter's own key must not have it.",
			"Grant it the RAM action cdn:DescribeUserUsageDataExportTask", script, image, "Last refreshes", "page 1: Forbidden",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the page does not contain %q:\n%s", device.name, want, text)
			}
		}
		if !strings.HasPrefix(title, "✖ trial cannot be read; overseas, media and") || strings.Contains(title, "\u202E") {
			t.Errorf("%s: the title is %q", device.name, title)
		}
		if !strings.HasPrefix(seen.Selected, "aliyun cdn Create") {
			t.Errorf("%s: a click selects %q, want the command", device.name, seen.Selected)
		}
		if seen.Width != device.width || seen.Overflow > 0 {
			t.Errorf("%s: the page is laid out for %d pixels and is %d pixels too wide",
				device.name, seen.Width, seen.Overflow)
		}
		if dark := strings.HasPrefix(seen.Background, "rgb(20,"); dark != (device.scheme == "dark") {
			t.Errorf("%s: the background is %s", device.name, seen.Background)
		}
		if seen.Stacked != device.phone {
			t.Errorf("%s: the cells of a row are stacked: %t", device.name, seen.Stacked)
		}
		if seen.Texts < 100 || len(seen.FaintTexts) > 0 {
			t.Errorf("%s: %d texts, want at least 100; these have too little contrast: %q",
				device.name, seen.Texts, seen.FaintTexts)
		}
		if seen.Months != 4 || seen.FaintBars > 0 || len(seen.WrongBars) > 0 {
			t.Errorf("%s: of %d months %d have a bar that is hard to see, and these a wrong one: %q", device.name, seen.Months, seen.FaintBars, seen.WrongBars)
		}
		if len(seen.Reversed) > 0 {
			t.Errorf("%s: a right-to-left name reverses the text beside it: %q", device.name, seen.Reversed)
		}
		run(t, ctx, chromedp.Navigate(believable+"/"))
		if err := keep(device.picture, run(t, ctx, chromedp.FullScreenshot(100))); err != nil {
			t.Error(err)
		}
	}
	recorded.mu.Lock()
	defer recorded.mu.Unlock()
	if len(recorded.texts) > 0 {
		t.Errorf("the browser reports: %q", recorded.texts)
	}
}

// keep writes a picture to the directory in the environment variable PICTURES, if that is set.
func keep(name string, picture []byte) error {
	directory := os.Getenv("PICTURES")
	if len(picture) == 0 {
		return errors.New("the picture is empty")
	}
	if directory == "" || name == "" {
		return nil
	}
	return os.WriteFile(filepath.Join(directory, name+".png"), picture, 0o644)
}
