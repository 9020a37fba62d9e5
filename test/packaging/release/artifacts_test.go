package release

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestArtifacts(t *testing.T) {
	entries, err := os.ReadDir(dist(first))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		if !entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	want := []string{
		"alicdn-export-exporter-1.2.3-1.aarch64.rpm", "alicdn-export-exporter-1.2.3-1.x86_64.rpm",
		"alicdn-export-exporter_1.2.3-1_amd64.deb", "alicdn-export-exporter_1.2.3-1_arm64.deb",
		"alicdn_export_exporter-1.2.3.bom.json",
		"alicdn_export_exporter-1.2.3.darwin-amd64.tar.gz", "alicdn_export_exporter-1.2.3.darwin-arm64.tar.gz",
		"alicdn_export_exporter-1.2.3.linux-amd64.tar.gz", "alicdn_export_exporter-1.2.3.linux-arm64.tar.gz",
		"artifacts.json", "config.yaml", "metadata.json", "sha256sums.txt",
	}
	if !slices.Equal(names, want) {
		t.Errorf("the files are\n%q, want\n%q", names, want)
	}
	sums := mustRun(t, dist(first), "sha256sum", "--check", "--strict", "sha256sums.txt")
	if got := strings.Count(sums, ": OK\n"); got != 9 {
		t.Errorf("%d files have a checksum, want 9:\n%s", got, sums)
	}
}

func TestArchive(t *testing.T) {
	dir := t.TempDir()
	name := "alicdn_export_exporter-" + first + ".linux-" + runtime.GOARCH
	mustRun(t, dir, "tar", "--extract", "--file="+filepath.Join(dist(first), name+".tar.gz"))
	for _, file := range []string{
		"LICENSE", "README.md", "CHANGELOG.md", "alicdn_export_exporter.1.gz", "docs/config.example.yml",
		"alerts/alicdn_export.rules.yml", "dashboards/overview.json", "deploy/systemd/alicdn_export_exporter.service",
	} {
		if !exists(filepath.Join(dir, name, file)) {
			t.Errorf("the archive lacks %s", file)
		}
	}
	checkVersion(t, filepath.Join(dir, name, "alicdn_export_exporter"), first, "main")
}

// A plain "go build" of a checkout knows its version, too.
func TestGoBuild(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	mustRun(t, repository, "go", "build", "-o", program, ".")
	checkVersion(t, program, second, "unknown")
}

// checkVersion checks what a program that was built from a version prints.
func checkVersion(t *testing.T, program, version, branch string) {
	t.Helper()
	revision := strings.TrimSpace(mustRun(t, repository, "git", "rev-list", "-1", "v"+version))
	want := "alicdn_export_exporter, version " + version + " (branch: " + branch + ", revision: " + revision + ")\n"
	if got := mustRun(t, "", program, "--version"); !strings.HasPrefix(got, want) {
		t.Errorf("--version prints %q, want it to begin with %q", got, want)
	}
}

// The bill of materials has every module that the program contains.
func TestSBOM(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(dist(first), "alicdn_export_exporter-"+first+".bom.json"))
	if err != nil {
		t.Fatal(err)
	}
	var sbom struct {
		BOMFormat  string `json:"bomFormat"`
		Components []struct{ Name, Version string }
	}
	if err := json.Unmarshal(content, &sbom); err != nil || sbom.BOMFormat != "CycloneDX" {
		t.Fatalf("format %q, %v", sbom.BOMFormat, err)
	}
	listed := make(map[string]bool)
	for _, component := range sbom.Components {
		listed[component.Name+" "+component.Version] = true
	}
	program := filepath.Join(dist(first), "alicdn_export_exporter_linux_amd64_v1", "alicdn_export_exporter")
	modules := regexp.MustCompile(`(?m)^\tdep\t(\S+)\t(\S+)`).FindAllStringSubmatch(mustRun(t, "", "go", "version", "-m", program), -1)
	if len(modules) < 10 {
		t.Fatalf("the program has only %d modules", len(modules))
	}
	for _, module := range modules {
		if !listed[module[1]+" "+module[2]] {
			t.Errorf("the SBOM lacks %s %s", module[1], module[2])
		}
	}
}

func TestNotes(t *testing.T) {
	dir := t.TempDir()
	changelog := "# Changelog\n\n## [Unreleased]\n\n- next\n\n## [1.2.3] - 2026-11-01\n\n### Added\n\n- this\n\n## [1.2.2] - 2026-10-01\n\n- old\n"
	if err := os.WriteFile(filepath.Join(dir, "CHANGELOG.md"), []byte(changelog), 0o600); err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs(root + "/deploy/packages/notes.sh")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := mustRun(t, dir, script, "1.2.3"), "\n### Added\n\n- this\n\n"; got != want {
		t.Errorf("the notes are %q, want %q", got, want)
	}
	for _, missing := range []string{"1.2", "1.2.4", "1.2.33"} {
		if out, err := run(dir, script, missing); err == nil {
			t.Errorf("there are notes for %s: %q", missing, out)
		}
	}
}

func TestWorkflows(t *testing.T) {
	mustRun(t, root, "actionlint")
	mustRun(t, repository, "goreleaser", "check")
	scripts, err := filepath.Glob(root + "/deploy/packages/*.sh")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts, %v", err)
	}
	mustRun(t, "", "shellcheck", scripts...)
}
