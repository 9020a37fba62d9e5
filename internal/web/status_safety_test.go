package web_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"alicdn_export_exporter/internal/view"
)

var isolated = regexp.MustCompile(`<bdi[^>]*>([^<]*)</bdi>`)

func TestStatusPageTexts(t *testing.T) {
	t.Run("texts from outside are shown as text", func(t *testing.T) {
		const hostile = `<script>alert(1)</script>"'&`
		account := sound(hostile)
		export := &account.Exports[0]
		export.Problems = []view.Problem{{
			Subject: hostile, TaskID: hostile, What: hostile, Advice: hostile, Alert: "X", Needs: hostile,
			Commands: []view.Command{{Line: hostile, Note: hostile}},
		}}
		export.Refreshes[0].Error = hostile
		export.List.Expectations[0].Name = hostile
		export.List.NewestTasks[0].ID = hostile + strings.Repeat("長", 500)
		export.List.NewestTasks[0].Name = hostile + "\xff"
		_, body := page(t, "/", of(account))
		if strings.Contains(body, "<script") || strings.Contains(body, "\xff") {
			t.Errorf("the page contains a script or invalid UTF-8:\n%s", body)
		}
		text := readable(body)
		if n := strings.Count(text, hostile); n < 13 {
			t.Errorf("the text is shown %d times, want it in every place:\n%s", n, text)
		}
		if !strings.Contains(text, hostile+"\uFFFD") || strings.Contains(text, strings.Repeat("長", 100)) {
			t.Errorf("bad bytes are not replaced, or a long text is not cut:\n%s", text)
		}
	})

	// A text written from right to left must not reorder the text around it.
	t.Run("texts from outside are isolated", func(t *testing.T) {
		const override = "\u202E" // The text after it is read from right to left.
		account := sound("account" + override)
		export := &account.Exports[0]
		export.Problems = []view.Problem{{Subject: "subject" + override, TaskID: "task" + override, What: "what" + override, Alert: "X"}}
		export.Refreshes[0].Error = "error" + override
		export.List.Expectations = []view.Expectation{{Name: "expected" + override, Due: time.Now(), Hint: "hint" + override}}
		export.List.NewestTasks[0].ID, export.List.NewestTasks[0].Name = "id"+override, "name"+override
		document := of(account)
		document.Verdict = "verdict" + override
		_, body := page(t, "/", document)
		apart := make(map[string]int)
		for _, text := range isolated.FindAllStringSubmatch(body, -1) {
			apart[strings.Split(text[1], override)[0]]++
		}
		for text, times := range map[string]int{
			"account": 3, "verdict": 1, "subject": 1, "task": 1, "what": 1, "expected": 1, "hint": 1, "error": 1, "id": 1, "name": 1,
		} {
			if apart[text] != times {
				t.Errorf("%q is isolated %d times, want %d:\n%s", text, apart[text], times, body)
			}
		}
		if rest := readable(isolated.ReplaceAllString(body, "")); strings.Contains(rest, override) {
			t.Errorf("not isolated: %q", rest)
		}
	})
}

// The page allows a browser to use only its own style.
func TestStatusPagePolicy(t *testing.T) {
	config := setting(t)
	config.Document = func(time.Time) view.Document { return of(sound("main")) }
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
	for _, forbidden := range []string{"<script", " style=", " on", "src=", "http:"} {
		if strings.Contains(onlyTags, forbidden) {
			t.Errorf("the page holds %q:\n%s", forbidden, answer.Body)
		}
	}
}
