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
	"unicode"

	"github.com/go-kit/log/level"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/view"
)

// maxDetailed is the maximum number of exports whose details are all on one page. With
// more, each account has a page of its own.
const maxDetailed = 20

//go:embed status.html
var statusHTML string

//go:embed style.css
var style string

// newStatusPage serves the status page. It needs no script, and makes no API call.
func newStatusPage(config Config) (http.Handler, error) {
	page, err := template.New("status").Funcs(statusFuncs).Parse(statusHTML)
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		document, ok := documentOf(config, r)
		if !ok {
			http.Error(w, "There is no account with this name.", http.StatusNotFound)
			return
		}
		view := newStatusView(document)
		view.OneAccount = r.URL.Query().Has("account")
		view.Detailed = view.OneAccount || len(view.Rows) <= maxDetailed
		view.MetricsPath = strings.TrimPrefix(config.TelemetryPath, "/")
		var body bytes.Buffer
		if err := page.Execute(&body, view); err != nil {
			_ = level.Error(config.Logger).Log("msg", "Rendering the status page failed", "err", err)
			http.Error(w, "Rendering the page failed, see the log.", http.StatusInternalServerError)
			return
		}
		writePage(w, body.Bytes())
	}), nil
}

// documentOf returns the document of all accounts, or of the account that the request
// names. ok is false if there is no such account.
func documentOf(config Config, r *http.Request) (document view.Document, ok bool) {
	query := r.URL.Query()
	if !query.Has("account") {
		return config.Document(time.Now()), true
	}
	document = config.Document(time.Now()).Only(query.Get("account"))
	return document, len(document.Accounts) > 0
}

// writePage writes an HTML page. Its Content-Security-Policy allows only the embedded
// style.
func writePage(w http.ResponseWriter, body []byte) {
	hash := sha256.Sum256([]byte(style))
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+
		base64.StdEncoding.EncodeToString(hash[:])+"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "no-store")
	_, _ = w.Write(body)
}

// statusView is what the template renders.
type statusView struct {
	view.Document

	Style       template.CSS
	MetricsPath string
	OneAccount  bool
	Detailed    bool // whether the page has the details of the exports
	Problems    []problemsView
	Rows        []rowView
}

// problemsView has the problems of an account, or of one of its exports.
type problemsView struct {
	Account  string
	Export   apiclient.Export
	State    view.State
	Problems []view.Problem
}

// rowView is one export of an account.
type rowView struct {
	view.Export

	Account  string
	TimeZone string
}

func newStatusView(document view.Document) statusView {
	v := statusView{Document: document, Style: template.CSS(style)} //nolint:gosec // It is embedded above.
	for _, account := range document.Accounts {
		v.addProblems(problemsView{account.Account, "", account.State, account.Problems})
		for _, export := range account.Exports {
			v.addProblems(problemsView{account.Account, export.Export, export.State, export.Problems})
			v.Rows = append(v.Rows, rowView{export, account.Account, account.TimeZone})
		}
	}
	slices.SortStableFunc(v.Problems, func(a, b problemsView) int { return cmp.Compare(b.State, a.State) })
	slices.SortStableFunc(v.Rows, func(a, b rowView) int { return cmp.Compare(b.State, a.State) })
	return v
}

func (v *statusView) addProblems(p problemsView) {
	if len(p.Problems) > 0 {
		p.Problems = view.EachCommandOnce(p.Export, p.Problems)
		v.Problems = append(v.Problems, p)
	}
}

// ID is the URL fragment of the export's details.
func (r rowView) ID() string { return string(r.Export.Export) + "-" + r.Account }

// AccountPage is the URL of the page of the export's account.
func (r rowView) AccountPage() string { return "?" + url.Values{"account": {r.Account}}.Encode() }

// moment is a time and the time of the page.
type moment struct{ Now, Time time.Time }

// statusFuncs are the functions that status.html calls.
var statusFuncs = template.FuncMap{
	"ago":       ago,
	"at":        func(now, t time.Time) moment { return moment{now, t} },
	"class":     func(s view.State) string { return looks[s].class },
	"sign":      func(s view.State) string { return looks[s].sign },
	"describe":  describeMonth,
	"duration":  formatDuration,
	"lower":     strings.ToLower,
	"minute":    minute,
	"overdue":   overdue,
	"percent":   view.Percent,
	"plural":    view.Plural,
	"printable": printable,
	"rfc3339":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"shorten":   shorten,
	"strip":     strip,
	"usage":     usage,
}

// looks has the CSS class and the sign of each state. The sign says the same as the color.
var looks = map[view.State]struct{ class, sign string }{
	view.Fine:          {"fine", "✔"},
	view.Notable:       {"notable", "◐"},
	view.NotReadYet:    {"unread", "…"},
	view.ExportMissing: {"bad", "✖"},
	view.Unreadable:    {"bad", "✖"},
}

// ago formats t relative to now: "3 h ago", "in 2 days".
func ago(now, t time.Time) string {
	age := now.Sub(t)
	switch {
	case age < 0:
		return "in " + view.Span(-age)
	case age < time.Second:
		return "now"
	default:
		return view.Span(age) + " ago"
	}
}

func minute(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.Format(view.Minute)
}

// overdue counts the expectations that are overdue.
func overdue(expectations []view.Expectation) int {
	n := 0
	for _, e := range expectations {
		if e.Overdue {
			n++
		}
	}
	return n
}

// usage formats the usage of a task.
func usage(task view.Task) string {
	if task.Start.IsZero() || task.End.IsZero() {
		return "–"
	}
	return view.Days(task.Start, task.End.Add(time.Second))
}

// describeMonth says how much of a month is covered.
func describeMonth(m view.Month) string {
	text := fmt.Sprintf("%s: %d %% covered", m.Start.Format("January 2006"), view.Percent(m.Covered))
	if m.JudgedFrom.After(m.Start) {
		text += ", judged from " + minute(m.JudgedFrom)
	}
	return text
}

// run is a sequence of days of a month with the same class.
type run struct {
	First, Days int
	Class       string
}

// strip returns the days of a month as runs.
func strip(days []*float64) []run {
	var runs []run
	for i, share := range days {
		class := dayClass(share)
		if last := len(runs) - 1; last >= 0 && runs[last].Class == class {
			runs[last].Days++
		} else {
			runs = append(runs, run{i, 1, class})
		}
	}
	return runs
}

func dayClass(share *float64) string {
	switch {
	case share == nil:
		return "unjudged"
	case *share == 1:
		return "covered"
	case *share > 0:
		return "part"
	default:
		return "missing"
	}
}

// formatDuration formats how long a refresh took: "4 ms", "1.2 s", "3 min".
func formatDuration(s view.Seconds) string {
	d := time.Duration(s)
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	default:
		return view.Span(d)
	}
}

// printable removes unprintable characters, such as those that change the direction of a
// text. It is for titles, which cannot contain a <bdi>.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, text)
}

// shorten cuts a text from the API to 80 characters, and replaces invalid UTF-8.
func shorten(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if runes := []rune(text); len(runes) > 80 {
		return string(runes[:79]) + "…"
	}
	return text
}
