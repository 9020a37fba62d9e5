package main

import (
	"io"
	"os"
	"regexp"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The Deployment of docs/scale.md starts the program with flags that it has, and
// asks it for what it serves.
func TestTheDeploymentOfTheDocs(t *testing.T) {
	content, err := os.ReadFile("docs/scale.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(content)
	if block == nil {
		t.Fatal("docs/scale.md has no Deployment")
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
	if err := yaml.Unmarshal(block[1], &deployment); err != nil {
		t.Fatal(err)
	}
	containers := deployment.Spec.Template.Spec.Containers
	if len(containers) != 1 || len(containers[0].Ports) != 1 {
		t.Fatalf("containers %+v", containers)
	}
	line := newCommandLine(io.Discard)
	if _, err := line.app.Parse(containers[0].Args); err != nil {
		t.Errorf("its arguments: %v", err)
	}
	port := containers[0].Ports[0]
	if want := (*line.flags.Web.WebListenAddresses)[0]; port.ContainerPort != 10077 || want != ":10077" {
		t.Errorf("its port is %d, the program listens on %s", port.ContainerPort, want)
	}
	p, address := exporter(t, "--demo")
	for _, asked := range []probe{containers[0].LivenessProbe, containers[0].ReadinessProbe} {
		if status, _ := get(t, address+asked.HTTPGet.Path); status != 200 || asked.HTTPGet.Path == "" || asked.HTTPGet.Port != port.Name {
			t.Errorf("the probe %+v is answered with %d", asked, status)
		}
	}
	p.stop()
}
