// Package compose checks the demo stack: the file against the Compose specification, its mounts against the repository,
// and that what is mounted is what the other tests run.
//
// What this cannot prove: that the images exist, that their programs and paths are as expected, and that the stack starts.
package compose

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v3"
)

// root is the root of the repository.
const root = "../../.."

func load(t *testing.T) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{root + "/deploy/compose/compose.yaml"}, cli.WithResolvedPaths(true))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func TestServices(t *testing.T) {
	project := load(t)
	if got, want := project.ServiceNames(), []string{"alertmanager", "exporter", "grafana", "prometheus"}; !slices.Equal(got, want) {
		t.Fatalf("the services are %q, want %q", got, want)
	}
	for name, service := range project.Services {
		t.Run(name, func(t *testing.T) {
			if service.Build == nil {
				if want := name + ":" + testedVersion(t, name); path.Base(service.Image) != want {
					t.Errorf("the image is %s, but the tests run %s", service.Image, want)
				}
				if service.HealthCheck == nil || len(service.HealthCheck.Test) == 0 {
					t.Error("there is no health check")
				}
				if service.NetworkMode != "service:exporter" {
					t.Errorf("the network is %q; localhost in the configurations needs the exporter's", service.NetworkMode)
				}
			} else if dockerfile := filepath.Join(service.Build.Context, service.Build.Dockerfile); !exists(dockerfile) {
				t.Errorf("there is no %s", dockerfile)
			}
			for _, mount := range service.Volumes {
				if mount.Type == types.VolumeTypeBind && (!exists(mount.Source) || !mount.ReadOnly) {
					t.Errorf("%s must exist and be mounted read-only", mount.Source)
				}
			}
			for _, port := range service.Ports {
				if port.HostIP != "127.0.0.1" {
					t.Errorf("the port %s is published on %q, want 127.0.0.1", port.Published, port.HostIP)
				}
			}
		})
	}
}

// testedVersions are where the versions of the programs are that the other tests run. Prometheus 3.16.0 is the Go module
// 0.316.0.
var testedVersions = map[string]struct {
	file    string // below test/
	pattern *regexp.Regexp
	prefix  string // of the image's tag
}{
	"prometheus":   {"tools/prometheus/go.mod", regexp.MustCompile(`github\.com/prometheus/prometheus v0\.(\d)(\d\d)\.(\d+)`), "v"},
	"alertmanager": {"tools/alertmanager/go.mod", regexp.MustCompile(`github\.com/prometheus/alertmanager v(\d+)\.(\d+)\.(\d+)`), "v"},
	"grafana":      {"render/package-lock.json", regexp.MustCompile(`"node_modules/@grafana/data": {\s+"version": "(\d+)\.(\d+)\.(\d+)"`), ""},
}

// testedVersion returns the tag of a program's image for the version that the other tests run.
func testedVersion(t *testing.T, program string) string {
	t.Helper()
	tested := testedVersions[program]
	content, err := os.ReadFile(filepath.Join(root, "test", tested.file))
	if err != nil {
		t.Fatal(err)
	}
	version := tested.pattern.FindSubmatch(content)
	if version == nil {
		t.Fatalf("%s does not name the version of %s", tested.file, program)
	}
	return fmt.Sprintf("%s%s.%s.%s", tested.prefix, version[1], version[2], version[3])
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// source returns the file of this repository that a service finds at a path.
func source(t *testing.T, service types.ServiceConfig, target string) string {
	t.Helper()
	for _, mount := range service.Volumes {
		relative, err := filepath.Rel(mount.Target, target)
		if err == nil && mount.Type == types.VolumeTypeBind && filepath.IsLocal(relative) {
			return filepath.Join(mount.Source, relative)
		}
	}
	t.Fatalf("%s finds nothing at %s", service.Name, target)
	return ""
}

// configFile returns the file that a service's --config.file names, and its path in the container.
func configFile(t *testing.T, service types.ServiceConfig) (file, target string) {
	t.Helper()
	for _, arg := range service.Command {
		if target, ok := strings.CutPrefix(arg, "--config.file="); ok {
			return source(t, service, target), target
		}
	}
	t.Fatalf("%s has no --config.file", service.Name)
	return "", ""
}

func sameFile(t *testing.T, got, want string) {
	t.Helper()
	wanted, err := filepath.Abs(filepath.Join(root, want))
	if err != nil {
		t.Fatal(err)
	}
	if got != wanted || !exists(got) {
		t.Errorf("got the file %s, want %s", got, wanted)
	}
}

// check runs one of the programs that "make programs" builds.
func check(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := exec.Command(root+"/.tools/"+program, args...).CombinedOutput(); err != nil {
		t.Errorf("%s %q (\"make programs\" builds it): %v\n%s", program, args, err, out)
	}
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(content, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestPrometheus(t *testing.T) {
	service := load(t).Services["prometheus"]
	file, target := configFile(t, service)
	sameFile(t, file, "alerts/examples/prometheus.yml")
	check(t, "promtool", "check", "config", "--lint-fatal", file)
	var config struct {
		RuleFiles []string `yaml:"rule_files"`
	}
	readYAML(t, file, &config)
	if len(config.RuleFiles) != 1 {
		t.Fatalf("the rule files are %q, want one", config.RuleFiles)
	}
	sameFile(t, source(t, service, path.Join(path.Dir(target), config.RuleFiles[0])), "alerts/alicdn_export.rules.yml")
}

func TestAlertmanager(t *testing.T) {
	file, _ := configFile(t, load(t).Services["alertmanager"])
	sameFile(t, file, "alerts/examples/alertmanager.yml")
	check(t, "amtool", "check-config", file)
}

func TestGrafana(t *testing.T) {
	service := load(t).Services["grafana"]
	sameFile(t, source(t, service, "/etc/grafana/provisioning/datasources/prometheus.yaml"),
		"dashboards/provisioning/datasources.yaml")
	provisioning := source(t, service, "/etc/grafana/provisioning/dashboards/alicdn-export.yaml")
	sameFile(t, provisioning, "dashboards/provisioning/dashboards.yaml")
	var config struct {
		Providers []struct {
			Options struct{ Path string }
		}
	}
	readYAML(t, provisioning, &config)
	if len(config.Providers) != 1 {
		t.Fatalf("%d providers, want 1", len(config.Providers))
	}
	for _, name := range []string{"overview.json", "account.json"} {
		sameFile(t, source(t, service, path.Join(config.Providers[0].Options.Path, name)), "dashboards/"+name)
	}
	home := service.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
	if home == nil {
		t.Fatal("there is no home dashboard")
	}
	sameFile(t, source(t, service, *home), "dashboards/overview.json")
}

// Every port of localhost that the configurations of Prometheus and Grafana name is one that the stack publishes. (The
// receivers in Alertmanager's example do not exist.)
func TestPorts(t *testing.T) {
	var published []string
	for _, service := range load(t).Services {
		for _, port := range service.Ports {
			published = append(published, port.Published)
		}
	}
	slices.Sort(published)
	if want := []string{"10077", "3000", "9090", "9093"}; !slices.Equal(published, want) {
		t.Errorf("the ports are %q, want %q", published, want)
	}
	for _, file := range []string{"alerts/examples/prometheus.yml", "dashboards/provisioning/datasources.yaml"} {
		content, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		ports := regexp.MustCompile(`localhost:(\d+)`).FindAllSubmatch(content, -1)
		if len(ports) == 0 {
			t.Errorf("%s does not name localhost", file)
		}
		for _, port := range ports {
			if !slices.Contains(published, string(port[1])) {
				t.Errorf("nothing listens on %s, which %s names", port[0], file)
			}
		}
	}
}
