// Package kubernetes tests the kustomization and the Helm chart: both are rendered as their users do, and every object
// is checked as far as this is possible without a cluster.
//
// What this cannot prove: that an API server admits the objects (it also checks names, ranges and combinations of
// fields), that a pod starts, and that an operator, a webhook or a network plugin acts on what it reads.
package kubernetes

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kube-openapi/pkg/validation/strfmt"
	"k8s.io/kube-openapi/pkg/validation/validate"
	"sigs.k8s.io/yaml"
)

// root is the root of the repository.
const root = "../../.."

// object is a Kubernetes object of a known type.
type object interface {
	metav1.Object
	runtime.Object
}

// decoder returns a decoder that knows the types of the objects that we ship, and refuses unknown fields.
var decoder = sync.OnceValue(func() runtime.Decoder {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		appsv1.AddToScheme, corev1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme, monitoringv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			panic(err)
		}
	}
	return serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
})

// decode returns the objects in a stream of YAML documents, without a mistake.
func decode(t *testing.T, documents []byte) []object {
	t.Helper()
	objects, err := decodeAll(t, documents)
	if err != nil {
		t.Fatalf("%v\n%s", err, documents)
	}
	return objects
}

// decodeAll returns the objects in a stream of YAML documents. Those of the Prometheus Operator must match its schemas too.
func decodeAll(t *testing.T, documents []byte) ([]object, error) {
	t.Helper()
	var objects []object
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(documents)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		var fields map[string]any
		if err := yaml.UnmarshalStrict(document, &fields); err != nil {
			return nil, err
		}
		if len(fields) == 0 { // Only comments.
			continue
		}
		decoded, kind, err := decoder().Decode(document, nil, nil)
		if err != nil {
			return nil, err
		}
		if kind.Group == monitoringv1.SchemeGroupVersion.Group {
			if err := validate.AgainstSchema(operatorSchema(t, kind.Kind), fields, strfmt.Default); err != nil {
				return nil, fmt.Errorf("%s %s: %w", kind.Kind, decoded.(object).GetName(), err)
			}
		}
		objects = append(objects, decoded.(object))
	}
}

// operatorSchema returns the schema of a kind of the Prometheus Operator.
func operatorSchema(t *testing.T, kind string) *spec.Schema {
	t.Helper()
	const module = "github.com/prometheus-operator/prometheus-operator"
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "example", "prometheus-operator-crd",
		monitoringv1.SchemeGroupVersion.Group+"_"+strings.ToLower(kind)+"s.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var definition struct {
		Spec struct {
			Versions []struct {
				Name   string
				Schema struct {
					OpenAPIV3Schema spec.Schema `json:"openAPIV3Schema"`
				}
			}
		}
	}
	if err := yaml.Unmarshal(content, &definition); err != nil {
		t.Fatal(err)
	}
	for _, version := range definition.Spec.Versions {
		if version.Name == monitoringv1.SchemeGroupVersion.Version {
			return &version.Schema.OpenAPIV3Schema
		}
	}
	t.Fatalf("%s has no version %s", kind, monitoringv1.SchemeGroupVersion.Version)
	return nil
}

// only returns the objects of type T.
func only[T object](objects []object) []T {
	var found []T
	for _, o := range objects {
		if o, ok := o.(T); ok {
			found = append(found, o)
		}
	}
	return found
}

func TestDecode(t *testing.T) {
	const service = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"
	const monitor = "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: a}\nspec:\n  selector: {}\n"
	for name, tc := range map[string]struct {
		documents string
		objects   int // 0 if the documents must be refused
	}{
		"reads objects":                                    {documents: service + "---\n# nothing\n---\n" + service, objects: 2},
		"refuses an unknown field":                         {documents: service + "spec: {ports: [{prot: 80}]}"},
		"refuses a wrong type":                             {documents: service + "spec: {ports: [{port: http}]}"},
		"refuses a value that a schema's pattern excludes": {documents: monitor + "  endpoints: [{interval: often}]"},
		"refuses a value that a schema does not list":      {documents: monitor + "  endpoints: [{scheme: ftp}]"},
	} {
		t.Run(name, func(t *testing.T) {
			objects, err := decodeAll(t, []byte(tc.documents))
			if len(objects) != tc.objects || (err == nil) != (tc.objects > 0) {
				t.Errorf("%d objects, %v, want %d", len(objects), err, tc.objects)
			}
		})
	}
}
