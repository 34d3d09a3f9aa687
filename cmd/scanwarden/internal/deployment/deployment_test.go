// Package deployment_test checks the files in deploy/ against the program: settings, metrics, paths and ports. It needs no network.
package deployment_test

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"scanwarden/cmd/scanwarden/internal/config"
)

const root = "../../../../"

// readFile returns a file of the repository.
func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(root + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// decodeStrict decodes one YAML document into value; a key that value does not have is an error.
func decodeStrict(t *testing.T, text string, value any) {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(value); err != nil {
		t.Fatal(err)
	}
}

// listDeployFiles returns the name of each file below deploy/.
func listDeployFiles(t *testing.T) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(root+"deploy", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			names = append(names, strings.TrimPrefix(filepath.ToSlash(path), root))
		}
		return err
	})
	if err != nil || len(names) == 0 {
		t.Fatalf("deploy/ has no files: %v", err)
	}
	return names
}

// TestSettingsOfDeployExist: a variable that the program does not know would keep it from starting.
func TestSettingsOfDeployExist(t *testing.T) {
	t.Parallel()
	known := map[string]bool{"SCANWARDEN_CONFIG": true}
	for _, setting := range config.Settings {
		known[setting.Env] = true
	}
	variable := regexp.MustCompile(`\b(?:SCANWARDEN|AZURE|SLACK)_[A-Z_]*[A-Z]\b`)
	found := 0
	for _, name := range listDeployFiles(t) {
		for _, used := range variable.FindAllString(readFile(t, name), -1) {
			found++
			if !known[used] {
				t.Errorf("%s: %s is not a setting of the program", name, used)
			}
		}
	}
	if found == 0 {
		t.Error("deploy/ names no setting: the pattern finds nothing")
	}
}

// TestMetricsOfDeployExist: an alert or a panel on a metric that does not exist stays silent for ever.
func TestMetricsOfDeployExist(t *testing.T) {
	t.Parallel()
	metric := regexp.MustCompile(`scanwarden_[a-z_]+`)
	counted := metric.FindAllString(readFile(t, "cmd/scanwarden/internal/server/metrics.go"), -1)
	documented := readFile(t, "docs/operations.md")
	for _, name := range []string{"deploy/prometheus/alerts.yaml", "deploy/prometheus/alerts_test.yaml", "deploy/grafana/scanwarden.json"} {
		used := metric.FindAllString(readFile(t, name), -1)
		if len(used) == 0 {
			t.Errorf("%s uses no metric", name)
		}
		for _, series := range used {
			base := strings.TrimSuffix(series, "_bucket")
			if !slices.Contains(counted, base) || !strings.Contains(documented, "`"+base) {
				t.Errorf("%s: %s is not a documented metric of the program", name, series)
			}
		}
	}
}

type alertRules struct {
	Groups []struct {
		Name  string
		Rules []struct {
			Alert, Expr, For    string
			Labels, Annotations map[string]string
		}
	}
}

// TestAlertsSayWhatToDo: each rule has a severity and says what to do, and a unit test names it.
func TestAlertsSayWhatToDo(t *testing.T) {
	t.Parallel()
	var rules alertRules
	decodeStrict(t, readFile(t, "deploy/prometheus/alerts.yaml"), &rules)
	tests := readFile(t, "deploy/prometheus/alerts_test.yaml")
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			if severity := rule.Labels["severity"]; severity != "page" && severity != "ticket" {
				t.Errorf("%s: severity %q", rule.Alert, severity)
			}
			if rule.Annotations["summary"] == "" || rule.Annotations["description"] == "" {
				t.Errorf("%s: a summary or description is missing", rule.Alert)
			}
			if !strings.Contains(tests, `alertname="`+rule.Alert+`"`) {
				t.Errorf("%s: no unit test expects it to fire", rule.Alert)
			}
		}
	}
	if len(rules.Groups) == 0 {
		t.Error("no rules")
	}
}

// TestAlertRulesWithPromtool runs the unit tests of the alerts.
func TestAlertRulesWithPromtool(t *testing.T) {
	t.Parallel()
	runTool(t, "promtool", "test", "rules", root+"deploy/prometheus/alerts_test.yaml")
}

// TestUnitIsHardened: systemd rates the exposure of the unit at 2.0 or less.
func TestUnitIsHardened(t *testing.T) {
	t.Parallel()
	runTool(t, "systemd-analyze", "security", "--offline=true", "--threshold=20", root+"deploy/systemd/scanwarden.service")
}

// runTool runs a tool that must succeed. Where the tool is not installed the test is skipped.
func runTool(t *testing.T, name string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not installed", name)
	}
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", name, err, bytes.TrimSpace(out))
	}
}

// TestUnitStartsTheServer: the unit runs a command of the program with a state directory that systemd makes.
func TestUnitStartsTheServer(t *testing.T) {
	t.Parallel()
	unit := readFile(t, "deploy/systemd/scanwarden.service")
	for _, line := range []string{
		"ExecStart=/usr/bin/scanwarden serve --config /etc/scanwarden/config.yaml",
		"SCANWARDEN_STATE_DIR=/var/lib/scanwarden", "StateDirectory=scanwarden", "DynamicUser=yes",
	} {
		if !strings.Contains(unit, line) {
			t.Errorf("the unit has no %q", line)
		}
	}
}
