package web

import (
	"bytes"
	"net/http"
	"regexp"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"

	"alicdn_export_exporter/docs"
)

// fileLink matches a link to a file of the project. The exporter does not serve these
// files, so only the text of the link is kept.
var fileLink = regexp.MustCompile(`<a href="[^"#:]+(?:#[^"]*)?">(.*?)</a>`)

// alertHeading matches the heading of an alert. Its id is the name in lower case, as in other renderings of
// Markdown.
var alertHeading = regexp.MustCompile(`<h2 id="[a-z]+">(CDNExport\w+)</h2>`)

// newRunbook serves the runbook, whose headings are the names of the alerts.
func newRunbook() (http.Handler, error) {
	markdown := goldmark.New(goldmark.WithExtensions(extension.Table), goldmark.WithParserOptions(parser.WithAutoHeadingID()))
	var text bytes.Buffer
	if err := markdown.Convert(docs.Runbook, &text); err != nil {
		return nil, err
	}
	html := fileLink.ReplaceAllString(text.String(), "$1")
	html = alertHeading.ReplaceAllString(html, `<a id="$1"></a>$0`) // Links in Grafana have the name in its own case.
	body := `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Runbook · alicdn_export_exporter</title>
<style>` + style + `</style>
</head>
<body class="text">
<p><a href="./">Status</a></p>
` + html + "</body>\n</html>\n"
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { writePage(w, []byte(body)) }), nil
}
