package docs_test

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"
)

// findPage returns a page by its path.
func findPage(t *testing.T, path string) page {
	t.Helper()
	for _, p := range readPages(t) {
		if p.path == path {
			return p
		}
	}
	t.Fatalf("%s does not exist", path)
	return page{}
}

// A Chinese page and its English page link to each other in the paragraph below their titles.
func TestLanguageSwitch(t *testing.T) {
	t.Parallel()
	count := 0
	for _, chinese := range readPages(t) {
		if !strings.HasPrefix(chinese.path, "docs/zh/") && chinese.path != "README.zh-CN.md" {
			continue
		}
		count++
		there := chinese.switchLink("English")
		if there == "" {
			t.Errorf("%s has no link to an English page", chinese.path)
			continue
		}
		english := findPage(t, path.Join(path.Dir(chinese.path), there))
		if back := english.switchLink("简体中文"); path.Join(path.Dir(english.path), back) != chinese.path {
			t.Errorf("%s links to %q, want %s", english.path, back, chinese.path)
		}
	}
	if count < 4 {
		t.Errorf("%d Chinese pages", count)
	}
}

// switchLink returns the target of a link in the first paragraph.
func (p page) switchLink(label string) string {
	title := p.tree.FirstChild()
	if title == nil || title.NextSibling() == nil {
		return ""
	}
	for node := title.NextSibling().FirstChild(); node != nil; node = node.NextSibling() {
		if link, ok := node.(*ast.Link); ok && p.plain(link) == label {
			return string(link.Destination)
		}
	}
	return ""
}

// The Chinese page about alerts has a row for each alert.
func TestChineseAlerts(t *testing.T) {
	t.Parallel()
	chinese := findPage(t, "docs/zh/alerts.md")
	for _, alert := range readNames(t).alerts {
		if !strings.Contains(string(chinese.source), "\n| "+alert+" |") {
			t.Errorf("%s has no row for %s", chinese.path, alert)
		}
	}
}

// The values in the tables of the Chinese pages are those of the English pages.
func TestChineseValues(t *testing.T) {
	t.Parallel()
	chinese := findPage(t, "docs/zh/configuration.md").rows("参数")
	english := findPage(t, "docs/configuration.md").rows("flag")
	count := 0
	for key, row := range chinese {
		if original, ok := english[key]; ok && strings.HasPrefix(key, "--") {
			count++
			if value := strings.ReplaceAll(row[1], "无", ""); value != original[1] {
				t.Errorf("%s is %q, want %q", key, value, original[1])
			}
		}
	}
	if count < 5 {
		t.Errorf("%d flags", count)
	}

	// The kinds of accounts have other names, but the same settings in the same order.
	settings := func(path, header string) []string {
		content := string(findPage(t, path).source)
		_, table, _ := strings.Cut(content, "| "+header+" |")
		table, _, _ = strings.Cut(table, "\n\n")
		return regexp.MustCompile("`[^`]+`").FindAllString(table, -1)
	}
	got := settings("docs/zh/configuration.md", "账号的导出方式")
	want := settings("docs/recommended-settings.md", "the account exports")
	if len(want) < 8 || !slices.Equal(got, want) {
		t.Errorf("settings for kinds of accounts are %q, want %q", got, want)
	}
}

// rows returns the rows of the tables that have this text in the first cell of their header, by the text in the first
// cell of the row.
func (p page) rows(header string) map[string][]string {
	cells := func(row ast.Node) (cells []string) {
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			cells = append(cells, p.plain(cell))
		}
		return cells
	}
	rows := make(map[string][]string)
	for _, table := range nodes[*east.Table](p) {
		first := table.FirstChild()
		if cells(first)[0] != header {
			continue
		}
		for row := first.NextSibling(); row != nil; row = row.NextSibling() {
			rows[cells(row)[0]] = cells(row)
		}
	}
	return rows
}
