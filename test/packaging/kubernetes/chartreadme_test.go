package kubernetes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// The table in the chart's README is made from the comments in values.yaml that begin with "# --".
func TestChartREADME(t *testing.T) {
	content, err := os.ReadFile(chartDir + "/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(content, &document); err != nil {
		t.Fatal(err)
	}
	table := "\n| value | default | meaning |\n|---|---|---|\n" + valueRows(t, "", document.Content[0]) + "\n"

	const path, begin, end = chartDir + "/README.md", "<!-- values -->\n", "<!-- /values -->\n"
	readme, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, hasBegin := strings.Cut(string(readme), begin)
	_, after, hasEnd := strings.Cut(rest, end)
	if !hasBegin || !hasEnd {
		t.Fatal("README.md has no markers of the table")
	}
	want := before + begin + table + end + after
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(want, string(readme)); diff != "" {
		t.Errorf("README.md is out of date, run this test with -update; -want +got:\n%s", diff)
	}
}

// valueRows returns the rows of the values below a node. Every value needs a comment, or values below it that have one.
func valueRows(t *testing.T, prefix string, node *yaml.Node) string {
	t.Helper()
	var rows strings.Builder
	for i := 0; i < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		name := prefix + key.Value
		_, comment, described := strings.Cut(key.HeadComment, "# -- ")
		switch {
		case described:
			comment = strings.ReplaceAll(comment, "\n# ", " ")
			fmt.Fprintf(&rows, "| `%s` | `%s` | %s |\n", name, compactJSON(t, value), comment)
		case value.Kind == yaml.MappingNode && len(value.Content) > 0:
			rows.WriteString(valueRows(t, name+".", value))
		default:
			t.Errorf("the value %s has no comment", name)
		}
	}
	return rows.String()
}

// compactJSON returns a YAML value as JSON, on one line.
func compactJSON(t *testing.T, node *yaml.Node) string {
	t.Helper()
	var value any
	if err := node.Decode(&value); err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(text.String())
}
