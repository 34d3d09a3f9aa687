package deployment_test

import (
	"net"
	"regexp"
	"strings"
	"testing"

	"scanwarden/cmd/scanwarden/internal/config"
)

type composeFile struct {
	Name     string
	Services map[string]struct {
		Image, Restart  string
		Build           struct{ Context string }
		Command         []string
		Environment     map[string]string
		Volumes         []string
		Networks        []string
		Ports           []string
		DependsOn       any      `yaml:"depends_on"`
		ReadOnly        bool     `yaml:"read_only"`
		CapDrop         []string `yaml:"cap_drop"`
		CapAdd          []string `yaml:"cap_add"`
		SecurityOpt     []string `yaml:"security_opt"`
		StopGracePeriod string   `yaml:"stop_grace_period"`
		Healthcheck     struct {
			Test              []string
			Interval, Timeout string
			Retries           int
		}
	}
	Volumes  map[string]struct{}
	Networks map[string]struct{ Internal bool }
}

// TestComposeMatchesTheProgram: port, state directory and isolation of the compose file are those that the program needs.
func TestComposeMatchesTheProgram(t *testing.T) {
	t.Parallel()
	var compose composeFile
	decodeStrict(t, readFile(t, "deploy/compose/compose.yaml"), &compose)
	server := compose.Services["scanwarden"]
	_, port, err := net.SplitHostPort(server.Environment["SCANWARDEN_LISTEN"])
	if err != nil || !strings.Contains(readFile(t, "deploy/compose/Caddyfile"), "reverse_proxy scanwarden:"+port+" ") {
		t.Errorf("the proxy does not use port %q of the server (%v)", port, err)
	}
	if !server.ReadOnly || len(server.CapDrop) != 1 || server.CapDrop[0] != "ALL" || len(server.Ports) > 0 {
		t.Errorf("the server must have a read-only root, no capabilities and no published port: %+v", server)
	}
	if !strings.Contains(readFile(t, "Dockerfile"), "SCANWARDEN_STATE_DIR=/state") || server.Volumes[0] != "state:/state" {
		t.Errorf("the state directory is not on the volume: %v", server.Volumes)
	}
	if !compose.Networks["database"].Internal {
		t.Error("the network of the database reaches outside")
	}
}

// TestComposeSettingsAreAccepted: the program accepts the environment of the compose file with an example for each variable.
func TestComposeSettingsAreAccepted(t *testing.T) {
	t.Parallel()
	examples := map[string]string{
		"PUBLIC_HOST": "scans.example.com", "POSTGRES_PASSWORD": "0123456789abcdef", "SCANWARDEN_HTTP_TOKEN": "0123456789abcdef",
		"SCANWARDEN_APPROVERS": "token:default", "SCANWARDEN_SELF_APPROVAL": "true", "AZURE_CLIENT_SECRET": "a-secret",
		"AZURE_TENANT_ID": "contoso.example", "AZURE_CLIENT_ID": "11112222-bbbb-3333-cccc-4444dddd5555",
	}
	var compose composeFile
	decodeStrict(t, readFile(t, "deploy/compose/compose.yaml"), &compose)
	variable := regexp.MustCompile(`\$\{([A-Z_]+)[^}]*\}`)
	environment := config.Environment{}
	asked := readFile(t, "deploy/compose/.env.example")
	for name, value := range compose.Services["scanwarden"].Environment {
		environment[name] = variable.ReplaceAllStringFunc(value, func(use string) string {
			asks := variable.FindStringSubmatch(use)[1]
			if examples[asks] == "" || !strings.Contains(asked, "\n"+asks+"=\n") {
				t.Errorf("%s uses ${%s}, which .env.example does not have", name, asks)
			}
			return examples[asks]
		})
	}
	if _, err := config.Load(environment, nil); err != nil {
		t.Errorf("the program refuses the environment of the compose file: %v", err)
	}
}
