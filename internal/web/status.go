package web

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed" // The page and its style.
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-kit/log/level"
	"github.com/prometheus/common/version"

	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/advice"
)

// maxDetailed is the greatest number of exports whose details are all on one page.
// With more, each account has a page of its own.
const maxDetailed = 20

//go:embed status.html
var statusHTML string

//go:embed status.css
var statusCSS string

// newStatusPage serves the status page. It needs no script, and makes no API call.
func newStatusPage(config Config) (http.Handler, error) {
	page, err := template.New("status").Funcs(statusFuncs).Parse(statusHTML)
	if err != nil {
		return nil, err
	}
	style := sha256.Sum256([]byte(statusCSS))
	policy := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(style[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now, query := time.Now(), r.URL.Query()
		account, oneAccount := query.Get("account"), query.Has("account")
		var statuses []collector.ExportStatus
		for _, status := range config.Statuses(now) {
			if !oneAccount || status.Account == account {
				statuses = append(statuses, status)
			}
		}
		if oneAccount && len(statuses) == 0 {
			http.Error(w, "There is no account with this name.", http.StatusNotFound)
			return
		}
		view := newStatusView(statuses, now)
		view.Account = account
		view.Detailed = oneAccount || len(statuses) <= maxDetailed
		view.MetricsPath = config.TelemetryPath
		view.Demo = config.Demo
		var body bytes.Buffer
		if err := page.Execute(&body, view); err != nil {
			_ = level.Error(config.Logger).Log("msg", "Rendering the status page failed", "err", err)
			http.Error(w, "Rendering the page failed, see the log.", http.StatusInternalServerError)
			return
		}
		header := w.Header()
		header.Set("Content-Type", "text/html; charset=utf-8")
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-store")
		_, _ = w.Write(body.Bytes())
	}), nil
}

// statusView is what the template renders.
type statusView struct {
	Style       template.CSS
	MetricsPath string
	Version     string
	Demo        bool
	Now         time.Time
	Account     string // empty for all accounts
	Detailed    bool   // whether the page has the details of the exports
	Severity    severity
	Verdict     string // one line about all exports
	Exports     []exportView
}

func newStatusView(statuses []collector.ExportStatus, now time.Time) statusView {
	view := statusView{
		Style:    template.CSS(statusCSS), //nolint:gosec // It is embedded above.
		Version:  version.Version,
		Now:      now,
		Severity: unread,
	}
	for _, status := range statuses {
		view.Exports = append(view.Exports, newExportView(status, now))
	}
	bySeverity := func(a, b exportView) int { return cmp.Compare(a.Severity.rank, b.Severity.rank) }
	slices.SortStableFunc(view.Exports, bySeverity)
	if len(view.Exports) > 0 {
		view.Severity = view.Exports[0].Severity
	}
	view.Verdict = verdict(view.Exports)
	return view
}

// verdict says in one line whether all exports are fine.
func verdict(exports []exportView) string {
	count := make(map[severity]int)
	for _, e := range exports {
		count[e.Severity]++
	}
	all := len(exports)
	switch {
	case all == 0:
		return "No accounts are configured"
	case count[bad] > 0 && all == 1:
		return "The export needs attention"
	case count[bad] > 0:
		return fmt.Sprintf("%d of %d exports need attention", count[bad], all)
	case count[unread] == all:
		return "No list has been read yet"
	case count[unread] > 0:
		return fmt.Sprintf("%d of %d exports have not been read yet", count[unread], all)
	case count[incomplete] > 0 && all == 1:
		return "The export works, last month is not covered yet"
	case count[incomplete] > 0:
		return fmt.Sprintf("All %d exports work, %d do not cover last month yet", all, count[incomplete])
	case all == 1:
		return "The export is fine"
	default:
		return fmt.Sprintf("All %d exports are fine", all)
	}
}

// severity sums up an export. The sign and the words say the same as the color.
type severity struct {
	rank        int    // 0 is the most severe
	Class       string // CSS class
	Sign, Words string
}

var (
	bad        = severity{0, "bad", "✖", "needs attention"}
	unread     = severity{1, "unread", "…", "not read yet"}
	incomplete = severity{2, "incomplete", "◐", "last month not covered yet"}
	fine       = severity{3, "fine", "✔", "fine"}
)

// exportView is one export of an account.
type exportView struct {
	collector.ExportStatus
	Now      time.Time
	Severity severity
	Problems []problem
}

// problem says what is wrong, and what to do about it. Name is the name of an
// expectation, or empty. It is separate because the page isolates texts from outside
// with <bdi>: a name written from right to left must not reorder the text around it.
type problem struct{ Name, What, Advice string }

func newExportView(status collector.ExportStatus, now time.Time) exportView {
	e := exportView{ExportStatus: status, Now: now}
	if len(status.Refreshes) > 0 && !status.Up {
		err := status.Refreshes[0].Err
		e.Problems = append(e.Problems, problem{
			What:   fmt.Sprintf("The last refresh failed: %s.", strings.TrimSuffix(err.Error(), ".")),
			Advice: advice.For(err, status.Export),
		})
	}
	report := status.Report
	if report == nil && !status.Began.IsZero() {
		e.Problems = append(e.Problems, problem{What: "The last list is too old to show (--cache.max-stale)."})
	}
	if report != nil {
		e.Problems = append(e.Problems, e.problemsOf(report)...)
	}
	switch {
	case len(e.Problems) > 0:
		e.Severity = bad
	case report == nil:
		e.Severity = unread
	case report.LastMonthIncomplete:
		e.Severity = incomplete
	default:
		e.Severity = fine
	}
	return e
}

// problemsOf returns the problems in a report.
func (e exportView) problemsOf(report *collector.Report) []problem {
	var problems []problem
	for _, expected := range report.Expectations {
		if !expected.Overdue {
			continue
		}
		problems = append(problems, problem{
			Name:   expected.Name,
			What:   fmt.Sprintf("is overdue since %s.", e.Clock(expected.Due)),
			Advice: advice.Overdue(expected.TooEarly, expected.Unmatched),
		})
	}
	if n := report.UnrecoveredFailures; n > 0 {
		problems = append(problems, problem{
			What:   plural(n, "failed export") + " that no success has replaced.",
			Advice: advice.Unreplaced,
		})
	}
	return problems
}

// ID is the URL fragment of the export's details.
func (e exportView) ID() string { return string(e.Export) + "-" + e.Account }

// AccountPage is the URL of the page of the export's account.
func (e exportView) AccountPage() string { return "/?" + url.Values{"account": {e.Account}}.Encode() }

// Clock formats a time in the account's time zone.
func (e exportView) Clock(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.In(e.TimeZone).Format("2006-01-02 15:04")
}
