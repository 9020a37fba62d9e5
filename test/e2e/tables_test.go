package e2e_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/accounts"
	"alicdn_export_exporter/internal/config"
)

var update = flag.Bool("update", false, "write the tables of metrics and flags into docs/")

func TestTables(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the flag --web.systemd-socket exists only on Linux")
	}
	for _, table := range []struct{ name, page, text string }{
		{"metrics", "metrics.md", metricsTable(t)},
		{"flags", "configuration.md", flagsTable(t)},
	} {
		t.Run(table.name, func(t *testing.T) {
			path := filepath.Join(root, "docs", table.page)
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			want, err := withTable(string(content), table.name, table.text)
			switch {
			case err != nil:
				t.Fatal(err)
			case want == string(content):
			case *update:
				overwrite(t, path, "%s", want)
			default:
				t.Errorf("docs/%s differs from the program. %s writes this table:\n\n%s",
					table.page, `"go -C test test ./e2e -run Tables -update"`, table.text)
			}
		})
	}
}

func TestWithTable(t *testing.T) {
	t.Parallel()
	const before, table = "text\n\n<!-- flags -->\n", "\n| flag |\n|---|\n| `--x` |\n\n"
	const after = "<!-- /flags -->\n\ntext\n<!-- metrics -->\n<!-- /metrics -->\n"
	t.Run("replaces the text between the markers", func(t *testing.T) {
		for _, old := range []string{"", "\n| flag |\n|---|\n| `--old` |\n\n", table} {
			if got, err := withTable(before+old+after, "flags", table); err != nil || got != before+table+after {
				t.Errorf("after %q: %v\n%s", old, err, got)
			}
		}
	})
	t.Run("fails if a marker is missing", func(t *testing.T) {
		for _, text := range []string{"", "<!-- flags -->\n", "<!-- /flags -->\n<!-- flags -->\n"} {
			if _, err := withTable(text, "flags", table); err == nil {
				t.Errorf("%q: no error", text)
			}
		}
	})
}

// withTable replaces the text between the markers of the named table.
func withTable(text, name, table string) (string, error) {
	begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->\n"
	before, rest, hasBegin := strings.Cut(text, begin)
	_, after, hasEnd := strings.Cut(rest, end)
	if !hasBegin || !hasEnd {
		return "", fmt.Errorf("the lines %q and %q are missing", strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return before + begin + table + end + after, nil
}

// markdownTable formats rows of cells as a Markdown table. The first row is the header.
func markdownTable(rows ...[]string) string {
	var b strings.Builder
	b.WriteString("\n")
	for i, row := range rows {
		for _, cell := range row {
			if cell = strings.ReplaceAll(cell, "|", `\|`); cell != "" {
				cell += " "
			}
			b.WriteString("| " + cell)
		}
		b.WriteString("|\n")
		if i == 0 {
			b.WriteString(strings.Repeat("|---", len(row)) + "|\n")
		}
	}
	b.WriteString("\n")
	return b.String()
}

// code formats text as code in Markdown.
func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

// metricsTable returns the table of the exporter's own metrics, in the order of Describe.
func metricsTable(t *testing.T) string {
	t.Helper()
	served := servedMetrics(t)
	rows := [][]string{{"metric", "type", "labels", "meaning"}}
	for _, name := range describedMetrics() {
		row, ok := served[name]
		if !ok {
			t.Fatalf("%s is described, but not served", name)
		}
		delete(served, name)
		rows = append(rows, row)
	}
	for name := range served {
		t.Errorf("%s is served, but not described", name)
	}
	return markdownTable(rows...)
}

// servedMetrics serves an account with every metric enabled. It returns the row of each metric, by its name.
func servedMetrics(t *testing.T) map[string][]string {
	t.Helper()
	_, endpoint := serveScenario(t, "healthy")
	file := writeFile(t, "exporter.yml", `accounts:
- endpoint: %s
  since: 2020-01-01
  expectations: [{name: monthly, export: usage, every: month}]
`, endpoint)
	_, address := serve(t, keyEnv(defaultKey), "--config.file="+file, "--collector.task-info=1")
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(scrape(t, address)))
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[string][]string)
	for name, family := range families {
		if !strings.HasPrefix(name, "alicdn_export_") {
			continue
		}
		labels := make(map[string]bool)
		for _, metric := range family.GetMetric() {
			for _, pair := range metric.GetLabel() {
				labels[pair.GetName()] = true
			}
		}
		rows[name] = []string{
			code(name), strings.ToLower(family.GetType().String()),
			strings.Join(slices.Sorted(maps.Keys(labels)), ", "), family.GetHelp(),
		}
	}
	return rows
}

// describedMetrics returns the names of the metrics, in the order of Describe.
func describedMetrics() []string {
	descs := make(chan *prometheus.Desc)
	go func() {
		defer close(descs)
		collector.New(collector.Config{}).Describe(descs)
		accts, err := accounts.New(context.Background(), new(config.Flags), log.NewNopLogger())
		if err != nil {
			panic(err)
		}
		accts.Describe(descs)
	}()
	var names []string
	for desc := range descs {
		_, rest, _ := strings.Cut(desc.String(), `fqName: "`)
		name, _, _ := strings.Cut(rest, `"`)
		names = append(names, name)
	}
	return append(names, "alicdn_export_build_info")
}

// flagsTable returns the table of all flags except --help and --version. A command's flag begins with the command.
func flagsTable(t *testing.T) string {
	t.Helper()
	rows := [][]string{{"flag", "default", "meaning"}}
	for _, flag := range programFlags(t) {
		if flag.name != "help" && flag.name != "version" {
			rows = append(rows, []string{code(flag.command + "--" + flag.name), code(flag.value), flag.help})
		}
	}
	return markdownTable(rows...)
}

// programFlag is a flag on the program's manual page.
type programFlag struct {
	command string // with a space at the end; empty for a global flag
	name    string
	value   string // the default
	help    string
}

// programFlags parses the program's manual page. There, a flag is three lines: ".TP", its name and default such as
// "\fB--name=default\fR", and its help. A command begins with two lines: ".SS" and its name such as
// "\fBcommand [<flags>]\fR".
func programFlags(t *testing.T) []programFlag {
	t.Helper()
	_, page, _ := run(t, nil, "--help-man")
	names := regexp.MustCompile(`^\\fB(?:-h, )?--([a-z.-]+)(?:=(.*))?\\fR$`)
	commands := regexp.MustCompile(`^\\fB([a-z]+)\b.*\\fR$`)
	lines := strings.Split(page, "\n")
	var (
		flags   []programFlag
		command string
	)
	for i, line := range lines[:len(lines)-2] {
		match := names.FindStringSubmatch(lines[i+1])
		switch {
		case line == ".SS":
			command = commands.FindStringSubmatch(lines[i+1])[1] + " "
		case line == ".TP" && match != nil:
			flag := programFlag{command: command, name: match[1], value: match[2], help: lines[i+2]}
			if text, err := strconv.Unquote(flag.value); err == nil {
				flag.value = text
			}
			if strings.EqualFold(flag.value, flag.name) { // Without a default, the page shows the name.
				flag.value = ""
			}
			flags = append(flags, flag)
		}
	}
	if len(flags) < 20 {
		t.Fatalf("%d flags in\n%s", len(flags), page)
	}
	return flags
}
