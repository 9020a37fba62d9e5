package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxShown is how many problems an error lists.
const maxShown = 50

// problems collects what is wrong in a file, with the line and the key of each.
type problems struct {
	file   string
	lines  map[string]int  // of each key that is there, by its path
	wrong  map[string]bool // the keys with problems
	unread map[string]bool // those of them whose values cannot be read, so that no more can be said of them
	found  []problem
}

type problem struct {
	line      int
	key, text string
}

func newProblems(file string) *problems {
	return &problems{file: file, lines: make(map[string]int), wrong: make(map[string]bool), unread: make(map[string]bool)}
}

// has reports whether a key is there.
func (p *problems) has(key string) bool { return p.lines[key] > 0 }

// add notes what is wrong with a key. A key that is missing is reported with the
// line of what it is missing from.
func (p *problems) add(key, format string, args ...any) {
	line := 0
	for at := key; ; at = at[:max(0, strings.LastIndex(at, "."))] {
		if p.unread[at] {
			return
		}
		line = cmp.Or(line, p.lines[at])
		if at == "" {
			break
		}
	}
	p.note(cmp.Or(line, 1), key, fmt.Sprintf(format, args...))
}

// refuse notes that a key has a value of the wrong kind.
func (p *problems) refuse(key, text string) {
	p.add(key, "%s", text)
	p.unread[key] = true
}

func (p *problems) note(line int, key, text string) {
	p.wrong[key] = true
	p.found = append(p.found, problem{line, key, text})
}

// err is what was found, in the order of the lines, or nil.
func (p *problems) err() error {
	slices.SortStableFunc(p.found, func(a, b problem) int { return cmp.Compare(a.line, b.line) })
	var errs []error
	for _, problem := range p.found[:min(len(p.found), maxShown)] {
		key := problem.key
		if key != "" {
			key += ": "
		}
		errs = append(errs, fmt.Errorf("%s:%d: %.200s%.400s", p.file, problem.line, key, problem.text)) // A value may be long.
	}
	if more := len(p.found) - maxShown; more > 0 {
		errs = append(errs, fmt.Errorf("%s: and %d more", p.file, more))
	}
	return errors.Join(errs...)
}
