package deployment_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"go.yaml.in/yaml/v3"

	"scanwarden/cmd/scanwarden/internal/config"
)

const chart = "deploy/helm/scanwarden/"

type object = map[string]any

// chartFiles is what a template finds under .Files.
type chartFiles struct{ t *testing.T }

// Get returns a file of the chart.
func (f chartFiles) Get(name string) string { return readFile(f.t, chart+name) }

// renderChart renders the templates of the chart with the default values and changes to them, and returns each object by its
// kind. It has the few functions of Helm that the chart uses, because Helm is too large for an ordinary test run.
func renderChart(t *testing.T, changes ...object) (map[string]object, error) {
	t.Helper()
	values := object{}
	decodeStrict(t, readFile(t, chart+"values.yaml"), &values)
	for _, change := range changes {
		mergeValues(values, change)
	}
	templates := template.New("").Option("missingkey=error")
	templates.Funcs(helmFunctions(templates))
	if _, err := templates.ParseGlob(filepath.FromSlash(root + chart + "templates/*")); err != nil {
		t.Fatal(err)
	}
	data := object{
		"Values": values, "Files": chartFiles{t}, "Chart": object{"AppVersion": "0.1.0"},
		"Release": object{"Name": "scans", "Namespace": "security", "Service": "Helm"},
	}
	objects := map[string]object{}
	for _, file := range templates.Templates() {
		if !strings.HasSuffix(file.Name(), ".yaml") {
			continue
		}
		var text bytes.Buffer
		if err := file.Execute(&text, data); err != nil {
			return nil, err
		}
		collectObjects(t, text.String(), objects)
	}
	return objects, nil
}

// mergeValues puts changes over values, key by key, as Helm does.
func mergeValues(values, changes object) {
	for key, value := range changes {
		inside, isMap := value.(object)
		if old, was := values[key].(object); was && isMap {
			mergeValues(old, inside)
		} else {
			values[key] = value
		}
	}
}

// collectObjects adds the objects of a YAML stream to objects. A key that is there twice is an error.
func collectObjects(t *testing.T, text string, objects map[string]object) {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(text))
	for {
		var one object
		err := decoder.Decode(&one)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if one != nil {
			objects[one["kind"].(string)] = one
		}
	}
}

// helmFunctions returns the functions of Helm that the chart uses.
func helmFunctions(templates *template.Template) template.FuncMap {
	return template.FuncMap{
		"include": func(name string, data any) (string, error) {
			var text strings.Builder
			err := templates.ExecuteTemplate(&text, name, data)
			return text.String(), err
		},
		"nindent": func(width int, text string) string {
			margin := "\n" + strings.Repeat(" ", width)
			return margin + strings.ReplaceAll(text, "\n", margin)
		},
		"toYaml": func(value any) (string, error) {
			text, err := yaml.Marshal(value)
			return strings.TrimSuffix(string(text), "\n"), err
		},
		"quote": func(value any) string { return fmt.Sprintf("%q", fmt.Sprint(value)) },
		"list":  func(values ...any) []any { return values },
		"default": func(fallback, value any) any {
			if value == nil || value == "" {
				return fallback
			}
			return value
		},
		"required": func(says string, value any) (any, error) {
			if value == nil || value == "" {
				return nil, errors.New(says)
			}
			return value, nil
		},
	}
}

// findValue returns what stands at a path of keys and indexes, or nil.
func findValue(value any, path ...any) any {
	for _, step := range path {
		switch at := step.(type) {
		case string:
			inside, _ := value.(object)
			value = inside[at]
		case int:
			list, _ := value.([]any)
			if at >= len(list) {
				return nil
			}
			value = list[at]
		}
	}
	return value
}

// needed are the values without which the chart does not render.
var needed = object{"image": object{"repository": "registry.example/scanwarden"}, "existingSecret": "secrets", "keysSecret": "keys"}

// TestChartNamesMissingValues: a value that is required is named when it is missing.
func TestChartNamesMissingValues(t *testing.T) {
	t.Parallel()
	for missing, changes := range map[string]object{
		"image.repository": {"image": object{"repository": ""}}, "existingSecret": {"existingSecret": ""}, "keysSecret": {"keysSecret": ""},
		"ingress.host": {"ingress": object{"enabled": true}}, "externalSecret.storeName": {"externalSecret": object{"enabled": true}},
		"workloadIdentity.clientId": {"workloadIdentity": object{"enabled": true}},
	} {
		if _, err := renderChart(t, needed, changes); err == nil || !strings.Contains(err.Error(), "set "+missing) {
			t.Errorf("without %s: %v", missing, err)
		}
	}
}

// TestChartPodIsHardened: the pod has no rights that it does not need, and probes that the program answers.
func TestChartPodIsHardened(t *testing.T) {
	t.Parallel()
	objects, err := renderChart(t, needed)
	if err != nil {
		t.Fatal(err)
	}
	pod := findValue(objects["Deployment"], "spec", "template", "spec")
	container := findValue(pod, "containers", 0)
	for _, c := range []struct {
		in   any
		path []any
		want any
	}{
		{objects["Deployment"], []any{"spec", "replicas"}, 2},
		{pod, []any{"enableServiceLinks"}, false}, {pod, []any{"automountServiceAccountToken"}, false},
		{pod, []any{"securityContext", "runAsNonRoot"}, true}, {pod, []any{"securityContext", "runAsUser"}, 65532},
		{container, []any{"securityContext", "readOnlyRootFilesystem"}, true},
		{container, []any{"securityContext", "allowPrivilegeEscalation"}, false},
		{container, []any{"securityContext", "capabilities", "drop", 0}, "ALL"},
		{container, []any{"args", 0}, "serve"}, {container, []any{"ports", 0, "containerPort"}, 8484},
		{container, []any{"readinessProbe", "httpGet", "path"}, "/readyz"},
		{container, []any{"livenessProbe", "httpGet", "path"}, "/healthz"},
		{objects["PodDisruptionBudget"], []any{"spec", "maxUnavailable"}, 1},
		{objects["NetworkPolicy"], []any{"spec", "ingress", 0, "ports", 0, "port"}, 8484},
	} {
		if got := findValue(c.in, c.path...); got != c.want {
			t.Errorf("%v = %v, want %v", c.path, got, c.want)
		}
	}
	routes := readFile(t, "cmd/scanwarden/internal/server/routes.go")
	for _, path := range []string{"/readyz", "/healthz", "/metrics"} {
		if !strings.Contains(routes, `"GET `+path+`"`) {
			t.Errorf("the program does not serve %s", path)
		}
	}
}

// TestChartRendersEveryOption: each part that can be switched on renders, and what is off is not there.
func TestChartRendersEveryOption(t *testing.T) {
	t.Parallel()
	optional := []string{"Ingress", "ExternalSecret", "PodMonitor", "PrometheusRule"}
	plain, err := renderChart(t, needed)
	if err != nil {
		t.Fatal(err)
	}
	all, err := renderChart(t, needed, object{
		"settings":         object{"SCANWARDEN_APPROVERS": "token:default"},
		"ingress":          object{"enabled": true, "className": "nginx", "host": "scans.example.com", "tlsSecret": "tls"},
		"externalSecret":   object{"enabled": true, "storeName": "vault", "entry": "scanwarden"},
		"workloadIdentity": object{"enabled": true, "clientId": "11112222-bbbb-3333-cccc-4444dddd5555", "tenantId": "contoso.example"},
		"podMonitor":       object{"enabled": true}, "prometheusRule": object{"enabled": true},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range optional {
		if plain[kind] != nil || all[kind] == nil {
			t.Errorf("%s: rendered by default %t, when switched on %t", kind, plain[kind] != nil, all[kind] != nil)
		}
	}
	if findValue(all["PrometheusRule"], "spec", "groups", 0, "name") != "scanwarden" {
		t.Error("the rules are not in the PrometheusRule")
	}
	if findValue(all["Deployment"], "spec", "template", "metadata", "labels", "azure.workload.identity/use") != "true" {
		t.Error("the pod has no label for workload identity")
	}
	for _, variable := range findValue(all["Deployment"], "spec", "template", "spec", "containers", 0, "env").([]any) {
		if name := findValue(variable, "name"); !isSetting(name.(string)) {
			t.Errorf("%s is not a setting", name)
		}
	}
}

// isSetting reports whether the program has a setting of this variable.
func isSetting(name string) bool {
	for _, setting := range config.Settings {
		if setting.Env == name {
			return true
		}
	}
	return false
}

// TestChartHasTheAlerts: the chart can hold only files of its own, so its copy of the rules must be the tested one.
func TestChartHasTheAlerts(t *testing.T) {
	t.Parallel()
	if readFile(t, chart+"alerts.yaml") != readFile(t, "deploy/prometheus/alerts.yaml") {
		t.Error("copy deploy/prometheus/alerts.yaml to " + chart + "alerts.yaml")
	}
}
