package config

import (
	"cmp"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxValues bounds what a file says, with what its aliases repeat. A thousand
// accounts with ten expectations each say 100,000 at most.
const maxValues = 250_000

// decoder puts the values of a file where they belong, and notes what does not
// belong there. It does so itself because the YAML library leaves out the items of a
// list that are empty or of the wrong kind, and does not say which key it means.
//
// Where an alias stands for a value, alias is its line, and the value's own line
// does not count; elsewhere alias is 0.
type decoder struct {
	*problems
	left int // values; below 0 there were too many
}

// decode fills a struct with what a document says. What belongs elsewhere is noted;
// the error is for a document of which no more is said.
func (p *problems) decode(document *yaml.Node, into any) error {
	d := decoder{problems: p, left: maxValues}
	for _, node := range document.Content {
		d.value(node, "", 0, reflect.ValueOf(into).Elem())
	}
	if d.left < 0 {
		return fmt.Errorf("%s: there are more than %d values, with those that aliases repeat", p.file, maxValues)
	}
	return nil
}

// value fills a struct, a slice, a string or a number.
func (d *decoder) value(node *yaml.Node, key string, alias int, into reflect.Value) {
	if node.Kind == yaml.AliasNode {
		node, alias = node.Alias, cmp.Or(alias, node.Line)
	}
	switch kind := into.Kind(); {
	case node.ShortTag() == "!!null": // Whether something has to be there is for others to say.
	case kind == reflect.Struct && node.Kind == yaml.MappingNode:
		d.mapping(node, key, alias, into)
	case kind == reflect.Slice && node.Kind == yaml.SequenceNode:
		d.list(node, key, alias, into)
	case kind == reflect.Struct:
		d.refuse(key, "is not a mapping")
	case kind == reflect.Slice:
		d.refuse(key, "is not a list")
	case node.Kind == yaml.ScalarNode && node.Decode(into.Addr().Interface()) == nil:
		if kind == reflect.String && !utf8.ValidString(into.String()) { // !!binary can be anything.
			d.refuse(key, "is not UTF-8")
		}
	case kind == reflect.String:
		d.refuse(key, "is not a text")
	default:
		d.refuse(key, "is not a number")
	}
}

func (d *decoder) mapping(node *yaml.Node, key string, alias int, into reflect.Value) {
	given := make(map[string]int) // the line of each name
	for _, pair := range d.pairs(node, key, alias, make(map[*yaml.Node]bool)) {
		at := below(key, pair.name)
		first, again := given[pair.name]
		field, known := fieldOf(into, pair.name)
		switch {
		case again && pair.merged: // What the mapping says itself counts.
			continue
		case again:
			d.note(pair.line, at, fmt.Sprintf("stands there twice, first in line %d", first))
			continue
		case known:
			d.lines[at] = pair.line
			d.value(pair.value, at, pair.alias, field)
		default:
			d.note(pair.line, at, "is not a known key")
		}
		given[pair.name] = pair.line
	}
}

func (d *decoder) list(node *yaml.Node, key string, alias int, into reflect.Value) {
	if d.left -= len(node.Content); d.left < 0 {
		return
	}
	into.Set(reflect.MakeSlice(into.Type(), len(node.Content), len(node.Content)))
	for i, item := range node.Content {
		at := fmt.Sprintf("%s[%d]", key, i)
		d.lines[at] = cmp.Or(alias, item.Line)
		if resolved(item).ShortTag() == "!!null" {
			d.refuse(at, "is empty")
		}
		d.value(item, at, alias, into.Index(i))
	}
}

type pair struct {
	name        string
	value       *yaml.Node
	line, alias int
	merged      bool
}

// pairs are a mapping's names and values, and after them those of the mappings that
// are merged into it (<<), of which those in done have been merged already.
func (d *decoder) pairs(node *yaml.Node, key string, alias int, done map[*yaml.Node]bool) []pair {
	inner := len(done) > 0
	done[node] = true
	var own, merged []pair
	for i := 0; i+1 < len(node.Content); i += 2 {
		if d.left--; d.left < 0 {
			return nil
		}
		name, value := resolved(node.Content[i]), node.Content[i+1]
		line := cmp.Or(alias, node.Content[i].Line)
		if name.ShortTag() != "!!merge" {
			own = append(own, pair{name: name.Value, value: value, line: line, alias: alias, merged: inner})
			continue
		}
		sources := []*yaml.Node{value}
		if list := resolved(value); list.Kind == yaml.SequenceNode {
			sources = list.Content
		}
		for _, source := range sources {
			if source = resolved(source); source.Kind != yaml.MappingNode {
				d.note(line, below(key, "<<"), "is not a mapping")
			} else if !done[source] {
				merged = append(merged, d.pairs(source, key, line, done)...)
			}
		}
	}
	return append(own, merged...)
}

// resolved is what an alias stands for, or the node itself.
func resolved(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

// below is the path of a name in a mapping, on one line whatever the name is.
func below(key, name string) string {
	quoted := strconv.Quote(name)
	return strings.TrimPrefix(key+"."+quoted[1:len(quoted)-1], ".")
}

// fieldOf is a struct's field for a name in the file.
func fieldOf(value reflect.Value, name string) (field reflect.Value, known bool) {
	for i := range value.NumField() {
		if value.Type().Field(i).Tag.Get("yaml") == name {
			return value.Field(i), true
		}
	}
	return reflect.Value{}, false
}
