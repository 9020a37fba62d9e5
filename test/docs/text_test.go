package docs_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"
)

func TestREADME(t *testing.T) {
	t.Parallel()
	for _, p := range readPages(t) {
		if lines := bytes.Count(p.source, []byte("\n")); strings.HasPrefix(p.path, "README") && lines > 200 {
			t.Errorf("%s has %d lines, want at most 200", p.path, lines)
		}
	}
}

// Text that is not wrapped is hard to review.
func TestLineLengths(t *testing.T) {
	t.Parallel()
	const most = 160
	for _, p := range readPages(t) {
		unwrappable := make(map[int]bool) // by line
		except := func(node ast.Node) {
			for _, segment := range node.Lines().Sliced(0, node.Lines().Len()) {
				unwrappable[p.line(segment.Start)] = true
			}
		}
		for _, node := range nodes[*ast.FencedCodeBlock](p) {
			except(node)
		}
		for _, node := range nodes[*ast.HTMLBlock](p) {
			except(node)
		}
		for _, node := range nodes[*east.TableCell](p) {
			except(node)
		}
		for i, line := range strings.Split(string(p.source), "\n") {
			if n := utf8.RuneCountInString(line); n > most && !unwrappable[i+1] {
				t.Errorf("%s:%d: %d characters, want at most %d", p.path, i+1, n, most)
			}
		}
	}
}
