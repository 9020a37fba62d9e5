package config

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"alicdn_export_exporter/internal/coverage"
	"alicdn_export_exporter/internal/credentials"
)

// maxMistakes bounds the mistakes that an error lists.
const maxMistakes = 50

// mistakes collects the mistakes in a file, each with its line and key.
type mistakes struct {
	file  string
	found []mistake
	keys  map[string]bool // with a mistake
	above map[string]bool // the parents of those keys

	loadErrors int // number of load errors, including those that aliases repeat

	lines  map[string]int      // of each key, by its path
	names  map[position]string // the path of the key that is written at a position
	values map[position]string // the path of the key whose value begins at a position
}

func newMistakes(file string) *mistakes {
	return &mistakes{
		file: file, keys: make(map[string]bool), above: make(map[string]bool),
		lines: make(map[string]int), names: make(map[position]string), values: make(map[position]string),
	}
}

type mistake struct {
	line        int // 0 if it is not known
	key, reason string
}

type position struct{ line, column int }

// parse returns the document in a YAML text; nil if there is none or if the text is not
// YAML.
func (m *mistakes) parse(content []byte) *yaml.Node {
	var documents []yaml.Node
	if err := yaml.Load(content, &documents, yaml.WithAllDocuments()); err != nil {
		m.syntax(err, string(content))
		return nil
	}
	if len(documents) == 0 {
		m.note(1, "accounts", "must list at least one account")
		return nil
	}
	if len(documents) > 1 {
		m.note(documents[1].Line, "", "only one document is allowed")
	}
	m.index(&documents[0], "")
	return &documents[0]
}

// index records where each key is, and notes keys without a value.
func (m *mistakes) index(node *yaml.Node, path string) {
	if path == "" || m.values[at(node)] == "" {
		m.values[at(node)] = path
	}
	switch node.Kind { //nolint:exhaustive // Other kinds have no keys; what an alias stands for is indexed at its anchor.
	case yaml.DocumentNode:
		for _, child := range node.Content {
			m.index(child, path)
		}
	case yaml.MappingNode:
		first := make(map[string]int) // the line of each name
		for i := 0; i+1 < len(node.Content); i += 2 {
			name, value := node.Content[i], node.Content[i+1]
			child := strings.TrimPrefix(path+"."+printable(name.Value), ".")
			m.names[at(name)] = child
			m.lines[child] = name.Line
			if line, ok := first[name.Value]; ok {
				m.add(child, fmt.Sprintf("duplicate key (first on line %d)", line))
				continue
			}
			first[name.Value] = name.Line
			if isEmpty(value) {
				m.add(child, "must not be empty")
			}
			m.index(value, child)
		}
	case yaml.SequenceNode:
		for i, item := range node.Content {
			child := fmt.Sprintf("%s[%d]", path, i)
			m.lines[child] = item.Line
			if isBlank(item) {
				m.add(child, "must not be empty")
			}
			m.index(item, child)
		}
	case yaml.ScalarNode:
		if node.ShortTag() == "!!binary" { // It could hold text that is not UTF-8.
			m.add(path, "must be plain text")
		}
	}
}

// load reads a node into a struct. Mistakes are noted. The library's own check for
// duplicate keys is off, because it compares every key with every other.
func (m *mistakes) load(node *yaml.Node, into any) {
	m.collect(node.Load(into, strict, yaml.WithUniqueKeys(false)))
}

// strict refuses unknown keys.
var strict = yaml.WithKnownFields()

func at(node *yaml.Node) position { return position{node.Line, node.Column} }

// isEmpty reports whether a node is blank, or a mapping without keys.
func isEmpty(node *yaml.Node) bool {
	return node.Kind == yaml.MappingNode && len(node.Content) == 0 || isBlank(node)
}

func isBlank(node *yaml.Node) bool {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	return node.Kind == yaml.ScalarNode && (node.ShortTag() == "!!null" || strings.TrimSpace(node.Value) == "")
}

// printable returns a text on one line.
func printable(text string) string {
	quoted := strconv.Quote(text)
	return quoted[1 : len(quoted)-1]
}

// readable reports whether the value of a key was read correctly: neither the key nor one
// above or below it has a mistake.
func (m *mistakes) readable(key string) bool {
	if m.above[key] || m.keys[""] {
		return false
	}
	for ; key != ""; key = parent(key) {
		if m.keys[key] {
			return false
		}
	}
	return true
}

// add notes a mistake of a readable key. The line is the key's or, if the key is missing, that of the nearest
// key above it.
func (m *mistakes) add(key, reason string) {
	if !m.readable(key) {
		return
	}
	line := 1
	for above := key; above != ""; above = parent(above) {
		if m.lines[above] > 0 {
			line = m.lines[above]
			break
		}
	}
	m.note(line, key, reason)
}

// parent returns the key above a key, "" for the topmost.
func parent(key string) string { return key[:max(0, strings.LastIndexAny(key, ".["))] }

func (m *mistakes) note(line int, key, reason string) {
	if key != "" {
		m.keys[key] = true
		for above := parent(key); above != ""; above = parent(above) {
			m.above[above] = true
		}
	}
	m.found = append(m.found, mistake{line, key, reason})
}

// collect notes the errors of loading a part of the document.
func (m *mistakes) collect(err error) {
	switch e := err.(type) { //nolint:errorlint // It walks the tree of errors.
	case nil:
	case *yaml.LoadErrors:
		for _, one := range e.Errors {
			m.collect(one)
		}
	case *yaml.LoadError:
		if _, nested := errors.AsType[*yaml.LoadErrors](e.Unwrap()); nested {
			m.collect(e.Unwrap())
		} else {
			m.construct(e)
		}
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			m.collect(one)
		}
	default:
		m.note(0, "", e.Error())
	}
}

var (
	unknownField = regexp.MustCompile(`(?s)^field .* not found in type (.+)$`)
	wrongKind    = regexp.MustCompile(`(?s)^cannot construct .* into (.+)$`)
	// A list's hyphen counts as indentation.
	indentedWithTab = regexp.MustCompile(`^[ -]*\t`)
	unknownAnchor   = regexp.MustCompile(`^unknown anchor .* referenced$`)
)

// construct notes an error about a value. The library's own messages are replaced: they
// name Go types and quote values, which may be misplaced secrets.
func (m *mistakes) construct(err *yaml.LoadError) {
	m.loadErrors++
	where := position{err.Mark.Line, err.Mark.Column}
	key, reason := m.values[where], err.Message
	if match := wrongKind.FindStringSubmatch(reason); match != nil {
		reason = "must be a " + kindOf(match[1])
	} else if match := unknownField.FindStringSubmatch(reason); match != nil && m.names[where] != "" && !m.keys[""] {
		m.unknownKey(m.names[where], match[1])
		return
	}
	if m.keys[""] {
		return
	}
	if key == "" {
		m.note(where.line, "", reason)
		m.keys[""] = true // Nothing below it is readable.
		return
	}
	m.add(key, reason)
	if strings.HasSuffix(key, ".<<") {
		m.keys[parent(key)] = true // The merge failed, so the parent is incomplete.
	}
}

// unknownKey notes a key that the Go type of its parent does not have.
func (m *mistakes) unknownKey(key, parentType string) {
	name := strings.TrimPrefix(key, parent(key)+".")
	settings := credentials.SettingsOfSecret(name)
	if len(settings) == 0 {
		m.add(key, "unknown key"+didYouMean(name, keysOf(parentType)))
		return
	}
	m.add(key, "secrets do not go into this file: use "+strings.Join(settings, " or "))
	for _, setting := range settings { // Do not report that they are missing, too.
		m.keys[parent(key)+"."+setting] = true
	}
}

// keysOf returns the keys of the mapping that a Go type is read from.
func keysOf(goType string) []string {
	var keys []string
	for _, mapping := range []any{file{}, Account{}, coverage.Limits{}, credentials.Config{}, coverage.Expectation{}} {
		if t := reflect.TypeOf(mapping); t.String() == goType {
			for field := range t.Fields() {
				keys = append(keys, field.Tag.Get("yaml"))
			}
		}
	}
	return keys
}

// kindOf names the kind of value that a Go type is read from.
func kindOf(goType string) string {
	switch {
	case strings.HasPrefix(goType, "[]"):
		return "list"
	case len(keysOf(goType)) > 0:
		return "mapping"
	default:
		return "single value"
	}
}

// syntax notes why a text is not YAML.
func (m *mistakes) syntax(err error, content string) {
	var loadErr *yaml.LoadError
	if !errors.As(err, &loadErr) {
		m.note(0, "", err.Error())
		return
	}
	reason := loadErr.Message
	if unknownAnchor.MatchString(reason) {
		reason = "unknown anchor; put a value that begins with * into quotes"
	} else if loadErr.ContextMsg != "" {
		reason += ", " + loadErr.ContextMsg
		if strings.HasPrefix(loadErr.ContextMsg, "while parsing a block") {
			reason += "; check the indentation and the brackets here and above"
		}
	}
	lines := strings.Split(strings.TrimSuffix(content, "\n"), "\n")
	line := min(cmp.Or(loadErr.Mark.Line, unreadableLine(content)), len(lines)) // The end of the text is a line below it.
	if line > 0 && indentedWithTab.MatchString(lines[line-1]) {
		reason = "tabs are not allowed; indent with spaces"
	}
	m.note(line, "", reason)
}

// unreadableLine returns the number of the first line with a character that YAML does not
// allow, or 0 if there is none. The library's error does not contain the line.
func unreadableLine(content string) int {
	n := 0
	for line := range strings.Lines(content) {
		n++
		if !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool {
			return r != '\t' && r != '\n' && r != '\r' && unicode.IsControl(r) || r == '\uFFFE' || r == '\uFFFF'
		}) {
			return n
		}
	}
	return 0
}

// err returns the mistakes in the order of their lines, or nil.
func (m *mistakes) err() error {
	slices.SortStableFunc(m.found, func(a, b mistake) int { return cmp.Compare(a.line, b.line) })
	var errs []error
	for _, found := range m.found[:min(len(m.found), maxMistakes)] {
		where, what := m.file, found.reason
		if found.line > 0 {
			where = fmt.Sprintf("%s:%d", m.file, found.line)
		}
		if found.key != "" {
			what = fmt.Sprintf("%.200s: %.400s", found.key, found.reason) // Both may hold long values.
		}
		errs = append(errs, fmt.Errorf("%s: %s", where, what))
	}
	if more := len(m.found) - maxMistakes; more > 0 {
		errs = append(errs, fmt.Errorf("%s: and %d more", m.file, more))
	}
	return errors.Join(errs...)
}
