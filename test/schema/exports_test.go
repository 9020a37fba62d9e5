package schema_test

import (
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/coverage"
	"alicdn_export_exporter/internal/view"
)

// newExportsSchema returns the schema of /api/v1/exports. Later versions of the exporter may add keys.
func newExportsSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	reflector := newReflector(t, "json", "view")
	reflector.AllowAdditionalProperties = true
	reflector.Mapper = func(t reflect.Type) *jsonschema.Schema {
		switch t {
		case reflect.TypeFor[apiclient.Export]():
			return oneOf(apiclient.Exports()...)
		case reflect.TypeFor[collector.ProblemKind]():
			return oneOf(collector.ProblemKinds()...)
		case reflect.TypeFor[coverage.Interval]():
			return oneOf(coverage.Month, coverage.Week, coverage.Day)
		case reflect.TypeFor[view.State]():
			var names []string
			for state := view.Fine; state <= view.Unreadable; state++ {
				name, _ := state.MarshalText() // It has no error.
				names = append(names, string(name))
			}
			return oneOf(names...)
		case reflect.TypeFor[view.Seconds]():
			return &jsonschema.Schema{Type: "number"}
		}
		return nil
	}
	schema := reflector.Reflect(view.Document{})
	schema.Version = draft
	schema.Title = "/api/v1/exports and check --output=json of alicdn_export_exporter"
	property(schema, "format_version").Const = view.FormatVersion

	export := property(property(schema, "accounts").Items, "exports").Items
	months := property(property(export, "list"), "months")
	property(months.Items, "days").Items = &jsonschema.Schema{
		AnyOf: []*jsonschema.Schema{{Type: "number", Minimum: "0", Maximum: "1"}, {Type: "null"}},
	}
	return schema
}

// exportsExample returns the document in docs/json.md.
func exportsExample(t *testing.T) any {
	t.Helper()
	text, err := os.ReadFile("../../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?s)```json\n(.*?)```").FindStringSubmatch(string(text))
	if example == nil {
		t.Fatal("docs/json.md has no example")
	}
	document, err := validator.UnmarshalJSON(strings.NewReader(example[1]))
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func TestExportsSchemaAcceptsTheExample(t *testing.T) {
	if err := compile(t, exportsSchemaFile).Validate(exportsExample(t)); err != nil {
		t.Error(err)
	}
}

// optional are the keys of the example that may be absent.
var optional = map[string]bool{
	"list_read": true, "subject": true, "commands": true, "command": true, "needs": true, "list": true,
	"newest_success": true, "covered_until": true, "created": true, "updated": true, "start": true, "end": true,
}

// In turn, each value of the example becomes one of another kind, and each key is left out.
func TestExportsSchemaRefusesMistakes(t *testing.T) {
	schema, example := compile(t, exportsSchemaFile), exportsExample(t)
	changes := 0
	refused := func(what, path string) {
		t.Helper()
		changes++
		if schema.Validate(example) == nil {
			t.Errorf("the schema accepts %s at %s", what, path)
		}
	}
	var visit func(value any, path string)
	visit = func(value any, path string) {
		switch value := value.(type) {
		case map[string]any:
			for key, child := range value {
				delete(value, key)
				if !optional[key] {
					refused("a missing key", path+"."+key)
				}
				value[key] = map[string]any{"x": json.Number("1")}
				if _, object := child.(map[string]any); object {
					value[key] = []any{}
				}
				refused("another kind", path+"."+key)
				value[key] = child
				visit(child, path+"."+key)
			}
		case []any:
			for i, child := range value {
				value[i] = "x"
				refused("a text", path)
				value[i] = child
				visit(child, path+"[]")
			}
		}
	}
	visit(example, "")
	if err := schema.Validate(example); err != nil || changes < 100 {
		t.Errorf("%d changes; afterwards: %v", changes, err)
	}
}
