package main

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"alicdn_export_exporter/collector"
	"alicdn_export_exporter/internal/config"
)

var update = flag.Bool("update", false, "write the tables of metrics and flags into README.md")

func TestTheTablesOfTheREADMEAreWhatTheCodeSays(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the flag --web.systemd-socket is there on Linux only")
	}
	for name, table := range map[string]string{"metrics": metricsTable(t), "flags": flagsTable(t)} {
		content, err := os.ReadFile("README.md")
		if err != nil {
			t.Fatal(err)
		}
		want, err := withTable(string(content), name, table)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case want == string(content):
		case *update:
			if err := os.WriteFile("README.md", []byte(want), 0o600); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("the table of %s in README.md is not what the code says; \"go test . -run README -update\" writes this one:\n\n%s", name, table)
		}
	}
}

func TestATableIsWrittenBetweenItsMarkers(t *testing.T) {
	const before, table = "text\n\n<!-- flags -->\n", "\n| flag |\n|---|\n| `--x` |\n\n"
	const after = "<!-- /flags -->\n\ntext\n<!-- metrics -->\n<!-- /metrics -->\n"
	for _, old := range []string{"", "\n| flag |\n|---|\n| `--old` |\n\n", table} {
		if got, err := withTable(before+old+after, "flags", table); err != nil || got != before+table+after {
			t.Errorf("after %q: %v\n%s", old, err, got)
		}
	}
	for _, text := range []string{"", "<!-- flags -->\n", "<!-- /flags -->\n<!-- flags -->\n"} {
		if _, err := withTable(text, "flags", table); err == nil {
			t.Errorf("%q has no place for the table", text)
		}
	}
}

// withTable puts a table between its markers.
func withTable(text, name, table string) (string, error) {
	begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->\n"
	before, rest, found := strings.Cut(text, begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return "", fmt.Errorf("the lines %q and %q are not there", strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return before + begin + table + end + after, nil
}

// table makes rows of cells, the first of them the head.
func table(rows ...[]string) string {
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

func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

// metricsTable has all that a run serves of the metrics that are ours, in the
// order in which they are described.
func metricsTable(t *testing.T) string {
	t.Helper()
	served := servedMetrics(t)
	rows := [][]string{{"metric", "type", "labels", "meaning"}}
	for _, name := range describedNames() {
		row, ok := served[name]
		if !ok {
			t.Fatalf("%s is described, but this run does not serve it", name)
		}
		delete(served, name)
		rows = append(rows, row)
	}
	for name := range served {
		t.Errorf("%s is served, but not described", name)
	}
	return table(rows...)
}

// servedMetrics are the rows of a run in which each metric has a value.
func servedMetrics(t *testing.T) map[string][]string {
	t.Helper()
	const accounts = `accounts: [{expectations: [{name: monthly, export: usage, every: month}]}]`
	p, address := exporter(t, "--demo", "--config.file="+write(t, accounts), "--collector.task-info=1")
	_, page := get(t, address+"/metrics")
	p.stop()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(page))
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
			code(name), strings.ToLower(family.GetType().String()), strings.Join(slices.Sorted(maps.Keys(labels)), ", "), family.GetHelp(),
		}
	}
	return rows
}

func describedNames() []string {
	descs := make(chan *prometheus.Desc)
	go func() {
		defer close(descs)
		collector.New(collector.Config{}).Describe(descs)
		config.NewReloader(nil).Describe(descs)
	}()
	var names []string
	for desc := range descs {
		_, rest, _ := strings.Cut(desc.String(), `fqName: "`)
		name, _, _ := strings.Cut(rest, `"`)
		names = append(names, name)
	}
	return append(names, "alicdn_export_build_info")
}

// flagsTable has all flags, those of commands with the command before them, but
// for --help, --version and what kingpin hides.
func flagsTable(t *testing.T) string {
	t.Helper()
	rows := [][]string{{"flag", "default", "meaning"}}
	add := func(command string, flags []*kingpin.FlagModel) {
		for _, flag := range flags {
			if !flag.Hidden && flag.Name != "help" && flag.Name != "version" {
				rows = append(rows, []string{code(command + "--" + flag.Name), code(strings.Join(flag.Default, " ")), flag.Help})
			}
		}
	}
	commands := newCommandLine(io.Discard).app.Model()
	add("", commands.Flags)
	for _, command := range commands.Commands {
		add(command.Name+" ", command.Flags)
	}
	return table(rows...)
}
