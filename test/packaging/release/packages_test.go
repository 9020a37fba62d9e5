package release

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"

	"alicdn_export_exporter/internal/config"
)

// Files of the packages.
const (
	program    = "usr/bin/alicdn_export_exporter"
	unit       = "usr/lib/systemd/system/alicdn_export_exporter.service"
	manPage    = "usr/share/man/man1/alicdn_export_exporter.1.gz"
	configFile = "etc/alicdn_export_exporter/config.yml"
	envFile    = "etc/default/alicdn_export_exporter"
	keys       = "etc/alicdn_export_exporter/keys"
)

// newRoot makes a directory that packages can be installed into: with a shell for their scripts, and a stand-in of
// systemctl that writes down how it is called.
func newRoot(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	paths := []string{"--create", "--dereference", "--directory=/", "--file=" + dir + "/root.tar"}
	for _, program := range []string{"/bin/sh", "/bin/rm"} {
		paths = append(paths, program[1:])
		for _, library := range regexp.MustCompile(`/\S+`).FindAllString(mustRun(t, "", "ldd", program), -1) {
			paths = append(paths, library[1:])
		}
	}
	mustRun(t, "", "tar", paths...)
	mustRun(t, dir, "tar", "--extract", "--file=root.tar")
	for _, path := range []string{"run/systemd/system", "var/lib/dpkg/updates", "var/lib/dpkg/info", "var/lib/dpkg/triggers"} {
		if err := os.MkdirAll(filepath.Join(dir, path), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, dir, "var/lib/dpkg/status", "")
	write(t, dir, "var/lib/dpkg/available", "")
	write(t, dir, "bin/systemctl", "#!/bin/sh\necho \"$*\" >>/systemctl.log\n")
	return dir
}

// write writes a file that root may execute.
func write(t *testing.T, dir, path, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, path), []byte(content), 0o700); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, dir, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// calls returns the calls of systemctl since the last time.
func calls(t *testing.T, dir string) string {
	t.Helper()
	log := read(t, dir, "systemctl.log")
	write(t, dir, "systemctl.log", "")
	return log
}

// packager installs and removes packages of one format in a directory.
type packager struct {
	arch    map[string]string // Go's names of architectures to the packager's
	file    func(version, arch string) string
	install func(t *testing.T, dir, path string)
	remove  func(t *testing.T, dir string)
	purge   func(t *testing.T, dir string) // nil if the packager knows no purge
	// newConfig is where an upgrade puts the new configuration file if the user edited the old one.
	newConfig string
	// How the packages' scripts call systemctl.
	installed, upgraded, removed string
}

// path returns the path of the package for this machine.
func (p packager) path(version string) string {
	return filepath.Join(dist(version), p.file(version, p.arch[runtime.GOARCH]))
}

var packagers = map[string]packager{
	"deb": {
		file: func(version, arch string) string { return "alicdn-export-exporter_" + version + "-1_" + arch + ".deb" },
		arch: map[string]string{"amd64": "amd64", "arm64": "arm64"},
		install: func(t *testing.T, dir, path string) {
			t.Helper() // As unattended upgrades do, it keeps a changed file without asking.
			mustRun(t, "", "dpkg", "--root="+dir, "--force-not-root", "--force-depends", "--force-confdef", "--force-confold",
				"--log=/dev/null", "--install", path)
		},
		remove: func(t *testing.T, dir string) {
			t.Helper()
			mustRun(t, "", "dpkg", "--root="+dir, "--log=/dev/null", "--remove", "alicdn-export-exporter")
		},
		purge: func(t *testing.T, dir string) {
			t.Helper()
			mustRun(t, "", "dpkg", "--root="+dir, "--log=/dev/null", "--purge", "alicdn-export-exporter")
		},
		newConfig: configFile + ".dpkg-dist",
		installed: "daemon-reload\ntry-restart alicdn_export_exporter.service\n",
		upgraded:  "daemon-reload\ndaemon-reload\ntry-restart alicdn_export_exporter.service\n",
		removed:   "disable --now alicdn_export_exporter.service\ndaemon-reload\n",
	},
	"rpm": {
		file: func(version, arch string) string { return "alicdn-export-exporter-" + version + "-1." + arch + ".rpm" },
		arch: map[string]string{"amd64": "x86_64", "arm64": "aarch64"},
		install: func(t *testing.T, dir, path string) {
			t.Helper()
			mustRun(t, "", "rpm", "--root="+dir, "--dbpath=/var/lib/rpm", "--nodeps", "--upgrade", path)
		},
		remove: func(t *testing.T, dir string) {
			t.Helper()
			mustRun(t, "", "rpm", "--root="+dir, "--dbpath=/var/lib/rpm", "--nodeps", "--erase", "alicdn-export-exporter")
		},
		newConfig: configFile + ".rpmnew",
		installed: "daemon-reload\ntry-restart alicdn_export_exporter.service\n",
		upgraded:  "daemon-reload\ntry-restart alicdn_export_exporter.service\ndaemon-reload\n",
		removed:   "disable --now alicdn_export_exporter.service\ndaemon-reload\n",
	},
}

func TestPackages(t *testing.T) {
	for format, p := range packagers {
		t.Run(format, func(t *testing.T) {
			dir := newRoot(t)

			p.install(t, dir, p.path(first))
			checkVersion(t, filepath.Join(dir, program), first, "main")
			for _, file := range []string{unit, manPage, configFile, envFile} {
				if !exists(filepath.Join(dir, file)) {
					t.Errorf("%s is not installed", file)
				}
			}
			if info, err := os.Stat(filepath.Join(dir, keys)); err != nil || info.Mode() != os.ModeDir|0o700 {
				t.Errorf("the directory of the keys is %v, %v, want one that only root can read", info, err)
			}
			if got := calls(t, dir); got != p.installed {
				t.Errorf("the installation calls systemctl:\n%swant:\n%s", got, p.installed)
			}

			const edited = "# Edited by the user.\n"
			write(t, dir, configFile, edited)
			write(t, dir, keys+"/access_key_id", "id")
			p.install(t, dir, p.path(second))
			checkVersion(t, filepath.Join(dir, program), second, "main")
			if got := read(t, dir, configFile); got != edited {
				t.Errorf("the upgrade replaces the user's configuration by %q", got)
			}
			if got := read(t, dir, p.newConfig); !strings.HasPrefix(got, addition) {
				t.Errorf("%s is %q", p.newConfig, got)
			}
			if got := calls(t, dir); got != p.upgraded {
				t.Errorf("the upgrade calls systemctl:\n%swant:\n%s", got, p.upgraded)
			}

			p.remove(t, dir)
			for _, file := range []string{program, unit, manPage} {
				if exists(filepath.Join(dir, file)) {
					t.Errorf("%s is still there after the removal", file)
				}
			}
			if !exists(filepath.Join(dir, keys, "access_key_id")) {
				t.Error("the removal removes a key")
			}
			if got := calls(t, dir); got != p.removed {
				t.Errorf("the removal calls systemctl:\n%swant:\n%s", got, p.removed)
			}
			if p.purge != nil {
				p.purge(t, dir)
				for _, file := range []string{"etc/alicdn_export_exporter", envFile} {
					if exists(filepath.Join(dir, file)) {
						t.Errorf("%s is still there after the purge", file)
					}
				}
			}
		})
	}
}

// The files of the packages fit together: what the service reads is what the packages install.
func TestService(t *testing.T) {
	service, env := read(t, root, "deploy/systemd/alicdn_export_exporter.service"), read(t, root, "deploy/packages/default")
	for _, want := range []string{
		"ExecStart=alicdn_export_exporter", "EnvironmentFile=-/" + envFile, "LoadCredential=keys:/" + keys, "Restart=always",
		"DynamicUser=yes",
	} {
		if !regexp.MustCompile(`(?m)^` + want + `$`).MatchString(service) {
			t.Errorf("the service lacks %s", want)
		}
	}
	app := kingpin.New("alicdn_export_exporter", "").DefaultEnvars()
	flags := config.AddFlags(app)
	for _, line := range regexp.MustCompile(`(?m)^#?([A-Z_]+)=(.*)$`).FindAllStringSubmatch(env, -1) {
		t.Setenv(line[1], line[2])
		if name, ok := strings.CutPrefix(line[1], "ALICDN_EXPORT_EXPORTER_"); ok && !hasFlag(app, name) {
			t.Errorf("there is no flag for %s", line[1])
		}
	}
	if _, err := app.Parse(nil); err != nil {
		t.Fatal(err)
	}
	if err := flags.Validate(); err != nil || flags.ConfigFile != "/"+configFile {
		t.Errorf("--config.file is %q, want /%s, %v", flags.ConfigFile, configFile, err)
	}
	accounts, err := config.Load(root+"/deploy/packages/config.yml", flags.Account)
	if err != nil {
		t.Fatal(err)
	}
	// systemd names the file "id" in the directory of the credential "keys" keys_id.
	const credentials = "/run/credentials/alicdn_export_exporter.service/keys_"
	if got := accounts[0].Credentials; got.AccessKeyIDFile != credentials+"access_key_id" ||
		got.AccessKeySecretFile != credentials+"access_key_secret" {
		t.Errorf("the credentials are %+v, want files of the service's", got)
	}
}

// hasFlag reports whether a flag has an environment variable with this end.
func hasFlag(app *kingpin.Application, name string) bool {
	for _, flag := range app.Model().Flags {
		if strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(flag.Name)) == name {
			return true
		}
	}
	return false
}

// systemd accepts the unit as it is installed, without a warning, and rates its exposure as "OK".
func TestUnit(t *testing.T) {
	dir := t.TempDir()
	mustRun(t, "", "dpkg-deb", "--extract", packagers["deb"].path(first), dir)
	for _, path := range []string{"/usr/lib/systemd/system", "/usr/bin/kill"} {
		mustRun(t, "", "cp", "--archive", "--parents", path, dir)
	}
	if err := os.Symlink("usr/bin", filepath.Join(dir, "bin")); err != nil {
		t.Fatal(err)
	}
	const service = "alicdn_export_exporter.service"
	if out := mustRun(t, "", "systemd-analyze", "verify", "--man=no", "--root="+dir, service); strings.Contains(out, service) {
		t.Errorf("systemd says:\n%s", out)
	}
	out := mustRun(t, "", "systemd-analyze", "security", "--offline=true", "--root="+dir, "--threshold=20", service)
	t.Log(lastLine(out))
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

func TestManPage(t *testing.T) {
	dir := t.TempDir()
	mustRun(t, "", "dpkg-deb", "--extract", packagers["deb"].path(first), dir)
	page := mustRun(t, "", "mandoc", "-T", "ascii", filepath.Join(dir, manPage))
	page = regexp.MustCompile(".\x08").ReplaceAllString(page, "") // Bold letters are printed twice.
	for _, want := range []string{
		"alicdn_export_exporter - Prometheus exporter", "--config.file", "   check", "   simulate", "FILES", "/etc/default/alicdn_export_exporter",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the man page lacks %q:\n%s", want, page)
		}
	}
}

// Debian's and Fedora's linters find no error.
func TestLinters(t *testing.T) {
	// rpmlint unpacks with cpio, and the files of these packages have absolute names: without this option, cpio would write
	// to this machine's directories.
	dir := t.TempDir()
	write(t, dir, "cpio", "#!/bin/sh\nexec /usr/bin/cpio --no-absolute-filenames \"$@\"\n")
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	for format, linter := range map[string][]string{
		"deb": {"lintian", "--no-cfg", "--allow-root", "--fail-on=error", "--tag-display-limit=0"},
		"rpm": {"rpmlint", "--config=" + root + "/deploy/packages/rpmlint.toml"},
	} {
		t.Run(linter[0], func(t *testing.T) {
			t.Log(mustRun(t, "", linter[0], append(linter[1:], packagers[format].path(first))...))
		})
	}
	if exists("/" + unit) {
		t.Errorf("/%s exists: either the exporter is installed on this machine, or a linter wrote it", unit)
	}
}
