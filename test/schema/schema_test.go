// Package schema_test makes docs/config.schema.json, with which editors check and complete a configuration file, and
// docs/exports.schema.json, which describes /api/v1/exports. It compares the first one with what the exporter itself
// accepts, the second one with a document.
package schema_test

import (
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/internal/config"
	"alicdn_export_exporter/internal/coverage"
	"alicdn_export_exporter/internal/credentials"
)

var update = flag.Bool("update", false, "write the schemas in docs")

const (
	schemaFile        = "../../docs/config.schema.json"
	exportsSchemaFile = "../../docs/exports.schema.json"
)

// file is the document that config.Load reads.
type file struct {
	Accounts []config.Account `yaml:"accounts"`
}

func TestSchemaIsCurrent(t *testing.T) {
	for path, schema := range map[string]*jsonschema.Schema{schemaFile: newSchema(t), exportsSchemaFile: newExportsSchema(t)} {
		text, err := json.MarshalIndent(schema, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		want := string(text) + "\n"
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s is out of date, run \"make schema\"; -want +got:\n%s", path, diff)
		}
	}
}

// newReflector returns what makes schemas of types. The comments on the types in these rooms become descriptions. tag is
// the tag of a field with its name in the file.
func newReflector(t *testing.T, tag string, rooms ...string) *jsonschema.Reflector {
	t.Helper()
	reflector := &jsonschema.Reflector{Anonymous: true, DoNotReference: true, FieldNameTag: tag}
	for _, room := range rooms {
		// The path in the module is the base and the path of the sources, joined.
		if err := reflector.AddGoComments("alicdn_export_exporter/test/schema", "../../internal/"+room); err != nil {
			t.Fatal(err)
		}
	}
	comments := reflector.CommentMap
	reflector.CommentMap = nil
	reflector.LookupComment = func(structure reflect.Type, field string) string {
		return description(comments, structure, field, tag)
	}
	return reflector
}

// draft is the version of JSON Schema that all editors know.
const draft = "http://json-schema.org/draft-07/schema#"

// newSchema returns the schema of a file.
func newSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	reflector := newReflector(t, "yaml", "config", "coverage", "credentials")
	reflector.RequiredFromJSONSchemaTags = true
	reflector.Mapper = scalar
	schema := reflector.Reflect(file{})
	schema.Version = draft
	schema.Title = "Configuration file of alicdn_export_exporter"

	accounts := property(schema, "accounts")
	accounts.Description = "The accounts to watch. Keys that an account leaves out have the values of the flags."
	accounts.MinItems = new(uint64(1))
	schema.Required = []string{"accounts"}
	property(accounts.Items, "exports").MinItems = new(uint64(1))
	property(accounts.Items, "exports").UniqueItems = true
	property(accounts.Items, "limits").MinProperties = new(uint64(1))
	property(accounts.Items, "expectations").Items.Required = []string{"name", "export", "every"}
	addTypes(property(accounts.Items, "credentials"))
	return schema
}

func property(schema *jsonschema.Schema, name string) *jsonschema.Schema {
	value, ok := schema.Properties.Get(name)
	if !ok {
		panic("no key " + name)
	}
	return value
}

// description returns the comment of a type or, by its name in the file, of a field.
func description(comments map[string]string, structure reflect.Type, name, tag string) string {
	path := structure.PkgPath() + "." + structure.Name()
	if name == "" {
		return strings.ReplaceAll(comments[path], "\n", " ")
	}
	field, _ := structure.FieldByName(name)
	comment := strings.ReplaceAll(comments[path+"."+name], "\n", " ")
	key, _, _ := strings.Cut(field.Tag.Get(tag), ",")
	return strings.Replace(comment, name, key, 1) // The name is the first word.
}

// scalar returns the schema of a type that the file has as a single value, or nil for other types.
func scalar(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[apiclient.Export]():
		return oneOf(apiclient.Exports()...)
	case reflect.TypeFor[coverage.Interval]():
		return oneOf(coverage.Month, coverage.Week, coverage.Day)
	case reflect.TypeFor[config.Rate]():
		return &jsonschema.Schema{Type: "number", ExclusiveMinimum: "0"}
	case reflect.TypeFor[coverage.Duration]():
		return &jsonschema.Schema{
			AnyOf: []*jsonschema.Schema{
				{Type: "string", Pattern: `^[+]?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h|d|w))+)$`},
				{Const: 0},
			},
			Examples: []any{"72h", "3d", "2w"},
		}
	case reflect.TypeFor[coverage.Date]():
		return &jsonschema.Schema{Type: "string", Pattern: `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`, Examples: []any{"2026-10-01"}}
	case reflect.TypeFor[apiclient.Endpoint](), reflect.TypeFor[config.Zone]():
		return &jsonschema.Schema{Type: "string", MinLength: new(uint64(1))}
	}
	if t.Kind() == reflect.String || t == reflect.TypeFor[coverage.Pattern]() {
		// The exporter reads the text of any single value, so that a name may be 2026.
		return &jsonschema.Schema{
			MinLength: new(uint64(1)),
			Extras:    map[string]any{"type": []string{"string", "number", "boolean"}},
		}
	}
	return nil
}

// oneOf returns the schema of a text that is one of these.
func oneOf[T ~string](values ...T) *jsonschema.Schema {
	schema := &jsonschema.Schema{Type: "string"}
	for _, value := range values {
		schema.Enum = append(schema.Enum, string(value))
	}
	return schema
}

// addTypes adds which settings each type of credentials needs and refuses, from the tags of credentials.Config.
func addTypes(schema *jsonschema.Schema) {
	kind := oneOf(credentials.Types()...)
	kind.Description = property(schema, "type").Description
	schema.Properties.Set("type", kind)
	schema.Required = []string{"type"}
	for _, name := range credentials.Types() {
		then := &jsonschema.Schema{Properties: jsonschema.NewProperties()}
		key := &jsonschema.Schema{} // The parts of an optional access key need each other.
		parts := jsonschema.NewProperties()
		for _, setting := range settings() {
			required, optional := slices.Contains(setting.required, name), slices.Contains(setting.optional, name)
			switch {
			case required:
				then.AllOf = append(then.AllOf, setting.exactlyOne())
			case optional && len(setting.keys) > 1:
				for _, key := range setting.keys {
					parts.Set(key, jsonschema.FalseSchema)
				}
				if setting.name == "security_token" {
					key.AllOf = append(key.AllOf, setting.atMostOne())
				} else {
					key.AllOf = append(key.AllOf, setting.exactlyOne())
				}
			case !optional:
				for _, key := range setting.keys {
					then.Properties.Set(key, jsonschema.FalseSchema)
				}
			}
		}
		if parts.Len() > 0 {
			then.AnyOf = []*jsonschema.Schema{{Properties: parts}, key}
		}
		condition := jsonschema.NewProperties()
		condition.Set("type", &jsonschema.Schema{Const: name})
		schema.AllOf = append(schema.AllOf, &jsonschema.Schema{
			If: &jsonschema.Schema{Properties: condition, Required: []string{"type"}}, Then: then,
		})
	}
}

// setting is a setting of credentials, which may have a key that ends in _file and one that ends in _env.
type setting struct {
	name               string
	keys               []string
	required, optional []string // types
}

func settings() (all []setting) {
	for field := range reflect.TypeFor[credentials.Config]().Fields() {
		key := field.Tag.Get("yaml")
		if key == "type" {
			continue
		}
		name := strings.TrimSuffix(strings.TrimSuffix(key, "_file"), "_env")
		if n := len(all); n > 0 && all[n-1].name == name {
			all[n-1].keys = append(all[n-1].keys, key)
			continue
		}
		all = append(all, setting{
			name, []string{key}, strings.Fields(field.Tag.Get("required")), strings.Fields(field.Tag.Get("optional")),
		})
	}
	return all
}

func (s setting) exactlyOne() *jsonschema.Schema {
	if len(s.keys) == 1 {
		return &jsonschema.Schema{Required: s.keys}
	}
	schema := &jsonschema.Schema{}
	for _, key := range s.keys {
		schema.OneOf = append(schema.OneOf, &jsonschema.Schema{Required: []string{key}})
	}
	return schema
}

func (s setting) atMostOne() *jsonschema.Schema {
	return &jsonschema.Schema{Not: &jsonschema.Schema{Required: s.keys}}
}
