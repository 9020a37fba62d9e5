package config

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// problems collects what is wrong in a file, with the line and the key of each.
type problems struct {
	file  string
	lines map[string]int // of each key, by its path
	found []problem
}

type problem struct {
	line      int
	key, text string
}

// index notes the lines of all keys below a node.
func (p *problems) index(node *yaml.Node, path string) {
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := strings.TrimPrefix(path+"."+node.Content[i].Value, ".")
			p.lines[key] = node.Content[i].Line
			p.index(node.Content[i+1], key)
		}
	case yaml.SequenceNode:
		for i, child := range node.Content {
			key := fmt.Sprintf("%s[%d]", path, i)
			p.lines[key] = child.Line
			p.index(child, key)
		}
	default:
		for _, child := range node.Content {
			p.index(child, path)
		}
	}
}

// has reports whether a key is there.
func (p *problems) has(key string) bool { return p.lines[key] > 0 }

// add notes what is wrong with a key. A key that is missing is reported with the
// line of what it is missing from.
func (p *problems) add(key, format string, args ...any) {
	line := 0
	for at := key; line == 0 && at != ""; at = at[:max(0, strings.LastIndex(at, "."))] {
		line = p.lines[at]
	}
	p.found = append(p.found, problem{max(line, 1), key, fmt.Sprintf(format, args...)})
}

var (
	unknownKey = regexp.MustCompile(`^line (\d+): field (.+) not found in type .*$`)
	wrongType  = regexp.MustCompile(`^line (\d+): cannot unmarshal (.+) into (.+)$`)
	otherwise  = regexp.MustCompile(`^line (\d+): (.+)$`)
)

// mismatch notes an error of the YAML library's own.
func (p *problems) mismatch(text string) {
	if m := unknownKey.FindStringSubmatch(text); m != nil {
		p.found = append(p.found, problem{lineNumber(m[1]), m[2], "is not a known key"})
	} else if m := wrongType.FindStringSubmatch(text); m != nil {
		p.found = append(p.found, problem{lineNumber(m[1]), p.keyAt(lineNumber(m[1])), "is not " + kind(m[3])})
	} else if m := otherwise.FindStringSubmatch(text); m != nil {
		p.found = append(p.found, problem{lineNumber(m[1]), p.keyAt(lineNumber(m[1])), m[2]})
	} else {
		p.add("", "%s", text)
	}
}

func lineNumber(text string) int {
	n, _ := strconv.Atoi(text) // The expressions match digits only.
	return n
}

// keyAt is the innermost key of a line.
func (p *problems) keyAt(line int) string {
	innermost := ""
	for key, at := range p.lines {
		if at == line && len(key) > len(innermost) {
			innermost = key
		}
	}
	return innermost
}

func kind(goType string) string {
	switch {
	case goType == "string":
		return "a text"
	case goType == "float64":
		return "a number"
	case strings.HasPrefix(goType, "[]"):
		return "a list"
	default:
		return "a mapping"
	}
}

// err is all that was found, in the order of the lines, or nil.
func (p *problems) err() error {
	slices.SortStableFunc(p.found, func(a, b problem) int { return cmp.Compare(a.line, b.line) })
	var errs []error
	for _, problem := range p.found {
		if problem.key == "" {
			errs = append(errs, fmt.Errorf("%s:%d: %s", p.file, problem.line, problem.text))
		} else {
			errs = append(errs, fmt.Errorf("%s:%d: %s: %s", p.file, problem.line, problem.key, problem.text))
		}
	}
	return errors.Join(errs...)
}
