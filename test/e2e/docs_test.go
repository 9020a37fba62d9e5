package e2e_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The Deployment in deploy/kubernetes uses only flags and paths that exist, and the default port.
func TestKubernetesDeployment(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(filepath.Join(root, "deploy", "kubernetes", "deployment.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	type probe struct {
		HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
	}
	var deployment struct {
		Spec struct {
			Template struct {
				Spec struct {
					Containers []struct {
						Args  []string
						Ports []struct {
							Name          string
							ContainerPort int `yaml:"containerPort"`
						}
						LivenessProbe  probe `yaml:"livenessProbe"`
						ReadinessProbe probe `yaml:"readinessProbe"`
					}
				}
			}
		}
	}
	if err := yaml.Unmarshal(content, &deployment); err != nil {
		t.Fatal(err)
	}
	containers := deployment.Spec.Template.Spec.Containers
	if len(containers) != 1 || len(containers[0].Ports) != 1 {
		t.Fatalf("containers %+v", containers)
	}
	container, port := containers[0], containers[0].Ports[0]

	flags := programFlags(t)
	i := slices.IndexFunc(flags, func(f programFlag) bool { return f.name == "web.listen-address" })
	if port.ContainerPort != 10077 || i < 0 || flags[i].value != ":10077" {
		t.Errorf("containerPort is %d, want 10077, the default of --web.listen-address in %v", port.ContainerPort, flags)
	}

	// A file in a temporary directory replaces the mounted one. Nothing answers at the endpoint: the probes do not need it.
	file := writeFile(t, "exporter.yml", "accounts: [{name: a, endpoint: 'http://127.0.0.1:1'}]")
	var args []string
	for _, arg := range container.Args {
		if path, ok := strings.CutPrefix(arg, "--config.file="); ok {
			if !filepath.IsAbs(path) {
				t.Errorf("%s is not a mounted file", path)
			}
			arg = "--config.file=" + file
		}
		args = append(args, arg)
	}
	_, address := serve(t, keyEnv(defaultKey), args...)
	for _, probe := range []probe{container.LivenessProbe, container.ReadinessProbe} {
		status, _ := get(t, address+probe.HTTPGet.Path)
		if status != 200 || probe.HTTPGet.Path == "" || probe.HTTPGet.Port != port.Name {
			t.Errorf("probe %+v: status %d, want 200", probe, status)
		}
	}
}
