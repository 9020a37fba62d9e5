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
	Texts, Months       int
	FaintTexts          []string
	FaintBars           int
	WrongBars, Reversed []string
	Background          string
	Width, Overflow     int64
	Stacked             bool
}

// ago returns the time d before now.
func ago(d time.Duration) apiclient.Timestamp {
	return apiclient.Timestamp(time.Now().Add(-d).Unix())
}

// statuses are four exports: one of which all is fine, one forgotten, one that may
// not be read, one with names that want to be more than text.
func statuses(t *testing.T) []collector.ExportStatus {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	status := func(account string, export apiclient.Export, lastMonth float64, names ...string) collector.ExportStatus {
		s := collector.ExportStatus{
			Account: account, Export: export, TimeZone: zone, Up: true, Began: now.Add(-21 * time.Second),
			Report: &collector.Report{Summary: coverage.Summary{
				Tasks:         map[apiclient.Status]int{apiclient.Success: len(names)},
				NewestSuccess: now.Add(-50 * time.Hour),
			}},
		}
		for n, name := range names {
			age, month := 50*time.Hour+time.Duration(n)*31*24*time.Hour, coverage.Month.Period(now.In(zone), n+1)
			s.Report.NewestTasks = append(s.Report.NewestTasks, apiclient.Task{
				ID: fmt.Sprint(9000 - n), Name: name, Status: apiclient.Success, Created: ago(age), Updated: ago(age - 100*time.Second),
				Start: month.Start, End: month.End - 1,
			})
		}
		for n := range 5 {
			s.Refreshes = append(s.Refreshes, collector.Refreshed{
				Ended:    now.Add(-20*time.Second - time.Duration(n)*time.Minute),
				Duration: time.Duration(310+7*n) * time.Millisecond, Tasks: len(names),
			})
		}
		if export == apiclient.Usage {
			month := coverage.Month.Period(now.In(zone), 1).Start.Time().In(zone)
			s.Report.Months = []coverage.MonthCoverage{
				{Ago: 2, Start: month.AddDate(0, -1, 0), Ratio: 1}, {Ago: 1, Start: month, Ratio: lastMonth},
			}
			s.Report.LastMonthIncomplete = lastMonth < 1
			s.Report.CoveredUntil = now.Add(-50 * time.Hour)
		}
		return s
	}
	forgotten := status("overseas", apiclient.Usage, .5, "usage-overseas", "usage-overseas-early")
	forgotten.Report.Expectations = []collector.ExpectationReport{
		{Name: "monthly usage", Due: now.Add(-19 * 24 * time.Hour), Overdue: true},
	}
	forgotten.Report.Overdue = 1
	denied := status(reversed, apiclient.Usage, 1)
	denied.Up, denied.Report, denied.Began = false, nil, time.Time{}
	for n := range denied.Refreshes {
		denied.Refreshes[n].Err = fmt.Errorf("page 1: %w", &apiclient.Error{
			Code: "Forbidden", Class: apiclient.ClassDenied, Status: 403, APICode: "Forbidden.RAM",
		})
	}
	sound := status("production", apiclient.Usage, 1, "usage-last-month", "usage-the-month-before")
	sound.Report.Expectations = []collector.ExpectationReport{{Name: "monthly usage", Due: now.Add(12 * 24 * time.Hour)}}
	return []collector.ExportStatus{sound, status("production", apiclient.UsageDetail, 1, script, image, strings.Repeat("long-name-without-a-blank", 4)), forgotten, denied}
}

type noRefresh struct{ t *testing.T }

// Refresh fails the test: the page must not start a refresh.
func (r noRefresh) Refresh(context.Context) { r.t.Error("opening the page started a refresh") }

// serve starts a server of the status page.
func serve(t *testing.T) (address string) {
	t.Helper()
	handler, err := web.New(web.Config{
		TelemetryPath: "/metrics", Registry: prometheus.NewRegistry(), Refresher: noRefresh{t},
		Statuses: func(time.Time) []collector.ExportStatus { return statuses(t) },
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
	address := serve(t)
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
		{"wide and light", "light", 1280, 900, false, "status-page-light"},
		{"wide and dark", "dark", 1280, 900, false, "status-page-dark"},
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
		seen := run(t, ctx, chromedp.Evaluate[inspection](inspect))
		picture := run(t, ctx, chromedp.FullScreenshot(100))
		for _, want := range []string{
			"2 of 4 exports need attention",
			"monthly usage is overdue since", "Make the export in the CDN console",
			"Grant it the RAM action cdn:DescribeUserUsageDataExportTask",
			script, image, "usage-last-month", "Last refreshes", "page 1: Forbidden",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the page does not contain %q:\n%s", device.name, want, text)
			}
		}
		if title != "✖ 2 of 4 exports need attention · alicdn_export_exporter" {
			t.Errorf("%s: the title is %q", device.name, title)
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
		if err := keep(device.picture, picture); err != nil {
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
