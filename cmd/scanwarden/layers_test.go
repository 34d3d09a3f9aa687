package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A room is what one package may import: of ours, and of the third-party modules that one room alone sees.
type room struct{ ours, theirs []string }

// slackGo is the one module that several packages may import: slackbot and its two internal packages.
const slackGo = "github.com/slack-go/slack"

// rooms is the README's table of the house. A package that is not in it fails the test: give it a row, and
// think about what it may know, before it is written.
var rooms = map[string]room{
	"cmd/scanwarden": {
		ours: []string{
			"slackbot", "tools/mcpserver", "tools/mcpserver/auth", "confirm/web", "tools", "confirm", "confirm/rule", "confirm/store",
			"defender", "defender/entra", "defender/keyvault", "defender/defendertest",
		},
		theirs: []string{"github.com/alecthomas/kong", "go.yaml.in/yaml", "github.com/prometheus/client_golang", "github.com/santhosh-tekuri/jsonschema"},
	},
	"slackbot":                    {ours: []string{"slackbot/internal/form", "slackbot/internal/blocks", "tools", "confirm"}, theirs: []string{slackGo}},
	"slackbot/internal/form":      {ours: []string{"slackbot/internal/blocks", "tools"}, theirs: []string{slackGo}},
	"slackbot/internal/blocks":    {ours: []string{"confirm"}, theirs: []string{slackGo}},
	"slackbot/slacktest":          {theirs: []string{"github.com/gorilla/websocket"}},
	"tools/mcpserver":             {ours: []string{"tools", "tools/mcpserver/auth", "confirm"}, theirs: []string{"github.com/mark3labs/mcp-go"}},
	"tools/mcpserver/auth":        {ours: []string{"confirm"}, theirs: []string{"github.com/golang-jwt/jwt", "github.com/MicahParks/keyfunc", "github.com/MicahParks/jwkset"}},
	"confirm/web":                 {ours: []string{"confirm"}, theirs: []string{"github.com/a-h/templ"}},
	"tools":                       {ours: []string{"tools/internal/confusable", "tools/internal/target", "confirm", "defender"}, theirs: []string{"github.com/invopop/jsonschema"}},
	"tools/internal/confusable":   {theirs: []string{"golang.org/x/text"}},
	"tools/internal/target":       {theirs: []string{"go4.org/netipx"}},
	"tools/toolstest":             {ours: []string{"tools", "confirm", "confirm/store", "defender", "defender/defendertest"}},
	"confirm":                     {},
	"confirm/rule":                {ours: []string{"confirm"}, theirs: []string{"cel.dev/cel-go"}},
	"confirm/store":               {ours: []string{"confirm"}, theirs: []string{"github.com/jackc/pgx", "modernc.org/sqlite", "golang.org/x/mod/sumdb"}},
	"defender":                    {ours: []string{"defender/internal/untrusted"}},
	"defender/entra":              {ours: []string{"defender/internal/untrusted"}, theirs: []string{"github.com/AzureAD/microsoft-authentication-library-for-go", "github.com/zalando/go-keyring", "github.com/pkg/browser"}},
	"defender/entra/entratest":    {},
	"defender/keyvault":           {ours: []string{"defender", "defender/internal/untrusted"}, theirs: []string{"github.com/Azure/azure-sdk-for-go"}},
	"defender/internal/untrusted": {},
	"defender/defendertest":       {},
}

// common are small modules without opinions, open to every room. Anything else from outside needs an owner.
var common = []string{"github.com/hashicorp/golang-lru", "github.com/oklog/ulid", "golang.org/x/sync", "golang.org/x/time"}

const module = "scanwarden"

// TestLayers holds every import of every non-test file against the table.
func TestLayers(t *testing.T) {
	found := imports(t, "../..")
	if len(found) < 8 {
		t.Fatalf("only %d packages found: the test does not look where the code is", len(found))
	}
	for pkg, paths := range found {
		if _, planned := rooms[pkg]; !planned {
			t.Errorf("package %s is not in the table: give it a row in layers_test.go and in the README", pkg)
			continue
		}
		for _, path := range paths {
			if why := offends(pkg, path); why != "" {
				t.Errorf("%s imports %s: %s", pkg, path, why)
			}
		}
	}
}

// TestLayersMatcher makes sure that the test above could fail.
func TestLayersMatcher(t *testing.T) {
	for _, tt := range []struct {
		pkg, path string
		allowed   bool
	}{
		{"tools", "scanwarden/confirm", true},
		{"tools", "scanwarden/confirm/store", false},
		{"tools", "scanwarden/tools/mcpserver", false}, // upward
		{"tools/mcpserver", "scanwarden/defender", false},
		{"slackbot", "scanwarden/tools/mcpserver", false}, // door to door
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
		{"cmd/scanwarden", "scanwarden/defender/entra", true},
		{"cmd/scanwarden", "github.com/mark3labs/mcp-go/server", false},
		{"cmd/scanwarden", "go.yaml.in/yaml/v3", true},
		{"tools/mcpserver", "github.com/mark3labs/mcp-go/server", true},
		{"tools", "github.com/mark3labs/mcp-go/mcp", false},
		{"confirm/store", "golang.org/x/mod/sumdb/tlog", true},
		{"confirm/store", "golang.org/x/mod/semver", false},
		{"confirm/store", "github.com/jackc/pgxtra", false}, // a prefix is a path, not a string
		{"tools", "github.com/a-h/templ", false},
		{"confirm/web", "github.com/a-h/templ/runtime", true},
		{"tools", "text/template", true},
		{"defender", "golang.org/x/sync/singleflight", true},
		{"defender", "github.com/hashicorp/go-retryablehttp", false},
		{"confirm", "crypto/sha256", true},
	} {
		if got := offends(tt.pkg, tt.path) == ""; got != tt.allowed {
			t.Errorf("%s importing %s: allowed = %v, want %v", tt.pkg, tt.path, got, tt.allowed)
		}
	}
}

// offends says why pkg may not import path, "" when it may.
func offends(pkg, path string) string {
	if ours, ok := strings.CutPrefix(path, module+"/"); ok {
		if slices.Contains(rooms[pkg].ours, ours) {
			return ""
		}
		return fmt.Sprintf("it may import only %v of ours", rooms[pkg].ours)
	}
	if allowed(path, rooms[pkg].theirs) {
		return ""
	}
	for owner, r := range rooms {
		for _, theirs := range r.theirs {
			if under(path, theirs) {
				return fmt.Sprintf("only %s sees %s", owner, theirs)
			}
		}
	}
	standard := !strings.Contains(strings.Split(path, "/")[0], ".")
	if standard || allowed(path, common) {
		return ""
	}
	return "no room owns this module: say in layers_test.go which one may see it, and why we need it"
}

func allowed(path string, modules []string) bool {
	return slices.ContainsFunc(modules, func(m string) bool { return under(path, m) })
}

func under(path, module string) bool { return path == module || strings.HasPrefix(path, module+"/") }

// imports returns what the non-test files of each package below root import.
func imports(t *testing.T, root string) map[string][]string {
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
