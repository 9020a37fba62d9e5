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

	"github.com/prometheus/common/version"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
)

// mostDetailed is the number of exports up to which the page holds the details of
// all of them; with more, each account has a page of its own.
const mostDetailed = 20

//go:embed status.html
var statusHTML string

//go:embed status.css
var statusCSS string

// newStatusPage shows people what is known, without a script, and without a call
// of the API.
func newStatusPage(config Config) (http.Handler, error) {
	page, err := template.New("status").Parse(statusHTML)
	if err != nil {
		return nil, err
	}
	style := sha256.Sum256([]byte(statusCSS))
	policy := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(style[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := time.Now()
		view := statusView{
			Style:       template.CSS(statusCSS), //nolint:gosec // It is ours, embedded above.
			MetricsPath: config.TelemetryPath,
			Version:     version.Version,
			Now:         now,
			Account:     r.URL.Query().Get("account"),
		}
		for _, status := range config.Statuses(now) {
			if r.URL.Query().Has("account") && status.Account != view.Account {
				continue
			}
			view.Exports = append(view.Exports, newExportView(status, now))
		}
		if r.URL.Query().Has("account") && len(view.Exports) == 0 {
			http.Error(w, "No account of that name is watched.", http.StatusNotFound)
			return
		}
		slices.SortStableFunc(view.Exports, func(a, b exportView) int { return cmp.Compare(a.State.rank, b.State.rank) })
		var body bytes.Buffer
		if err := page.Execute(&body, view); err != nil {
			config.ErrorLog.Println("msg", "status page", "err", err)
			http.Error(w, "The page could not be made; the log says why.", http.StatusInternalServerError)
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

// statusView is the page.
type statusView struct {
	Style       template.CSS
	MetricsPath string
	Version     string
	Now         time.Time
	Account     string // empty for all
	Exports     []exportView
}

// Detailed tells whether the page holds the details too.
func (v statusView) Detailed() bool { return len(v.Exports) <= mostDetailed || v.Account != "" }

// Worst is the state that comes first.
func (v statusView) Worst() state {
	if len(v.Exports) == 0 {
		return unread
	}
	return v.Exports[0].State
}

// Verdict says in one line whether all is fine.
func (v statusView) Verdict() string {
	count := make(map[state]int)
	for _, e := range v.Exports {
		count[e.State]++
	}
	all := len(v.Exports)
	switch {
	case all == 0:
		return "No account is watched"
	case count[bad] > 0 && all == 1:
		return "The export needs attention"
	case count[bad] > 0:
		return fmt.Sprintf("%d of %d exports need attention", count[bad], all)
	case count[unread] == all:
		return "Nothing has been read yet: the first scrape does that"
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

// state is how an export is, in a word and in a sign, so that no color is needed.
type state struct {
	rank        int
	Class       string // of the style
	Sign, Words string
}

var (
	bad        = state{0, "bad", "✖", "needs attention"}
	unread     = state{1, "unread", "…", "not read yet"}
	incomplete = state{2, "incomplete", "◐", "last month not covered yet"}
	fine       = state{3, "fine", "✔", "fine"}
)

// exportView is one export of an account.
type exportView struct {
	collector.Status
	State    state
	Problems []problem
	now      time.Time
}

// problem is what is wrong, and what to do about it. Name is that of an expectation:
// texts of others are kept apart, each in a <bdi>, so that writing from right to left
// in one of them does not turn around what stands beside it.
type problem struct{ Name, What, Advice string }

func newExportView(status collector.Status, now time.Time) exportView {
	e := exportView{Status: status, State: fine, now: now.In(status.TimeZone)}
	add := func(p problem) {
		e.State = bad
		e.Problems = append(e.Problems, p)
	}
	if len(status.Refreshes) > 0 && !status.Up {
		err := status.Refreshes[0].Err
		add(problem{
			What:   fmt.Sprintf("The last refresh failed: %s.", strings.TrimSuffix(err.Error(), ".")),
			Advice: apiclient.Advice(err, status.Export),
		})
	}
	f := status.Facts
	switch {
	case f == nil && !status.Began.IsZero():
		add(problem{What: "What was read is too old to be shown (--cache.max-stale)."})
	case f == nil && e.State == fine:
		e.State = unread
	case f == nil:
	default:
		for _, expected := range f.Expected {
			if expected.Due.Before(now) {
				add(problem{expected.Name, fmt.Sprintf("is overdue since %s.", e.Clock(expected.Due)), "Make the export in the CDN console, and look why it was not made."})
			}
		}
		if f.Unrecovered > 0 {
			add(problem{
				What:   plural(f.Unrecovered, "failed export") + " that no success has made up for.",
				Advice: "Make the export again in the CDN console, while its usage can still be exported.",
			})
		}
		if e.State == fine && len(f.Months) > 0 && f.Months[0].Ratio < 1 {
			e.State = incomplete
		}
	}
	return e
}

// Completed is when a task ended, nothing while it has not.
func (exportView) Completed(task apiclient.Task) apiclient.Timestamp {
	if task.Status == apiclient.Created {
		return 0
	}
	return task.Updated
}

// Tasks says how long a list is.
func (exportView) Tasks(n int) string { return plural(n, "task") }

// Bar is the width of a month's bar.
func (exportView) Bar(ratio float64) string { return fmt.Sprintf("%.1f", 40*ratio) }

// ID is the fragment of the export's details.
func (e exportView) ID() string { return string(e.Export) + "-" + e.Account }

// Link leads to the export's details.
func (e exportView) Link(page statusView) string {
	if page.Detailed() {
		return "#" + e.ID()
	}
	return "/?" + url.Values{"account": {e.Account}}.Encode() + "#" + e.ID()
}

// Overdue is the number of expectations that are.
func (e exportView) Overdue() (n int) {
	for _, expected := range e.Facts.Expected {
		if expected.Due.Before(e.now) {
			n++
		}
	}
	return n
}

// Clock is a moment in the account's time zone.
func (e exportView) Clock(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.In(e.TimeZone).Format("2006-01-02 15:04")
}

// At is a moment of the API's.
func (e exportView) At(t apiclient.Timestamp) string { return e.Clock(t.Time()) }

// Machine is a moment for programs.
func (exportView) Machine(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Ago is how long ago a moment was, or how long it is until then, to what people care about.
func (e exportView) Ago(t time.Time) string {
	age := e.now.Sub(t)
	switch {
	case age < 0:
		return "in " + span(-age)
	case age < time.Second:
		return "now"
	default:
		return span(age) + " ago"
	}
}

func span(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}

// Took is a duration to three digits.
func (exportView) Took(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Millisecond).String()
}

// Percent is a ratio that says 100 only where nothing is missing.
func (exportView) Percent(ratio float64) int { return int(100 * ratio) }

// Earliest returns the months in the order of the calendar.
func (e exportView) Earliest() []collector.MonthCovered {
	months := slices.Clone(e.Facts.Months)
	slices.Reverse(months)
	return months
}

// Name is a task's name, or as much of it as fits.
func (exportView) Name(name string) string {
	name = strings.ToValidUTF8(name, "\uFFFD")
	if runes := []rune(name); len(runes) > 80 {
		return string(runes[:79]) + "…"
	}
	return name
}

// Count is a number of tasks with a status.
func (e exportView) Count(status string) int {
	for s, n := range e.Facts.Summary.Tasks {
		if s.String() == status {
			return n
		}
	}
	return 0
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
