package schema_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"alicdn_export_exporter/internal/config"
)

// role is the beginning of credentials that assume a role.
const role = "type: ram_role_arn, role_arn: 'acs:ram::1234567890123456:role/name'"

// The schema and the exporter accept the same files.
func TestSchemaAcceptsWhatTheExporterAccepts(t *testing.T) {
	example, err := os.ReadFile("../../docs/config.example.yml")
	if err != nil {
		t.Fatal(err)
	}
	ram, err := os.ReadFile("../../docs/ram.md")
	if err != nil {
		t.Fatal(err)
	}
	files := []string{string(example), regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(string(ram))[1]}
	for _, line := range regexp.MustCompile(`(?m)^#   (\{type: .*\})$`).FindAllStringSubmatch(string(example), -1) {
		files = append(files, account("credentials: "+line[1]))
	}
	if len(files) < 9 {
		t.Errorf("only %d files", len(files))
	}
	for _, keys := range []string{
		"name: 2026", "name: 华东", "rate_limit: 0.5", "exports: [usage]", "usage_delay: 0", "usage_delay: 1d12h",
		"limits: {pending_age: 0}", "limits: {success_age: 1.5h30m}", "limits: {month_grace: 1w}", "since: 2026-01-01",
		"since: '2026-01-01'", "expectations: []", "expectations: [{name: 1, export: usage, every: day, task_name: 2}]",
		"credentials: {" + role + ", access_key_id_env: A, access_key_secret_file: b, security_token_env: C}",
	} {
		files = append(files, account(keys))
	}
	for _, text := range files {
		if err := validate(t, text); err != nil {
			t.Errorf("the schema refuses:\n%s\n%v", text, err)
		}
		if err := load(t, text); err != nil {
			t.Errorf("the exporter refuses:\n%s\n%v", text, err)
		}
	}
}

func TestSchemaRefusesMistakes(t *testing.T) {
	mistakes := []string{
		"", "accounts:\n", "accounts: []\n", "accounts: {name: a}\n", "accounts: [a]\n", "account: [{name: a}]\n",
		"accounts: [{name: a}]\nflags: {}\n",
	}
	for _, keys := range []string{
		"nam: a", "name: ''", "name:", "endpoint: ''", "exports: usage", "exports: []", "exports: [usages]",
		"exports: [usage, usage]", "rate_limit: 0", "rate_limit: -1", "rate_limit: fast", "usage_delay: 3 days",
		"usage_delay: 5", "usage_delay: -1h", "since: 2026-1-1", "since: yesterday", "limits: {pending: 1h}",
		"limits: {}", "limits: 5h", "limits: {pending_age: 6}", "expectations: {name: a}", "expectations: [a]",
		"expectations: [{export: usage, every: month}]", "expectations: [{name: a, every: month}]",
		"expectations: [{name: a, export: usage}]", "expectations: [{name: a, export: usage, every: year}]",
		"expectations: [{name: a, export: bill, every: month}]",
		"expectations: [{name: a, export: usage, every: month, until: 2026-01-01}]",
		"credentials: {}", "credentials: []", "credentials: {role_name: a}", "credentials: {type: rsa_key_pair}",
		"credentials: {type: access_key, access_key_id: LTAI, access_key_secret: s}",
		"credentials: {type: access_key, access_key_id_file: a}",
		"credentials: {type: access_key, access_key_id_file: a, access_key_id_env: A, access_key_secret_file: b}",
		"credentials: {type: sts, access_key_id_file: a, access_key_secret_file: b}",
		"credentials: {type: ram_role_arn}", "credentials: {" + role + ", access_key_id_file: a}",
		"credentials: {" + role + ", security_token_env: A}", "credentials: {" + role + ", role_name: a}",
		"credentials: {" + role + ", access_key_id_env: A, access_key_secret_file: b, access_key_secret_env: B}",
		"credentials: {" + role + ", access_key_id_env: A, access_key_secret_env: B, security_token_file: c, security_token_env: C}",
		"credentials: {type: credentials_uri}", "credentials: {type: default, uri: 'http://localhost/'}",
	} {
		mistakes = append(mistakes, account(keys))
	}
	for _, text := range mistakes {
		if validate(t, text) == nil {
			t.Errorf("the schema accepts:\n%s", text)
		}
		if load(t, text) == nil {
			t.Errorf("the exporter accepts:\n%s", text)
		}
	}
}

// In turn, each value of the example becomes one of another kind, and each mapping of the example gets an unknown key.
func TestSchemaRefusesEveryWrongKind(t *testing.T) {
	content, err := os.ReadFile("../../docs/config.example.yml")
	if err != nil {
		t.Fatal(err)
	}
	var example yaml.Node
	if err := yaml.Unmarshal(content, &example); err != nil {
		t.Fatal(err)
	}
	changes := 0
	check := func(what, path string) {
		t.Helper()
		changes++
		text, err := yaml.Marshal(&example)
		if err != nil {
			t.Fatal(err)
		}
		if validate(t, string(text)) == nil {
			t.Errorf("the schema accepts %s at %s", what, path)
		}
		if load(t, string(text)) == nil {
			t.Errorf("the exporter accepts %s at %s", what, path)
		}
	}
	var visit func(node *yaml.Node, path string)
	visit = func(node *yaml.Node, path string) {
		original := *node
		if node.Kind == yaml.MappingNode {
			node.Content = slices.Concat(original.Content, []*yaml.Node{scalarNode("unknown"), scalarNode("x")})
			check("an unknown key", path)
			*node = yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{scalarNode("x")}}
			check("a list", path)
		} else if node.Kind != yaml.DocumentNode {
			*node = yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalarNode("x"), scalarNode("y")}}
			check("a mapping", path)
		}
		*node = original
		for i, child := range node.Content {
			switch {
			case node.Kind != yaml.MappingNode:
				visit(child, fmt.Sprintf("%s[%d]", path, i))
			case i%2 == 1:
				visit(child, path+"."+node.Content[i-1].Value)
			}
		}
	}
	visit(&example, "")
	if changes < 40 {
		t.Errorf("only %d changes", changes)
	}
}

// Editors show the descriptions.
func TestSchemaDescribesEveryKey(t *testing.T) {
	for _, path := range []string{schemaFile, exportsSchemaFile} {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if keys := describedKeys(t, content); keys < 30 {
			t.Errorf("%s has only %d keys", path, keys)
		}
	}
}

// describedKeys returns the number of keys of a schema. The test fails if one has no description.
func describedKeys(t *testing.T, content []byte) (keys int) {
	t.Helper()
	type schema struct {
		Description string
		Items       *json.RawMessage
		Properties  map[string]json.RawMessage
	}
	var visit func(path string, text json.RawMessage)
	visit = func(path string, text json.RawMessage) {
		var s schema
		if err := json.Unmarshal(text, &s); err != nil {
			t.Fatal(err)
		}
		if s.Items != nil {
			visit(path+"[]", *s.Items)
		}
		for key, value := range s.Properties {
			keys++
			var child schema
			if err := json.Unmarshal(value, &child); err != nil || !strings.HasSuffix(child.Description, ".") {
				t.Errorf("%s.%s has the description %q (%v)", path, key, child.Description, err)
			}
			visit(path+"."+key, value)
		}
	}
	visit("", content)
	return keys
}

// account returns a file with one account.
func account(keys string) string { return "accounts:\n- {" + keys + "}\n" }

func scalarNode(value string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: value} }

// compile returns the schema in a file.
func compile(t *testing.T, path string) *jsonschema.Schema {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource(path, document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(path)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// validate returns what is wrong with a file according to the schema.
func validate(t *testing.T, text string) error {
	t.Helper()
	schema := compile(t, schemaFile)
	var node yaml.Node
	if err := yaml.Unmarshal([]byte(text), &node); err != nil {
		return err
	}
	return schema.Validate(instance(t, &node))
}

// instance returns a YAML value as editors pass it to the schema. Other than in Go, a date is a text there.
func instance(t *testing.T, node *yaml.Node) (value any) {
	t.Helper()
	switch node.Kind {
	case yaml.DocumentNode:
		return instance(t, node.Content[0])
	case yaml.MappingNode:
		object := make(map[string]any)
		for i := 0; i+1 < len(node.Content); i += 2 {
			object[node.Content[i].Value] = instance(t, node.Content[i+1])
		}
		return object
	case yaml.SequenceNode:
		list := make([]any, 0, len(node.Content))
		for _, item := range node.Content {
			list = append(list, instance(t, item))
		}
		return list
	case yaml.ScalarNode:
		if node.ShortTag() == "!!timestamp" {
			return node.Value
		}
		if err := node.Decode(&value); err != nil {
			t.Fatal(err)
		}
	}
	return value
}

// load returns what the exporter says about a file.
func load(t *testing.T, text string) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	app := kingpin.New("test", "")
	flags := config.AddFlags(app)
	_, err := app.Parse([]string{"--config.file=" + path})
	if err := errors.Join(err, flags.Validate()); err != nil {
		t.Fatal(err)
	}
	_, err = flags.Accounts()
	return err
}
