package web_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"alicdn_export_exporter/internal/view"
)

// A scrape waits for a limited time, whatever the header says.
func FuzzScrapeTimeout(f *testing.F) {
	for _, header := range []string{"", "10", "0.001", "NaN", "Inf", "-1", "1e300", "1e-300", "0x1p4", "3600", "3601", "10,5", "9e9"} {
		f.Add(header)
	}
	var left time.Duration
	config := setting(f)
	config.Refresher = refreshFunc(func(ctx context.Context) {
		deadline, _ := ctx.Deadline() // Without one, left is negative.
		left = time.Until(deadline)
	})
	handler := newHandler(f, config)
	f.Fuzz(func(t *testing.T, header string) {
		answer := ask(handler, http.MethodGet, "/metrics", "X-Prometheus-Scrape-Timeout-Seconds", header)
		if answer.Code != http.StatusOK || left < -time.Minute || left > time.Hour {
			t.Errorf("%q: status %d, a scrape waits for %s", header, answer.Code, left)
		}
	})
}

// A text from outside is shown as text, and changes nothing else on the page.
func FuzzStatusPage(f *testing.F) {
	for _, text := range []string{
		"", "usage-2026-10", `<script>alert(1)</script>`, `"'&<>`, "\xff\x00\u2028\u202e", "</bdi><bdi>", `" onload="x`, "javascript:x",
		strings.Repeat("長", 300), "{{.}}", "<!--", "]]>", "</style><style>*{}",
	} {
		f.Add(text)
	}
	var text string
	config := setting(f)
	config.Document = func(time.Time) view.Document {
		valid := strings.ToValidUTF8(text, "") // The configuration and the client ensure it.
		account := sound("a" + valid)
		export := &account.Exports[0]
		export.Problems = []view.Problem{{
			Subject: "s" + text, TaskID: "t" + text, What: "w" + valid, Advice: "d" + valid, Alert: "X",
			Commands: []view.Command{{Line: "c" + valid, Note: "o" + valid}}, Needs: "k" + valid,
		}}
		export.Refreshes[0].Error = "e" + valid
		export.List.Expectations[0].Name, export.List.Expectations[0].Hint = "x"+valid, "h"+valid
		export.List.NewestTasks[0].ID, export.List.NewestTasks[0].Name = "i"+text, "n"+text
		document := of(account)
		document.Verdict = "v" + valid
		return document
	}
	handler := newHandler(f, config)
	show := func(shown string) string {
		text = shown
		return ask(handler, http.MethodGet, "/").Body.String()
	}
	want := show("harmless")
	f.Fuzz(func(t *testing.T, text string) {
		got := show(text)
		for _, char := range []string{"<", ">", `"`} {
			if n, harmless := strings.Count(got, char), strings.Count(want, char); n != harmless {
				t.Errorf("%q: the page has %s %d times, %d with a harmless text", text, char, n, harmless)
			}
		}
		if !utf8.ValidString(got) || strings.Contains(got, "\x00") {
			t.Errorf("%q: the page is no valid text", text)
		}
	})
}
