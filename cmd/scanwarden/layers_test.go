package main

import (
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// packageRule lists what one package may import: packages of ours, and the external modules that no other package may
// import.
type packageRule struct{ internal, external []string }

// slackGo is the one module that several packages may import: slackbot and its two internal packages.
const slackGo = "github.com/slack-go/slack"

// packageRules is the table of docs/architecture.md and of the design. A package that is not in it fails the test: give
// it a row, and decide what it may know, before you write it.
var packageRules = map[string]packageRule{
	// The command, from top to bottom. Each may import what stands below it.
	"cmd/scanwarden": {
		internal: []string{
			"cmd/scanwarden/internal/doctor", "cmd/scanwarden/internal/server", "cmd/scanwarden/internal/config",
			"cmd/scanwarden/internal/terminal", "slackbot", "tools/mcpserver", "tools", "confirm", "confirm/store", "defender", "defender/defendertest",
		},
		external: []string{"github.com/spf13/cobra", "github.com/spf13/pflag"},
	},
	"cmd/scanwarden/internal/terminal": {external: []string{"golang.org/x/term", "golang.org/x/text/width"}},
	"cmd/scanwarden/internal/doctor": {internal: []string{
		"cmd/scanwarden/internal/server", "cmd/scanwarden/internal/config",
		"slackbot", "tools/mcpserver/auth", "tools", "confirm", "confirm/store", "defender", "defender/entra",
	}},
	"cmd/scanwarden/internal/browser": {},
	"cmd/scanwarden/internal/server": {
		internal: []string{
			"cmd/scanwarden/internal/config", "cmd/scanwarden/internal/browser",
			"slackbot", "tools/mcpserver", "tools/mcpserver/auth", "confirm/web", "tools", "confirm", "confirm/store",
			"defender", "defender/entra", "defender/keyvault", "defender/defendertest",
		},
		external: []string{"github.com/VictoriaMetrics/metrics"},
	},
	"cmd/scanwarden/internal/config": {
		internal: []string{
			"tools", "tools/mcpserver/auth", "confirm", "confirm/rule", "defender", "defender/entra",
			"defender/keyvault", // for the form of a reference, which is refused with its line
		},
		external: []string{"go.yaml.in/yaml", "github.com/santhosh-tekuri/jsonschema"},
	},

	// The product.
	"slackbot":                        {internal: []string{"slackbot/internal/form", "slackbot/internal/blocks", "tools", "confirm"}, external: []string{slackGo}},
	"slackbot/internal/form":          {internal: []string{"slackbot/internal/blocks", "tools"}, external: []string{slackGo}},
	"slackbot/internal/blocks":        {internal: []string{"tools", "confirm"}, external: []string{slackGo}},
	"tools/mcpserver":                 {internal: []string{"tools", "tools/mcpserver/auth", "tools/mcpserver/internal/limits", "confirm"}, external: []string{"github.com/mark3labs/mcp-go", "golang.org/x/net"}},
	"tools/mcpserver/internal/limits": {},
	"tools/mcpserver/auth":            {internal: []string{"confirm"}, external: []string{"github.com/golang-jwt/jwt", "github.com/MicahParks/keyfunc", "github.com/MicahParks/jwkset"}},
	"tools":                           {internal: []string{"tools/internal/confusable", "tools/internal/target", "confirm", "defender"}, external: []string{"github.com/invopop/jsonschema", "golang.org/x/text"}},
	"tools/internal/confusable":       {external: []string{"golang.org/x/text"}},
	"tools/internal/target":           {external: []string{"go4.org/netipx"}},
	"confirm":                         {},
	"confirm/rule":                    {internal: []string{"confirm"}, external: []string{"cel.dev/cel-go"}},
	"confirm/store":                   {internal: []string{"confirm"}, external: []string{"github.com/jackc/pgx", "modernc.org/sqlite", "golang.org/x/mod/sumdb"}},
	"confirm/web":                     {internal: []string{"tools", "confirm"}, external: []string{"github.com/a-h/templ"}},
	"defender":                        {internal: []string{"defender/internal/untrusted"}},
	"defender/internal/untrusted":     {},
	"defender/entra":                  {internal: []string{"defender/internal/untrusted"}, external: []string{"github.com/AzureAD/microsoft-authentication-library-for-go", "github.com/zalando/go-keyring", "github.com/pkg/browser"}},
	"defender/keyvault":               {internal: []string{"defender", "defender/internal/untrusted"}, external: []string{"github.com/Azure/azure-sdk-for-go"}},

	// For tests, and for what runs without a tenant.
	"cmd/scanwarden/internal/config/configtest": {internal: []string{"cmd/scanwarden/internal/config"}},
	"cmd/scanwarden/internal/pipenet":           {},
	"slackbot/slacktest":                        {external: []string{"github.com/gorilla/websocket"}},
	"tools/toolstest":                           {internal: []string{"tools", "confirm", "confirm/store", "defender", "defender/defendertest"}},
	"tools/toolstest/browsertest":               {external: []string{"github.com/chromedp"}},
	"defender/defendertest":                     {},
	"defender/entra/entratest":                  {},
}

// commonModules are small modules that every package may import. Every other module belongs to one package.
var commonModules = []string{"github.com/oklog/ulid", "github.com/hashicorp/golang-lru", "golang.org/x/sync", "golang.org/x/time"}

const module = "scanwarden"

// TestLayers checks every import of every non-test file against the table.
func TestLayers(t *testing.T) {
	t.Parallel()
	found := readImports(t, "../..")
	if len(found) < 8 {
		t.Fatalf("only %d packages found: the test does not look where the code is", len(found))
	}
	for pkg, paths := range found {
		if _, planned := packageRules[pkg]; !planned {
			t.Errorf("package %s is not in the table: give it a row in layers_test.go and in docs/architecture.md", pkg)
			continue
		}
		for _, path := range paths {
			if why := importViolation(pkg, path); why != "" {
				t.Errorf("%s imports %s: %s", pkg, path, why)
			}
		}
	}
}

// TestLayersHaveNoCycle: what the table allows has a direction, so that no import can be added that closes a circle.
func TestLayersHaveNoCycle(t *testing.T) {
	t.Parallel()
	if cycle := findCycle(packageRules); cycle != nil {
		t.Errorf("the table allows a cycle: %s", strings.Join(cycle, " -> "))
	}
	planted := maps.Clone(packageRules)
	planted["confirm"] = packageRule{internal: []string{"tools"}}
	if findCycle(planted) == nil {
		t.Error("a cycle that was planted is not found")
	}
}

// findCycle returns packages of which each may import the next and the last the first; nil if there is no cycle.
func findCycle(rules map[string]packageRule) []string {
	done := map[string]bool{}
	var visit func(pkg string, path []string) []string
	visit = func(pkg string, path []string) []string {
		if i := slices.Index(path, pkg); i >= 0 {
			return append(slices.Clone(path[i:]), pkg)
		}
		if done[pkg] {
			return nil
		}
		for _, next := range rules[pkg].internal {
			if cycle := visit(next, append(slices.Clone(path), pkg)); cycle != nil {
				return cycle
			}
		}
		done[pkg] = true
		return nil
	}
	for _, pkg := range slices.Sorted(maps.Keys(rules)) {
		if cycle := visit(pkg, nil); cycle != nil {
			return cycle
		}
	}
	return nil
}

// TestLayersOfAFile plants a file that imports upward and expects readImports and the table to find it.
func TestLayersOfAFile(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	pkg := "cmd/scanwarden/internal/config"
	dir := filepath.Join(root, filepath.FromSlash(pkg))
	text := "package config\n\nimport _ \"scanwarden/cmd/scanwarden/internal/server\"\n"
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, "planted.go"), []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
	paths := readImports(t, root)[pkg]
	if len(paths) != 1 || importViolation(pkg, paths[0]) == "" {
		t.Errorf("a planted import of %v is allowed", paths)
	}
}

// TestLayersMatcher checks the table's own matching, so that TestLayers can fail.
func TestLayersMatcher(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pkg, path string
		allowed   bool
	}{
		{"tools", "scanwarden/confirm", true},
		{"tools", "scanwarden/confirm/store", false},
		{"tools", "scanwarden/tools/mcpserver", false}, // upward
		{"tools/mcpserver", "scanwarden/defender", false},
		{"slackbot", "scanwarden/tools/mcpserver", false}, // interface to interface
		{"slackbot", "scanwarden/slackbot/internal/form", true},
		{"slackbot/internal/form", "scanwarden/slackbot/internal/blocks", true},
		{"slackbot/internal/form", "scanwarden/slackbot", false}, // upward
		{"slackbot/internal/blocks", "scanwarden/slackbot", false},
		{"slackbot/internal/form", "github.com/slack-go/slack", true},
		{"slackbot/slacktest", "github.com/slack-go/slack", false},
		{"tools", "github.com/slack-go/slack", false},
		{"confirm", "scanwarden/defender", false},
		{"defender", "scanwarden/confirm", false},
		{"defender/defendertest", "scanwarden/defender", false},
		{"confirm/store", "scanwarden/confirm", true},
		{"cmd/scanwarden", "scanwarden/cmd/scanwarden/internal/doctor", true},
		{"cmd/scanwarden", "scanwarden/defender/entra", false},
		{"cmd/scanwarden", "github.com/mark3labs/mcp-go/server", false},
		{"cmd/scanwarden", "github.com/spf13/cobra", true},
		{"cmd/scanwarden", "go.yaml.in/yaml/v3", false},
		{"cmd/scanwarden/internal/doctor", "scanwarden/cmd/scanwarden/internal/server", true},
		{"cmd/scanwarden/internal/doctor", "github.com/VictoriaMetrics/metrics", false},
		{"cmd/scanwarden/internal/server", "scanwarden/cmd/scanwarden/internal/config", true},
		{"cmd/scanwarden/internal/server", "scanwarden/cmd/scanwarden/internal/doctor", false}, // upward
		{"cmd/scanwarden/internal/server", "github.com/VictoriaMetrics/metrics", true},
		{"cmd/scanwarden/internal/server", "github.com/spf13/cobra", false},
		{"cmd/scanwarden/internal/config", "scanwarden/cmd/scanwarden/internal/server", false}, // upward
		{"cmd/scanwarden/internal/config", "scanwarden/confirm/store", false},
		{"cmd/scanwarden/internal/config", "scanwarden/slackbot", false},
		{"cmd/scanwarden/internal/config", "go.yaml.in/yaml/v3", true},
		{"slackbot", "scanwarden/cmd/scanwarden/internal/config", false},
		{"tools/mcpserver", "github.com/mark3labs/mcp-go/server", true},
		{"tools", "github.com/mark3labs/mcp-go/mcp", false},
		{"confirm/store", "golang.org/x/mod/sumdb/tlog", true},
		{"confirm/store", "golang.org/x/mod/semver", false},
		{"confirm/store", "github.com/jackc/pgxtra", false}, // a prefix is a path, not a string
		{"tools", "github.com/a-h/templ", false},
		{"tools", "text/template", true},
		{"defender", "golang.org/x/sync/singleflight", true},
		{"defender", "github.com/hashicorp/go-retryablehttp", false},
		{"confirm", "crypto/sha256", true},
	} {
		if got := importViolation(tt.pkg, tt.path) == ""; got != tt.allowed {
			t.Errorf("%s importing %s: allowed = %v, want %v", tt.pkg, tt.path, got, tt.allowed)
		}
	}
}

// importViolation says why pkg may not import path, "" when it may.
func importViolation(pkg, path string) string {
	if ours, ok := strings.CutPrefix(path, module+"/"); ok {
		if slices.Contains(packageRules[pkg].internal, ours) {
			return ""
		}
		return fmt.Sprintf("it may import only %v of ours", packageRules[pkg].internal)
	}
	if matchesModule(path, packageRules[pkg].external) {
		return ""
	}
	for owner, r := range packageRules {
		for _, theirs := range r.external {
			if isWithin(path, theirs) {
				return fmt.Sprintf("only %s may import %s", owner, theirs)
			}
		}
	}
	standard := !strings.Contains(strings.Split(path, "/")[0], ".")
	if standard || matchesModule(path, commonModules) {
		return ""
	}
	return "no package owns this module: name the one that may import it in layers_test.go, and say why it is needed"
}

func matchesModule(path string, modules []string) bool {
	return slices.ContainsFunc(modules, func(m string) bool { return isWithin(path, m) })
}

func isWithin(path, module string) bool { return path == module || strings.HasPrefix(path, module+"/") }

// readImports returns what the non-test files of each package below root import.
func readImports(t *testing.T, root string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && path != root && (name == "testdata" || name == "testtools" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")) {
			return fs.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		pkg, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		pkg = filepath.ToSlash(pkg)
		found[pkg] = slices.Clip(found[pkg]) // a package without imports is a package too
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			found[pkg] = append(found[pkg], imported)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
