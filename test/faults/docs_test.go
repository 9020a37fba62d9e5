package faults_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestReliability compares docs/reliability.md with the tests that it names and with the faults.
func TestReliability(t *testing.T) {
	t.Parallel()
	docs := filepath.Join(root, "docs")
	content, err := os.ReadFile(filepath.Join(docs, "reliability.md"))
	if err != nil {
		t.Fatal(err)
	}
	t.Run("names tests that exist", func(t *testing.T) {
		links := regexp.MustCompile("\\[`((?:Test|Fuzz)\\w+)`\\]\\(([^)]+)\\)").FindAllStringSubmatch(string(content), -1)
		if len(links) < 40 {
			t.Errorf("%d tests are named", len(links))
		}
		for _, link := range links {
			code, err := os.ReadFile(filepath.Join(docs, filepath.FromSlash(link[2])))
			if err != nil || !regexp.MustCompile(`(?m)^func `+link[1]+`\(`).Match(code) {
				t.Errorf("%s is not in %s: %v", link[1], link[2], err)
			}
		}
	})
	t.Run("has all faults in its table", func(t *testing.T) {
		named := make(map[string]bool)
		for _, row := range regexp.MustCompile("(?m)^\\| \\d+ \\| `(\\w+)` \\|").FindAllStringSubmatch(string(content), -1) {
			named[row[1]] = true
		}
		for _, f := range newMatrix().faults {
			if !named[f.name] {
				t.Errorf("%s is missing: run this test with -all -update", f.name)
			}
			delete(named, f.name)
		}
		for name := range named {
			t.Errorf("%s is no fault any more", name)
		}
	})
}
