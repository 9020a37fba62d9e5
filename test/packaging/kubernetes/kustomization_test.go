package kubernetes

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

func TestKustomization(t *testing.T) {
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), root+"/deploy/kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	rendered, err := resources.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	objects := decode(t, rendered)
	var kinds []string
	for _, o := range objects {
		kinds = append(kinds, o.GetObjectKind().GroupVersionKind().Kind)
	}
	slices.Sort(kinds)
	want := []string{
		"ConfigMap", "Deployment", "Namespace", "NetworkPolicy", "PrometheusRule", "Secret", "Service", "ServiceAccount",
		"ServiceMonitor",
	}
	if !slices.Equal(kinds, want) {
		t.Errorf("the kinds are %q, want %q", kinds, want)
	}
	accounts := checkManifests(t, objects)
	if len(accounts) != 1 || len(accounts[0].Expectations) == 0 {
		t.Errorf("the configuration has the accounts %+v, want one with an expectation", accounts)
	}
	namespace := only[*corev1.Namespace](objects)[0]
	for label, want := range map[string]string{
		"pod-security.kubernetes.io/enforce": "restricted", "pod-identity.alibabacloud.com/injection": "on",
	} {
		if got := namespace.Labels[label]; got != want {
			t.Errorf("the namespace's label %s is %q, want %q", label, got, want)
		}
	}
	role := only[*corev1.ServiceAccount](objects)[0].Annotations["pod-identity.alibabacloud.com/role-name"]
	if role == "" {
		t.Error("the ServiceAccount names no RAM role")
	}
}
