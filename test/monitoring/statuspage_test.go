package monitoring

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// statusPage is what the tests read of the status page.
type statusPage struct {
	alerts   []string // in the form of document.alerts
	commands []string
}

// parsePage reads the problems and the commands of a status page. sections maps the ids of the runbook's sections to the
// names of the alerts.
func parsePage(t *testing.T, text string, sections map[string]string) statusPage {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var p statusPage
	found := make(map[string]bool)
	for section := range root.Descendants() {
		if !is(section, atom.Section, "problems") {
			continue
		}
		var account, export string
		for node := range section.Descendants() {
			switch {
			case is(node, atom.H2, ""):
				account, export = "", ""
				for part := range node.Descendants() {
					switch {
					case is(part, atom.Bdi, ""):
						account = content(part)
					case is(part, atom.Span, "export"):
						export = content(part)
					}
				}
			case is(node, atom.Div, "problem"):
				found[readProblem(t, node, sections).name(account, export)] = true
			case is(node, atom.Pre, "command"):
				p.commands = append(p.commands, content(node))
			}
		}
	}
	p.alerts = sortedKeys(found)
	return p
}

// readProblem reads the kind and the subject of a problem. The link to the runbook tells the kind.
func readProblem(t *testing.T, node *html.Node, sections map[string]string) problem {
	t.Helper()
	var p problem
	for part := range node.Descendants() {
		switch {
		case is(part, atom.Strong, ""):
			p.Subject = content(part)
		case is(part, atom.A, ""):
			_, anchor, _ := strings.Cut(attribute(part, "href"), "#")
			p.Alert = sections[anchor]
		}
	}
	if p.Alert == "" {
		t.Errorf("a problem links to no section of the runbook: %s", content(node))
	}
	p.Kind = map[string]string{"CDNExportExpectationOverdue": "overdue", "CDNExportMonthUncovered": "month_missing"}[p.Alert]
	return p
}

// is reports whether a node is an element with a class; an empty class is any.
func is(node *html.Node, element atom.Atom, class string) bool {
	return node.DataAtom == element && (class == "" || slices.Contains(strings.Fields(attribute(node, "class")), class))
}

func attribute(node *html.Node, name string) string {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// content returns the text of a node.
func content(node *html.Node) string {
	var b strings.Builder
	for child := range node.Descendants() {
		if child.Type == html.TextNode {
			b.WriteString(child.Data)
		}
	}
	return b.String()
}
