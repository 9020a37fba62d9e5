package kubernetes

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"alicdn_export_exporter/internal/config"
	"alicdn_export_exporter/internal/credentials"
)

// checkManifests checks that the objects of one installation fit together, and returns the accounts that the exporter
// reads from its configuration.
func checkManifests(t *testing.T, objects []object) []config.Account {
	t.Helper()
	deployments := only[*appsv1.Deployment](objects)
	if len(deployments) != 1 {
		t.Fatalf("%d Deployments, want 1", len(deployments))
	}
	pod := deployments[0].Spec.Template
	checkPodSecurity(t, pod)
	checkSelectors(t, objects, deployments[0])
	checkNames(t, objects, deployments[0])

	container := pod.Spec.Containers[0]
	app := kingpin.New("alicdn_export_exporter", "")
	flags := config.AddFlags(app)
	if _, err := app.Parse(container.Args); err != nil {
		t.Fatalf("args: %v", err)
	}
	if err := flags.Validate(); err != nil {
		t.Errorf("args: %v", err)
	}
	mount, volume := mountOf(pod.Spec, flags.ConfigFile)
	if volume.ConfigMap == nil {
		t.Fatalf("--config.file=%s is not in a ConfigMap's volume", flags.ConfigFile)
	}
	dir := t.TempDir()
	for _, configMap := range only[*corev1.ConfigMap](objects) {
		if configMap.Name == volume.ConfigMap.Name {
			for name, content := range configMap.Data {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	relative, err := filepath.Rel(mount.MountPath, flags.ConfigFile)
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := config.Load(filepath.Join(dir, relative), flags.Account)
	if err != nil {
		t.Errorf("the configuration file: %v", err)
	}
	for _, account := range accounts {
		checkKeyFiles(t, objects, pod.Spec, account)
	}
	return accounts
}

// checkPodSecurity checks that a pod needs nothing that Pod Security's level "restricted" refuses, that it gets neither a
// token of the Kubernetes API nor variables for services, and that its process cannot write.
func checkPodSecurity(t *testing.T, pod corev1.PodTemplateSpec) {
	t.Helper()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	result := policy.AggregateCheckResults(evaluator.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec))
	if !result.Allowed {
		t.Errorf("Pod Security: %s", result.ForbiddenDetail())
	}
	isFalse := func(b *bool) bool { return b != nil && !*b }
	if !isFalse(pod.Spec.EnableServiceLinks) {
		t.Error("enableServiceLinks is not false: variables of services would begin like those of the flags")
	}
	if !isFalse(pod.Spec.AutomountServiceAccountToken) {
		t.Error("automountServiceAccountToken is not false")
	}
	for _, container := range pod.Spec.Containers {
		if readOnly := container.SecurityContext.ReadOnlyRootFilesystem; readOnly == nil || !*readOnly {
			t.Errorf("the container %s can write to its files", container.Name)
		}
	}
}

// checkSelectors checks that everything that selects pods or services selects the exporter's, and that ports exist.
func checkSelectors(t *testing.T, objects []object, deployment *appsv1.Deployment) {
	t.Helper()
	pod := deployment.Spec.Template
	selectsPod := func(o metav1.Object, selector *metav1.LabelSelector) {
		t.Helper()
		s, err := metav1.LabelSelectorAsSelector(selector)
		if err != nil || s.Empty() || !s.Matches(labels.Set(pod.Labels)) {
			t.Errorf("%s: the selector %s does not match the pod's labels %v, %v", o.GetName(), s, pod.Labels, err)
		}
	}
	ports := make(map[string]int32)
	for _, port := range pod.Spec.Containers[0].Ports {
		ports[port.Name] = port.ContainerPort
	}
	if ports["metrics"] != 10077 {
		t.Errorf("the container's ports are %v, want metrics: 10077", ports)
	}
	probed := []string{}
	for _, probe := range []*corev1.Probe{pod.Spec.Containers[0].LivenessProbe, pod.Spec.Containers[0].ReadinessProbe} {
		switch {
		case probe != nil && probe.HTTPGet != nil:
			probed = append(probed, probe.HTTPGet.Port.StrVal+probe.HTTPGet.Path)
		case probe != nil && probe.TCPSocket != nil:
			probed = append(probed, probe.TCPSocket.Port.StrVal)
		}
	}
	if want := []string{"metrics/-/healthy", "metrics/-/ready"}; !slices.Equal(probed, want) &&
		!slices.Equal(probed, []string{"metrics", "metrics"}) {
		t.Errorf("the probes are %q, want %q", probed, want)
	}
	selectsPod(deployment, deployment.Spec.Selector)
	services := only[*corev1.Service](objects)
	for _, service := range services {
		selectsPod(service, metav1.SetAsLabelSelector(service.Spec.Selector))
		for _, port := range service.Spec.Ports {
			if _, ok := ports[port.TargetPort.StrVal]; !ok {
				t.Errorf("the Service's port %s is none of the container's", port.TargetPort.StrVal)
			}
		}
		if !strings.HasPrefix(service.Name, "alicdn-export") && !strings.HasPrefix(service.Name, "alicdn_export") &&
			len(only[*monitoringv1.ServiceMonitor](objects)) > 0 && only[*monitoringv1.ServiceMonitor](objects)[0].Spec.JobLabel == "" {
			t.Errorf("the alerts do not match the job %q", service.Name)
		}
	}
	for _, monitor := range only[*monitoringv1.ServiceMonitor](objects) {
		selector, err := metav1.LabelSelectorAsSelector(&monitor.Spec.Selector)
		selects := func(s *corev1.Service) bool {
			return s.Namespace == monitor.Namespace && selector.Matches(labels.Set(s.Labels)) &&
				slices.ContainsFunc(s.Spec.Ports, func(p corev1.ServicePort) bool { return p.Name == monitor.Spec.Endpoints[0].Port })
		}
		if err != nil || selector.Empty() || len(monitor.Spec.Endpoints) != 1 || !slices.ContainsFunc(services, selects) {
			t.Errorf("the ServiceMonitor selects no port of a Service, %v", err)
		}
	}
	for _, networkPolicy := range only[*networkingv1.NetworkPolicy](objects) {
		selectsPod(networkPolicy, &networkPolicy.Spec.PodSelector)
	}
	for _, budget := range only[*policyv1.PodDisruptionBudget](objects) {
		selectsPod(budget, budget.Spec.Selector)
	}
}

// checkNames checks that all objects are in one namespace, that no two of a kind have the same name, and that the pod's
// service account and ConfigMaps exist.
func checkNames(t *testing.T, objects []object, deployment *appsv1.Deployment) {
	t.Helper()
	exists := make(map[string]bool)
	for _, o := range objects {
		kind := o.GetObjectKind().GroupVersionKind().Kind
		if kind != "Namespace" && o.GetNamespace() != deployment.Namespace {
			t.Errorf("%s %s is in the namespace %q", kind, o.GetName(), o.GetNamespace())
		}
		if exists[kind+" "+o.GetName()] {
			t.Errorf("two %ss are called %s", kind, o.GetName())
		}
		exists[kind+" "+o.GetName()] = true
	}
	spec := deployment.Spec.Template.Spec
	// The values in ci/ call what the user makes existing-….
	if name := spec.ServiceAccountName; name != "default" && !exists["ServiceAccount "+name] && !strings.HasPrefix(name, "existing") {
		t.Errorf("there is no ServiceAccount %s", name)
	}
	for _, volume := range spec.Volumes {
		if volume.ConfigMap != nil && !exists["ConfigMap "+volume.ConfigMap.Name] {
			t.Errorf("there is no ConfigMap %s", volume.ConfigMap.Name)
		}
	}
	for _, mount := range spec.Containers[0].VolumeMounts {
		if !slices.ContainsFunc(spec.Volumes, func(v corev1.Volume) bool { return v.Name == mount.Name }) {
			t.Errorf("there is no volume %s", mount.Name)
		}
	}
}

// mountOf returns the mount that a path is in, and its volume.
func mountOf(spec corev1.PodSpec, path string) (corev1.VolumeMount, corev1.Volume) {
	for _, mount := range spec.Containers[0].VolumeMounts {
		if strings.HasPrefix(path, mount.MountPath+"/") {
			for _, volume := range spec.Volumes {
				if volume.Name == mount.Name {
					return mount, volume
				}
			}
		}
	}
	return corev1.VolumeMount{}, corev1.Volume{}
}

// checkKeyFiles checks that the files with an account's key are in a Secret, and that the exporter's user may read them.
func checkKeyFiles(t *testing.T, objects []object, spec corev1.PodSpec, account config.Account) {
	t.Helper()
	for _, path := range keyFiles(account.Credentials) {
		mount, volume := mountOf(spec, path)
		if volume.Secret == nil {
			t.Errorf("account %s: %s is not in a Secret's volume", account.Name, path)
			continue
		}
		if mode := volume.Secret.DefaultMode; mode == nil || *mode != 0o440 || spec.SecurityContext.FSGroup == nil ||
			*spec.SecurityContext.FSGroup != *spec.SecurityContext.RunAsGroup {
			t.Errorf("account %s: only the exporter's group should be able to read %s", account.Name, path)
		}
		for _, secret := range only[*corev1.Secret](objects) {
			key := strings.TrimPrefix(path, mount.MountPath+"/")
			if _, ok := secret.StringData[key]; !ok && secret.Name == volume.Secret.SecretName {
				t.Errorf("account %s: the Secret has no key %s, only %q", account.Name, key, slices.Sorted(maps.Keys(secret.StringData)))
			}
		}
	}
}

// keyFiles returns the files that credentials come from.
func keyFiles(c credentials.Config) []string {
	var files []string
	for _, path := range []string{c.AccessKeyIDFile, c.AccessKeySecretFile, c.SecurityTokenFile} {
		if path != "" {
			files = append(files, path)
		}
	}
	return files
}
