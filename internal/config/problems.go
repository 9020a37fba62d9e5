package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// problems collects what is wrong in a file, with the line and the key of each.
type problems struct {
	file  string
	lines map[string]int        // of each key, by its path
	nodes map[string]*yaml.Node // the value of each key
	found []problem
}

type problem struct {
	line      int
	key, text string
	unread    bool // the value has the wrong type, so that nothing more can be said of it
}

// unreadable is the error for a text that is no YAML at all.
func (p *problems) unreadable(err error) error {
	return fmt.Errorf("%s: %s", p.file, strings.TrimPrefix(err.Error(), "yaml: "))
}

// index notes the lines of all keys below a node, as they are written: what an
// alias stands for is not followed, it may have no end.
func (p *problems) index(node *yaml.Node, path string) {
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := strings.TrimPrefix(path+"."+node.Content[i].Value, ".")
			p.lines[key], p.nodes[key] = node.Content[i].Line, node.Content[i+1]
			p.index(node.Content[i+1], key)
		}
	case yaml.SequenceNode:
		for i, child := range node.Content {
			key := fmt.Sprintf("%s[%d]", path, i)
			p.lines[key], p.nodes[key] = child.Line, child
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
	for _, known := range p.found {
		if known.unread && (within(key, known.key) || within(known.key, key)) {
			return
		}
	}
	line := 0
	for at := key; line == 0 && at != ""; at = at[:max(0, strings.LastIndex(at, "."))] {
		line = p.lines[at]
	}
	p.found = append(p.found, problem{line: max(line, 1), key: key, text: fmt.Sprintf(format, args...)})
}

// within reports whether a key is another one or below it.
func within(key, other string) bool {
	below, found := strings.CutPrefix(key, other)
	return found && (below == "" || below[0] == '.' || below[0] == '[')
}

var (
	unknownKey = regexp.MustCompile(`^line (\d+): field (.+) not found in type .*$`)
	wrongType  = regexp.MustCompile(`^line (\d+): cannot unmarshal (.+) into (.+)$`)
	otherwise  = regexp.MustCompile(`^line (\d+): (.+)$`)
)

// mismatch notes an error of the YAML library's own.
func (p *problems) mismatch(text string) {
	if m := unknownKey.FindStringSubmatch(text); m != nil {
		p.found = append(p.found, problem{line: lineNumber(m[1]), key: m[2], text: "is not a known key"})
	} else if m := wrongType.FindStringSubmatch(text); m != nil {
		p.found = append(p.found, problem{lineNumber(m[1]), p.keyAt(lineNumber(m[1]), m[2]), "is not " + kind(m[3]), true})
	} else if m := otherwise.FindStringSubmatch(text); m != nil {
		p.found = append(p.found, problem{lineNumber(m[1]), p.keyAt(lineNumber(m[1]), ""), m[2], true})
	} else {
		p.add("", "%s", text)
	}
}

func lineNumber(text string) int {
	n, _ := strconv.Atoi(text) // The expressions match digits only.
	return n
}

// keyAt is the innermost key of a line, of those whose value the YAML library would
// call by this name, where there is one.
func (p *problems) keyAt(line int, value string) string {
	innermost, named := "", false
	for _, key := range slices.Sorted(maps.Keys(p.nodes)) {
		node := p.nodes[key]
		is := nameOf(node) == value
		if node.Line == line && (is && !named || is == named && len(key) > len(innermost)) {
			innermost, named = key, is
		}
	}
	return innermost
}

// nameOf is how the YAML library's errors name a value.
func nameOf(node *yaml.Node) string {
	switch tag := node.ShortTag(); {
	case node.Kind != yaml.ScalarNode:
		return tag
	case len(node.Value) > 10:
		return tag + " `" + node.Value[:7] + "...`"
	default:
		return tag + " `" + node.Value + "`"
	}
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
