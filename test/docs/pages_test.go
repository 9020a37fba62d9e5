// Package docs_test tests the Markdown pages: their links, their examples, the names in them, and their commands.
package docs_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// root is the root of the repository.
const root = "../.."

// page is a Markdown file.
type page struct {
	path   string // relative to the root, with slashes
	source []byte
	tree   ast.Node
}

// readPages returns all Markdown pages of the repository.
func readPages(t *testing.T) []page {
	t.Helper()
	var pages []page
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && slices.Contains([]string{".git", ".tools", "node_modules"}, entry.Name()) {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".md" {
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		pages = append(pages, newPage(filepath.ToSlash(name), source))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(pages) < 10 {
		t.Fatalf("%d pages", len(pages))
	}
	return pages
}

func newPage(path string, source []byte) page {
	markdown := goldmark.New(goldmark.WithExtensions(extension.GFM))
	return page{path: path, source: source, tree: markdown.Parser().Parse(text.NewReader(source))}
}

// nodes returns the nodes of a page that have the type N.
func nodes[N ast.Node](p page) []N {
	var found []N
	_ = ast.Walk(p.tree, func(node ast.Node, entering bool) (ast.WalkStatus, error) { // No call returns an error.
		if n, ok := node.(N); ok && entering {
			found = append(found, n)
		}
		return ast.WalkContinue, nil
	})
	return found
}

// lines returns the text of a block, such as the code between two fences.
func (p page) lines(node ast.Node) string {
	var b bytes.Buffer
	for _, segment := range node.Lines().Sliced(0, node.Lines().Len()) {
		b.Write(segment.Value(p.source))
	}
	return b.String()
}

// line returns the number of the line at an offset.
func (p page) line(offset int) int { return 1 + bytes.Count(p.source[:offset], []byte("\n")) }

// anchors returns the anchors that GitHub gives to the page's headings.
func (p page) anchors() []string {
	var anchors []string
	for _, heading := range nodes[*ast.Heading](p) {
		anchor := slug(p.plain(heading))
		for base, n := anchor, 1; slices.Contains(anchors, anchor); n++ {
			anchor = fmt.Sprintf("%s-%d", base, n)
		}
		anchors = append(anchors, anchor)
	}
	return anchors
}

// plain returns the text of a node without markup.
func (p page) plain(node ast.Node) string {
	var b strings.Builder
	for child := node.FirstChild(); child != nil; child = child.NextSibling() {
		if segment, ok := child.(*ast.Text); ok {
			b.Write(segment.Value(p.source))
		} else {
			b.WriteString(p.plain(child))
		}
	}
	return b.String()
}

// slug returns the anchor of a heading: lower case, without punctuation, with a hyphen for each space.
func slug(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			return unicode.ToLower(r)
		default:
			return -1
		}
	}, heading)
}

func TestSlug(t *testing.T) {
	t.Parallel()
	for heading, want := range map[string]string{
		"Grant one permission":      "grant-one-permission",
		"CDNExportExporterAbsent":   "cdnexportexporterabsent",
		"usage or `usage_detail`?":  "usage-or-usage_detail",
		"TLS, passwords – and keys": "tls-passwords--and-keys",
		"为什么没有指标？":                  "为什么没有指标",
	} {
		p := newPage("page.md", []byte("# "+heading+"\n"))
		if got := p.anchors(); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: anchors %q, want %q", heading, got, want)
		}
	}
}
