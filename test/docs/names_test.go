package docs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// names are the names that exist. Other tests compare the files that they are read from with the program.
type names struct {
	flags, metrics, series, alerts []string
}

func readNames(t *testing.T) names {
	t.Helper()
	find := func(file, pattern string) []string {
		content, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(content), -1) {
			found = append(found, match[1])
		}
		if len(found) < 10 {
			t.Fatalf("%s: only %q", file, found)
		}
		return found
	}
	return names{
		flags:   find("docs/configuration.md", "(?m)^\\| `(?:[a-z]+ )?(--[a-z.-]+)` \\|"),
		metrics: find("docs/metrics.md", "(?m)^\\| `(alicdn_export_[a-z_]+)` \\|"),
		series:  find("alerts/alicdn_export.rules.yml", `(?m)^ +- record: (\S+)$`),
		alerts:  find("alerts/alicdn_export.rules.yml", `(?m)^ +- alert: (\S+)$`),
	}
}

var (
	dottedFlag = regexp.MustCompile(`--[a-z]+\.[a-z.-]*[a-z]`)
	commandRun = regexp.MustCompile("(?:^ *|`|\\./|/bin/)(?:alicdn_export_exporter|go run \\.)((?: [^\n|;&]*)?)")
	anyFlag    = regexp.MustCompile(`(?:^|\s)(--[a-z][a-z.-]*[a-z])`)
	variable   = regexp.MustCompile(`ALICDN_EXPORT_EXPORTER_[A-Z_]*[A-Z]`)
	metric     = regexp.MustCompile(`\balicdn_export_[a-z_]*[a-z](?:_…)?`)
	recorded   = regexp.MustCompile(`\balicdn_export:[a-z0-9_:]*[a-z0-9]`)
	alert      = regexp.MustCompile(`\bCDNExport[A-Z][A-Za-z]*`)
	suffix     = regexp.MustCompile(`_(bucket|count|sum)$`)
)

// foreign are names with our prefixes, and flags with a dot, that belong to something else.
var foreign = []string{
	"alicdn_export_exporter", "alicdn_export_thresholds", "alicdn_export_health",
	"--cluster.listen-address", "--query.replica-label", "--storage.tsdb.path", "--storage.path", "--alertmanager.url",
}

// unknown returns the names in a text that do not exist.
func (n names) unknown(text string) []string {
	var unknown []string
	report := func(name string, exists bool) {
		if !exists && !slices.Contains(foreign, name) {
			unknown = append(unknown, name)
		}
	}
	for _, flag := range dottedFlag.FindAllString(text, -1) {
		report(flag, slices.Contains(n.flags, flag))
	}
	for _, command := range commandRun.FindAllStringSubmatch(text, -1) {
		for _, flag := range anyFlag.FindAllStringSubmatch(command[1], -1) {
			report(flag[1], slices.Contains(append(n.flags, "--help", "--version"), flag[1]))
		}
	}
	for _, name := range variable.FindAllString(text, -1) {
		report(name, slices.ContainsFunc(n.flags, func(flag string) bool {
			key := strings.NewReplacer(".", "_", "-", "_").Replace(strings.TrimPrefix(flag, "--"))
			return name == "ALICDN_EXPORT_EXPORTER_"+strings.ToUpper(key)
		}))
	}
	for _, name := range metric.FindAllString(text, -1) {
		prefix, isPrefix := strings.CutSuffix(name, "…")
		base := suffix.ReplaceAllString(name, "")
		report(name, slices.ContainsFunc(n.metrics, func(metric string) bool {
			return metric == name || metric == base || isPrefix && strings.HasPrefix(metric, prefix)
		}))
	}
	for _, name := range recorded.FindAllString(text, -1) {
		report(name, slices.Contains(n.series, name))
	}
	for _, name := range alert.FindAllString(text, -1) {
		report(name, slices.Contains(n.alerts, name))
	}
	return unknown
}

// The flags, variables, metrics and alerts that the pages name exist. The changelog also names older ones.
func TestNames(t *testing.T) {
	t.Parallel()
	names := readNames(t)
	for _, p := range readPages(t) {
		if p.path == "CHANGELOG.md" {
			continue
		}
		for i, line := range strings.Split(string(p.source), "\n") {
			for _, name := range names.unknown(line) {
				t.Errorf("%s:%d: %s does not exist", p.path, i+1, name)
			}
		}
	}
}

func TestUnknown(t *testing.T) {
	t.Parallel()
	n := names{
		flags: []string{"--config.file", "--demo"}, metrics: []string{"alicdn_export_up", "alicdn_export_duration_seconds"},
		series: []string{"alicdn_export:a:limit"}, alerts: []string{"CDNExportAbsent"},
	}
	const known = "`--config.file=a --config.file` alicdn_export_exporter check --demo --help ALICDN_EXPORT_EXPORTER_CONFIG_FILE " +
		"alicdn_export_up alicdn_export_duration_seconds_bucket alicdn_export:a:limit CDNExportAbsent CDNExport… alicdn_export_… alicdn_export_duration_…"
	if got := n.unknown(known); got != nil {
		t.Errorf("%q do exist", got)
	}
	for _, name := range []string{
		"--config.files", "ALICDN_EXPORT_EXPORTER_CONFIG", "alicdn_export_upp", "alicdn_export_up_seconds", "alicdn_export_down_…", "alicdn_export:a",
		"CDNExportAbsence",
	} {
		if got := n.unknown("text " + name + " text"); fmt.Sprint(got) != fmt.Sprint([]string{name}) {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := n.unknown("./alicdn_export_exporter check --dem"); fmt.Sprint(got) != "[--dem]" {
		t.Errorf("--dem: %q", got)
	}
}
