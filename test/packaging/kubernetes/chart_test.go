package kubernetes

import (
	"bytes"
	"encoding/json"
	"flag"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	chartcommon "helm.sh/helm/v4/pkg/chart/common"
	chartutil "helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartv2util "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"alicdn_export_exporter/internal/config"
)

var update = flag.Bool("update", false, "write the golden files, and the table of values in the chart's README")

const chartDir = root + "/deploy/helm"

func TestMain(m *testing.M) {
	slog.SetLogLoggerLevel(slog.LevelWarn) // Helm mentions every symbolic link.
	os.Exit(m.Run())
}

// valueSets returns the names and the values of the files in the chart's ci/.
func valueSets(t *testing.T) map[string]map[string]any {
	t.Helper()
	files, err := filepath.Glob(chartDir + "/ci/*-values.yaml")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d value sets, want at least 8, %v", len(files), err)
	}
	sets := make(map[string]map[string]any)
	for _, file := range files {
		sets[strings.TrimSuffix(filepath.Base(file), "-values.yaml")] = readYAML[map[string]any](t, file)
	}
	return sets
}

func readYAML[T any](t *testing.T, path string) (value T) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err == nil {
		err = yaml.UnmarshalStrict(content, &value)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return value
}

func load(t *testing.T) *chart.Chart {
	t.Helper()
	loaded, err := loader.Load(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// render returns what "helm install exports" would apply.
func render(t *testing.T, c *chart.Chart, values map[string]any) []byte {
	t.Helper()
	all, err := chartutil.ToRenderValues(c, values,
		chartcommon.ReleaseOptions{Name: "exports", Namespace: "finance", Revision: 1, IsInstall: true}, chartcommon.DefaultCapabilities)
	if err != nil {
		t.Fatal(err)
	}
	files, err := engine.Engine{Strict: true}.RenderWithContext(t.Context(), c, all)
	if err != nil {
		t.Fatal(err)
	}
	var rendered bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if content := strings.TrimSpace(files[name]); content != "" && strings.HasSuffix(name, ".yaml") {
			rendered.WriteString("---\n" + strings.TrimPrefix(content, "---\n") + "\n")
		}
	}
	return rendered.Bytes()
}

func TestChart(t *testing.T) {
	for name, values := range valueSets(t) {
		t.Run(name, func(t *testing.T) {
			for _, message := range lint.RunAll(chartDir, values, "finance").Messages {
				if message.Severity > support.InfoSev {
					t.Errorf("lint: %s", message)
				}
			}
			c := load(t)
			objects := decode(t, render(t, c, values))
			accounts := checkManifests(t, objects)
			if want, ok := values["accounts"].([]any); ok && len(accounts) != len(want) {
				t.Errorf("the exporter reads %d accounts, want %d", len(accounts), len(want))
			}
			for _, rule := range only[*monitoringv1.PrometheusRule](objects) {
				checkRules(t, rule)
			}
			for _, configMap := range only[*corev1.ConfigMap](objects) {
				checkDashboards(t, configMap)
			}
			checkGolden(t, name, c, values)
		})
	}
}

// The chart in the repository links to the alerts and dashboards; a packaged one must contain them.
func TestPackagedChart(t *testing.T) {
	path, err := chartv2util.Save(load(t), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	packaged, err := loader.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	values := valueSets(t)["monitoring"]
	if diff := cmp.Diff(string(render(t, load(t), values)), string(render(t, packaged, values))); diff != "" {
		t.Errorf("the packaged chart differs; -repository +packaged:\n%s", diff)
	}
}

// The examples in the chart's README can be installed.
func TestChartExamples(t *testing.T) {
	readme, err := os.ReadFile(chartDir + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("```yaml\n([^`]*)```").FindAllStringSubmatch(string(readme), -1)
	if len(examples) == 0 {
		t.Fatal("no examples")
	}
	for _, example := range examples {
		var values map[string]any
		if err := yaml.UnmarshalStrict([]byte(example[1]), &values); err != nil {
			t.Fatalf("%v\n%s", err, example[1])
		}
		checkManifests(t, decode(t, render(t, load(t), values)))
	}
}

// checkRules checks that a PrometheusRule has exactly our rules, and that promtool accepts them.
func checkRules(t *testing.T, rule *monitoringv1.PrometheusRule) {
	t.Helper()
	const ours = root + "/alerts/alicdn_export.rules.yml"
	if diff := cmp.Diff(readYAML[monitoringv1.PrometheusRuleSpec](t, ours), rule.Spec); diff != "" {
		t.Errorf("the rules differ from %s; -want +got:\n%s", ours, diff)
	}
	content, err := yaml.Marshal(rule.Spec)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(root+"/.tools/promtool", "check", "rules", "--lint-fatal", file).CombinedOutput(); err != nil {
		t.Errorf("promtool (\"make programs\" builds it): %v\n%s", err, out)
	}
}

// checkDashboards checks that the dashboards in a ConfigMap are exactly ours.
func checkDashboards(t *testing.T, configMap *corev1.ConfigMap) {
	t.Helper()
	for key, got := range configMap.Data {
		name, ok := strings.CutPrefix(key, "alicdn-export-")
		if !ok {
			continue
		}
		want, err := os.ReadFile(filepath.Join(root, "dashboards", name))
		if err != nil {
			t.Fatal(err)
		}
		if strings.TrimSpace(got) != strings.TrimSpace(string(want)) {
			t.Errorf("%s differs from dashboards/%s", key, name)
		}
		if labels := configMap.Labels; labels["grafana_dashboard"] != "1" {
			t.Errorf("%s: the sidecar does not find the labels %v", key, labels)
		}
	}
}

// The chart has every dashboard of the repository.
func TestChartDashboards(t *testing.T) {
	want, err := filepath.Glob(root + "/dashboards/*.json")
	if err != nil || len(want) == 0 {
		t.Fatalf("no dashboards, %v", err)
	}
	c := load(t)
	for _, path := range want {
		linked := func(file *chartcommon.File) bool { return file.Name == "files/dashboards/"+filepath.Base(path) }
		if !slices.ContainsFunc(c.Files, linked) {
			t.Errorf("the chart has no link to dashboards/%s in files/dashboards", filepath.Base(path))
		}
	}
}

// checkGolden compares the manifests with those in testdata, in which each dashboard and the rules are only mentioned.
func checkGolden(t *testing.T, name string, c *chart.Chart, values map[string]any) {
	t.Helper()
	for _, file := range c.Files {
		if strings.HasPrefix(file.Name, "files/") {
			file.Data = []byte("content: " + file.Name + "\n")
		}
	}
	got := render(t, c, values)
	path := filepath.Join("testdata", name+".yaml")
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("the manifests differ from testdata/%s.yaml; if they are right, run the test with -update; -want +got:\n%s", name, diff)
	}
}

// A value that the chart does not have, or of another type, must not pass in silence.
func TestChartSchema(t *testing.T) {
	c := load(t)
	for name, values := range map[string]string{
		"unknown value":            "replica: 2",
		"unknown key of account":   "accounts: [{name: a, grase: 3d}]",
		"account without name":     "accounts: [{exports: [usage]}]",
		"no account":               "accounts: []",
		"unknown export":           "accounts: [{name: a, exports: [bill]}]",
		"unknown credentials":      "accounts: [{name: a, credentials: {type: magic}}]",
		"secret in credentials":    "accounts: [{name: a, credentials: {type: access_key, access_key_secret: x}}]",
		"expectation without name": "accounts: [{name: a, expectations: [{export: usage, every: month}]}]",
		"text for a number":        "replicas: two",
		"another config.file":      "flags: {config.file: /x}",
		"digest that is a tag":     "image: {digest: v1}",
	} {
		t.Run(name, func(t *testing.T) {
			var parsed map[string]any
			if err := yaml.Unmarshal([]byte(values), &parsed); err != nil {
				t.Fatal(err)
			}
			merged, err := chartutil.CoalesceValues(c, parsed)
			if err != nil {
				t.Fatal(err)
			}
			if err := chartutil.ValidateAgainstSchema(c, merged); err == nil {
				t.Errorf("%s is accepted", values)
			}
		})
	}
	t.Run("has the keys of an account that the exporter has", func(t *testing.T) {
		var schema schemaObject
		if err := json.Unmarshal(c.Schema, &schema); err != nil {
			t.Fatal(err)
		}
		compareKeys(t, "accounts", schema.Properties["accounts"], reflect.TypeFor[config.Account]())
	})
}

// schemaObject is the part of a JSON schema that compareKeys reads.
type schemaObject struct {
	Properties map[string]schemaObject
	Items      *schemaObject
}

// compareKeys compares the properties of a schema with the YAML keys of a type, and their properties with theirs.
func compareKeys(t *testing.T, path string, schema schemaObject, of reflect.Type) {
	t.Helper()
	if of.Kind() == reflect.Slice {
		of = of.Elem()
	}
	if schema.Items != nil {
		schema = *schema.Items
	}
	if len(schema.Properties) == 0 {
		return
	}
	keys := make(map[string]bool)
	for field := range of.Fields() {
		key, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		keys[key] = true
		if property, ok := schema.Properties[key]; ok {
			compareKeys(t, path+"."+key, property, field.Type)
		}
	}
	if got, want := slices.Sorted(maps.Keys(schema.Properties)), slices.Sorted(maps.Keys(keys)); !slices.Equal(got, want) {
		t.Errorf("the schema of %s has the keys %q, the exporter %q", path, got, want)
	}
}
