package web_test

import (
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"alicdn_export_exporter/collector"
)

var isolated = regexp.MustCompile(`<bdi[^>]*>([^<]*)</bdi>`)

func TestStatusPageTexts(t *testing.T) {
	t.Run("texts from outside are shown as text", func(t *testing.T) {
		const hostile = `<script>alert(1)</script>"'&`
		s := sound(hostile)
		s.Up = false
		s.Refreshes[0].Err = errors.New(hostile)
		s.Report.Expectations[0].Name = hostile
		s.Report.NewestTasks[0].ID = hostile + strings.Repeat("長", 500)
		s.Report.NewestTasks[0].Name = hostile + "\xff"
		_, body := page(t, "/", s)
		if strings.Contains(body, "<script") || strings.Contains(body, "\xff") {
			t.Errorf("the page contains a script or invalid UTF-8:\n%s", body)
		}
		text := readable(body)
		if n := strings.Count(text, hostile); n < 6 {
			t.Errorf("the text is shown %d times, want it as account, expectation, error, id and name:\n%s", n, text)
		}
		if !strings.Contains(text, hostile+"\uFFFD") || strings.Contains(text, strings.Repeat("長", 100)) {
			t.Errorf("bad bytes are not replaced, or a long text is not cut:\n%s", text)
		}
	})

	// A text written from right to left must not reorder the text around it.
	t.Run("texts from outside are isolated", func(t *testing.T) {
		const override = "\u202E" // The text after it is read from right to left.
		s := sound("account" + override)
		s.Up = false
		s.Refreshes[0].Err = errors.New("error" + override)
		s.Report.Expectations = []collector.ExpectationReport{
			{Name: "expected" + override, Due: time.Now().Add(-time.Hour), Overdue: true},
		}
		s.Report.NewestTasks[0].ID, s.Report.NewestTasks[0].Name = "id"+override, "name"+override
		_, body := page(t, "/?account=account%E2%80%AE", s)
		apart := make(map[string]int)
		for _, text := range isolated.FindAllStringSubmatch(body, -1) {
			apart[strings.Split(text[1], override)[0]]++
		}
		for text, times := range map[string]int{"account": 3, "expected": 2, "error": 1, "The last refresh failed: error": 1, "id": 1, "name": 1} {
			if apart[text] != times {
				t.Errorf("%q is isolated %d times, want %d:\n%s", text, apart[text], times, body)
			}
		}
		if rest := readable(isolated.ReplaceAllString(body, "")); strings.Contains(rest, override) {
			t.Errorf("not isolated: %q", rest)
		}
	})
}

// The page allows a browser nothing but its own style.
func TestStatusPagePolicy(t *testing.T) {
	config := setting(t)
	config.Statuses = func(time.Time) []collector.ExportStatus { return []collector.ExportStatus{sound("main")} }
	answer := ask(newHandler(t, config), http.MethodGet, "/")
	policy := regexp.MustCompile(`^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; ` +
		`base-uri 'none'; form-action 'none'; frame-ancestors 'none'$`)
	if got := answer.Header().Get("Content-Security-Policy"); !policy.MatchString(got) {
		t.Errorf("the policy is %q", got)
	}
	for header, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "X-Content-Type-Options": "nosniff",
		"Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
	} {
		if got := answer.Header().Get(header); got != want {
			t.Errorf("%s is %q, want %q", header, got, want)
		}
	}
	onlyTags := regexp.MustCompile(`(?s)<style>.*</style>|>[^<]*<`).ReplaceAllString(answer.Body.String(), "><")
	for _, forbidden := range []string{"<script", " style=", " on", "src=", "http:", "https:"} {
		if strings.Contains(onlyTags, forbidden) {
			t.Errorf("the page holds %q:\n%s", forbidden, answer.Body)
		}
	}
}
