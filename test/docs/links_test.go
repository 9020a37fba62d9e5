package docs_test

import (
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/yuin/goldmark/ast"
)

// link is the target of a link or an image.
type link struct {
	target string
	line   int
}

// htmlTarget is the file that an HTML element in Markdown shows.
var htmlTarget = regexp.MustCompile(`(?:src|srcset|href)="([^"]*)"`)

// links returns the targets of all links and images of a page.
func (p page) links() []link {
	var links []link
	add := func(target string, offset int) { links = append(links, link{target, p.line(offset)}) }
	for _, node := range nodes[*ast.Link](p) {
		add(string(node.Destination), node.Pos())
	}
	for _, node := range nodes[*ast.Image](p) {
		add(string(node.Destination), node.Pos())
	}
	for _, node := range nodes[*ast.HTMLBlock](p) {
		for _, match := range htmlTarget.FindAllStringSubmatch(p.lines(node), -1) {
			add(match[1], node.Lines().At(0).Start)
		}
	}
	return links
}

// Every relative link leads to a file that exists, and to a heading that exists.
func TestLinks(t *testing.T) {
	t.Parallel()
	pages := readPages(t)
	anchors := make(map[string][]string)
	for _, p := range pages {
		anchors[p.path] = p.anchors()
	}
	count := 0
	for _, p := range pages {
		for _, link := range p.links() {
			count++
			if problem := broken(p.path, link.target, anchors); problem != "" {
				t.Errorf("%s:%d: %s: %s", p.path, link.line, link.target, problem)
			}
		}
	}
	if count < 50 {
		t.Errorf("only %d links were found", count)
	}
}

// broken says what is wrong with a link on a page. anchors has the anchors of each page.
func broken(from, target string, anchors map[string][]string) string {
	address, err := url.Parse(target)
	switch {
	case err != nil:
		return err.Error()
	case address.Scheme == "http" && address.Hostname() != "localhost":
		return "not encrypted"
	case address.Scheme != "":
		return "" // The test makes no connection.
	case strings.HasPrefix(address.Path, "/"):
		return "not a relative path"
	}
	file := from
	if address.Path != "" {
		file = path.Join(path.Dir(from), address.Path)
	}
	if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(file))); err != nil {
		return "no such file"
	}
	if address.Fragment != "" && !slices.Contains(anchors[file], address.Fragment) {
		return "no such heading"
	}
	return ""
}

func TestBroken(t *testing.T) {
	t.Parallel()
	anchors := map[string][]string{"docs/scale.md": {"here"}, "README.md": {"there"}}
	for target, want := range map[string]string{
		"../README.md":           "",
		"../README.md#there":     "",
		"../README.md#nowhere":   "no such heading",
		"#here":                  "",
		"#there":                 "no such heading",
		"README.md":              "no such file",
		"/README.md":             "not a relative path",
		"https://example.com/":   "",
		"http://example.com/":    "not encrypted",
		"http://localhost:10077": "",
	} {
		if got := broken("docs/scale.md", target, anchors); got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
}

// Every page in docs/ can be reached from the README.
func TestEveryPageIsLinked(t *testing.T) {
	t.Parallel()
	pages := readPages(t)
	reached := map[string]bool{"README.md": true}
	for range pages {
		for _, p := range pages {
			if !reached[p.path] {
				continue
			}
			for _, link := range p.links() {
				file, _, _ := strings.Cut(link.target, "#")
				reached[path.Join(path.Dir(p.path), file)] = true
			}
		}
	}
	for _, p := range pages {
		if !reached[p.path] && strings.HasPrefix(p.path, "docs/") {
			t.Errorf("no page that the README leads to links to %s", p.path)
		}
	}
}

// The pages that the program's texts name exist.
func TestPagesInTexts(t *testing.T) {
	t.Parallel()
	count := 0
	err := filepath.WalkDir(filepath.Join(root, "internal"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, name := range regexp.MustCompile(`\bdocs/[a-z/-]+\.[a-z.]+[a-z]`).FindAllString(string(source), -1) {
			count++
			if _, err := os.Stat(filepath.Join(root, name)); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
		return nil
	})
	if err != nil || count == 0 {
		t.Errorf("%d names, %v", count, err)
	}
}
