package docs_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/yuin/goldmark/ast"

	"alicdn_export_exporter/apiclient"
	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/view"
)

// The JSON in docs/json.md follows the schema of the document.
func TestJSONExample(t *testing.T) {
	t.Parallel()
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join(root, "docs", "exports.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range findPage(t, "docs/json.md").examples() {
		if e.info != "json" {
			continue
		}
		document, err := jsonschema.UnmarshalJSON(strings.NewReader(e.code))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(document); err != nil {
			t.Errorf("%s: %v", e.where(), err)
		}
		return
	}
	t.Error("docs/json.md has no JSON")
}

// docs/json.md has a row for each kind of problem, with its state, and for each state.
func TestProblemKinds(t *testing.T) {
	t.Parallel()
	p := findPage(t, "docs/json.md")
	states := map[collector.Severity]view.State{
		collector.Notable: view.Notable, collector.ExportMissing: view.ExportMissing, collector.Unreadable: view.Unreadable,
	}
	kinds := p.rows("kind")
	for _, kind := range collector.ProblemKinds() {
		state, err := states[kind.Severity()].MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		if row := kinds[string(kind)]; len(row) == 0 || row[1] != string(state) {
			t.Errorf("the row of %s is %q, want the state %s", kind, row, state)
		}
		delete(kinds, string(kind))
	}
	for kind := range kinds {
		t.Errorf("there is no problem of the kind %s", kind)
	}
	for state := view.Fine; state <= view.Unreadable; state++ {
		name, err := state.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		if len(p.rows("state")[string(name)]) == 0 {
			t.Errorf("there is no row for the state %s", name)
		}
	}
}

// check prints every line of its example in docs/check.md, except that numbers, and so dates, differ.
func TestExampleOfCheck(t *testing.T) {
	t.Parallel()
	var shown string
	p := findPage(t, "docs/check.md")
	for _, block := range nodes[*ast.FencedCodeBlock](p) {
		if comment, ok := block.PreviousSibling().(*ast.HTMLBlock); ok && strings.HasPrefix(p.lines(comment), "<!-- check -->") {
			shown = p.lines(block)
		}
	}
	if shown == "" {
		t.Fatal("docs/check.md has no example")
	}

	s := newSession(t, buildProgram(t))
	if err := s.run(example{info: "sh background", code: "alicdn_export_exporter simulate --scenario forgotten-month"}); err != nil {
		t.Fatal(err)
	}
	// The export is overdue on every day of the month.
	config := s.ports.Replace(`accounts:
- name: production
  endpoint: http://127.0.0.1:10078
  usage_delay: 0
  expectations: [{name: monthly usage, export: usage, task_name: usage-.*, every: month}]
`)
	if err := os.WriteFile(filepath.Join(s.dir, "config.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	s.env = append(s.env, "ALIBABA_CLOUD_ACCESS_KEY_ID=LTAI5tSimulatedAccessKey",
		"ALIBABA_CLOUD_ACCESS_KEY_SECRET=SimulatedAccessKeySecret000001")
	if err := s.run(example{info: "sh exit=2", code: "alicdn_export_exporter check --config.file=config.yml > check.txt"}); err != nil {
		t.Fatal(err)
	}
	printed, err := os.ReadFile(filepath.Join(s.dir, "check.txt"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(withoutNumbers(string(printed)), "\n")
	for line := range strings.Lines(withoutNumbers(shown)) {
		if line = strings.TrimSuffix(line, "\n"); !slices.Contains(lines, line) {
			t.Errorf("check does not print %q:\n%s", line, printed)
		}
	}
}

// withoutNumbers replaces numbers and the blocks of days.
func withoutNumbers(text string) string {
	text = regexp.MustCompile(`[█▒·]+ *`).ReplaceAllString(text, "█")
	return regexp.MustCompile(`\d+`).ReplaceAllString(text, "0")
}

// docs/metrics.md has a row for each class of errors, and names each code that is not the API's.
func TestErrorKinds(t *testing.T) {
	t.Parallel()
	p := findPage(t, "docs/metrics.md")
	classes := p.rows("class")
	local := regexp.MustCompile(`^[a-z_]+$`)
	codes := strings.Join(slices.Collect(maps.Keys(p.rows("code"))), ", ")
	for _, kind := range apiclient.ErrorKinds() {
		isClass := func(row []string) bool {
			return slices.Contains(strings.Split(row[0], ", "), string(kind.Class))
		}
		if !slices.ContainsFunc(slices.Collect(maps.Values(classes)), isClass) {
			t.Errorf("there is no row for the class %s", kind.Class)
		}
		if local.MatchString(kind.Code) && !slices.Contains(strings.Split(codes, ", "), kind.Code) {
			t.Errorf("there is no row for the code %s", kind.Code)
		}
	}
}

// The policy on the pages for newcomers is that of docs/ram-policy.json.
func TestPolicy(t *testing.T) {
	t.Parallel()
	policy, err := os.ReadFile(filepath.Join(root, "docs", "ram-policy.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"README.md", "README.zh-CN.md"} {
		isPolicy := func(e example) bool { return e.info == "json" && e.code == string(policy) }
		if !slices.ContainsFunc(findPage(t, path).examples(), isPolicy) {
			t.Errorf("%s does not have the policy\n%s", path, policy)
		}
	}
}
