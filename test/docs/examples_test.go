package docs_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/yuin/goldmark/ast"
	"go.yaml.in/yaml/v3"

	"alicdn_export_exporter/internal/config"
)

// example is the code between two fences.
type example struct {
	page string
	line int
	info string // the words after the first fence
	code string
	// reason says why the commands are not run. It is in a comment before a block with the info console.
	reason string
}

// where names an example in an error.
func (e example) where() string { return fmt.Sprintf("%s:%d", e.page, e.line) }

var notRun = regexp.MustCompile(`^<!-- not run: (.+) -->\n$`)

// examples returns the fenced blocks of a page.
func (p page) examples() []example {
	var examples []example
	for _, block := range nodes[*ast.FencedCodeBlock](p) {
		e := example{page: p.path, line: p.line(block.Pos()), code: p.lines(block)}
		if block.Info != nil {
			e.info = string(block.Info.Segment.Value(p.source))
		}
		if comment, ok := block.PreviousSibling().(*ast.HTMLBlock); ok {
			if match := notRun.FindStringSubmatch(p.lines(comment)); match != nil {
				e.reason = match[1]
			}
		}
		examples = append(examples, e)
	}
	return examples
}

// Every example has the syntax of its language. The configuration files in it are accepted by the programs that read
// them. TestCommands runs the commands, except those in blocks with the info console, which say why not.
func TestExamples(t *testing.T) {
	t.Parallel()
	count := make(map[string]int)
	for _, p := range readPages(t) {
		for _, e := range p.examples() {
			language, _, _ := strings.Cut(e.info, " ")
			count[language]++
			if err := checkExample(t, language, e); err != nil {
				t.Errorf("%s: %v", e.where(), err)
			}
		}
	}
	for _, language := range []string{"sh", "console", "yaml", "json"} {
		if count[language] == 0 {
			t.Errorf("no example has the language %s: %v", language, count)
		}
	}
}

// outside matches commands that change more than the copy of the repository.
var outside = regexp.MustCompile(`\b(sudo|systemctl|docker|kubectl|helm)\b|(^|[\s=])/(etc|usr|var)/`)

func checkExample(t *testing.T, language string, e example) error {
	t.Helper()
	if (e.reason != "") != (language == "console") {
		return fmt.Errorf("a block with the info console, and no other, needs the comment <!-- not run: reason -->")
	}
	if language == "sh" && outside.MatchString(e.code) {
		return fmt.Errorf("the commands change the machine: give them the info console")
	}
	switch language {
	case "sh", "console", "text", "ini":
		return nil
	case "json":
		if !json.Valid([]byte(e.code)) {
			return fmt.Errorf("invalid JSON")
		}
		return nil
	case "promql":
		for query := range strings.SplitSeq(e.code, "\n\n") {
			if _, err := parser.NewParser(parser.Options{}).ParseExpr(query); err != nil {
				return err
			}
		}
		return nil
	case "yaml":
		if strings.HasPrefix(e.page, "deploy/helm/") {
			return checkValues(t, e.code)
		}
		return checkYAML(t, e.code)
	default:
		return fmt.Errorf("unknown language %q", language)
	}
}

// checkYAML passes a configuration file to the program that reads it. Its keys tell which one.
func checkYAML(t *testing.T, code string) error {
	t.Helper()
	var keys map[string]any
	if err := yaml.Unmarshal([]byte(code), &keys); err != nil {
		return err
	}
	path := filepath.Join(t.TempDir(), "example.yml")
	if err := os.WriteFile(path, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool { _, ok := keys[name]; return ok })
	}
	switch {
	case has("accounts"):
		return loadConfig(t, path)
	case has("scrape_configs", "remote_write", "rule_files", "alerting"):
		return runTool(t, "promtool", "check", "config", "--syntax-only", path)
	case has("groups"):
		return runTool(t, "promtool", "check", "rules", path)
	case has("route", "receivers"):
		return runTool(t, "amtool", "check-config", path)
	case has("tls_server_config"):
		decoder := yaml.NewDecoder(strings.NewReader(code))
		decoder.KnownFields(true)
		return decoder.Decode(new(web.Config))
	default:
		return fmt.Errorf("unknown kind of configuration, with the keys %q", slices.Sorted(maps.Keys(keys)))
	}
}

// checkValues compares values of the Helm chart with the chart's schema.
func checkValues(t *testing.T, code string) error {
	t.Helper()
	var values any
	if err := yaml.Unmarshal([]byte(code), &values); err != nil {
		return err
	}
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join(root, "deploy", "helm", "values.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(values)
}

// loadConfig loads a configuration file as the exporter does.
func loadConfig(t *testing.T, path string) error {
	t.Helper()
	app := kingpin.New("", "")
	flags := config.AddFlags(app)
	if _, err := app.Parse([]string{"--config.file=" + path}); err != nil {
		t.Fatal(err)
	}
	_, err := flags.Accounts()
	return err
}

// runTool runs one of the programs that "make programs" builds.
func runTool(t *testing.T, name string, args ...string) error {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(root, ".tools", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf(`%v: "make programs" builds it`, err)
	}
	if output, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, output)
	}
	return nil
}

func TestCheckExample(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]example{
		"language":           {info: "python"},
		"no language":        {},
		"JSON":               {info: "json", code: "{"},
		"query":              {info: "promql", code: "up ==\n"},
		"second query":       {info: "promql", code: "up\n\nup ==\n"},
		"YAML":               {info: "yaml", code: "a: [\n"},
		"kind of YAML":       {info: "yaml", code: "a: 1\n"},
		"configuration":      {info: "yaml", code: "accounts: [{nam: a}]\n"},
		"Prometheus":         {info: "yaml", code: "scrape_configs: [{job: a}]\n"},
		"rules":              {info: "yaml", code: "groups: [{name: a, rules: [{alert: A, expr: up ==}]}]\n"},
		"Alertmanager":       {info: "yaml", code: "route: {receiver: nobody}\n"},
		"web configuration":  {info: "yaml", code: "tls_server_config: {certificate: a}\n"},
		"Helm values":        {info: "yaml", code: "accountz: []\n", page: "deploy/helm/README.md"},
		"console, no reason": {info: "console", code: "make\n"},
		"run as root":        {info: "sh", code: "install a /etc/a\n"},
		"reason, but run":    {info: "sh", code: "make\n", reason: "a whim"},
	} {
		if err := checkExample(t, e.info, e); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
