// Package release makes two releases as the release workflow does, but publishes nothing, and installs their packages.
//
// What this cannot prove: that the workflow's actions work, that images are built for all platforms, signed and pushed,
// and that systemd starts the service: no systemd runs here, and the packages' scripts call a stand-in of systemctl.
package release

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// root is the root of the repository.
const root = "../../.."

// The versions of the two releases.
const (
	first  = "1.2.3"
	second = "1.2.4"
)

// addition is what the second release adds to the packages' configuration file.
const addition = "# Added by the second release.\n"

// repository is a Git repository with the files of this tree as they are now. The second release is checked out.
var repository string

// dist returns the directory with the files of a release.
func dist(version string) string { return filepath.Join(repository, ".dist", version) }

func TestMain(m *testing.M) { os.Exit(releaseAndRun(m)) }

func releaseAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "release")
	if err == nil {
		defer os.RemoveAll(dir)
		repository = dir
		err = makeReleases(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// run runs a command in a directory, with the programs of .tools, and returns what it prints.
func run(dir, name string, args ...string) (string, error) {
	tools, err := filepath.Abs(root + "/.tools")
	if err != nil {
		return "", err
	}
	if tool := filepath.Join(tools, name); exists(tool) {
		name = tool
	}
	command := exec.Command(name, args...)
	command.Dir = dir
	command.Env = append(os.Environ(), "PATH="+tools+":"+os.Getenv("PATH"), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=auto")
	out, err := command.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", command, err, out)
	}
	return string(out), nil
}

// mustRun is like run, and fails the test on an error.
func mustRun(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	out, err := run(dir, name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// makeReleases makes the repository and both releases.
func makeReleases(dir string) error {
	for _, script := range []string{
		`git -C "$1" ls-files --cached --others --exclude-standard --deduplicate -z |
			(cd "$1" && xargs -0 sh -c 'for f; do if [ -e "$f" ]; then printf "%s\0" "$f"; fi; done' -) |
			(cd "$1" && xargs -0 cp --archive --parents --target-directory="$0")`,
		`cd "$0" && git init --quiet --initial-branch=main && git config user.name test && git config user.email test@example.com &&
			git remote add origin https://github.com/example/alicdn_export_exporter.git && echo /.dist/ >>.git/info/exclude`,
	} {
		source, err := filepath.Abs(root)
		if err != nil {
			return err
		}
		if _, err := run("", "sh", "-c", script, dir, source); err != nil {
			return err
		}
	}
	for _, version := range []string{first, second} {
		if version == second {
			path := filepath.Join(dir, "deploy", "packages", "config.yml")
			config, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if err := os.WriteFile(path, []byte(addition+string(config)), 0o600); err != nil {
				return err
			}
		}
		for _, line := range []string{
			"git add --all", "git commit --quiet --message=" + version, "git tag v" + version,
			"goreleaser release --clean --skip=publish,announce", "mkdir -p .dist", "mv dist .dist/" + version,
		} {
			args := strings.Fields(line)
			if _, err := run(dir, args[0], args[1:]...); err != nil {
				return err
			}
		}
	}
	return nil
}
