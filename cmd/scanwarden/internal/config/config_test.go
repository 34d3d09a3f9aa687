package config

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"scanwarden/confirm"
	"scanwarden/defender"
)

// loadConfig returns the configuration of a valid file and environment.
func loadConfig(t *testing.T, file string, env Environment) *Config {
	t.Helper()
	all := Environment{}
	if file != "" {
		all["SCANWARDEN_CONFIG"] = filepath.Join(t.TempDir(), "scanwarden.yaml")
		if err := os.WriteFile(all["SCANWARDEN_CONFIG"], []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range env {
		all[name] = value
	}
	c, err := Load(all, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// exampleFile has every kind of key.
const exampleFile = `
defender: {cloud: commercial, region: eu}
auth: client
database_url: sqlite:/var/lib/scanwarden/ledger.db
confirm_with: [client]
policy:
  approvers: [slack:T024BE7LD/U024BE7LH, slack-group:S0614TZR7, entra-role:Scans.Approver]
  self_approval: false
  approvals_required: {add_scan: 1, update_scan: 1, delete_scans: 2}
  expires: 15m
  max_scans_per_delete: 50
  max_addresses_per_scan: 4096
  max_open_changes: 20
people:
  - {name: Ada, principals: [slack:T024BE7LD/U024BE7LH, entra:TENANT/OBJECT]}
credentials:
  core-snmp:
    type: AuthPriv
    username: scanner
    authProtocol: SHA1
    authPassword: {env: CORE_SNMP_AUTH}
    privProtocol: AES
    privPassword: {file: /run/secrets/core-snmp-priv}
  edge-snmp: {type: CommunityString, communityString: {keyVault: "https://NAME.vault.azure.net/secrets/edge"}}
slack: {channel: C0123456789, commands: {add_scan: /add_scan}}
http: {listen: "127.0.0.1:8484", public_url: "https://scans.example.com", auth: entra}
`

func TestFileIsTheContract(t *testing.T) {
	t.Parallel()
	c := loadConfig(t, exampleFile, nil)
	want := confirm.Policy{
		Approvers: []string{"slack:T024BE7LD/U024BE7LH", "slack-group:S0614TZR7", "entra-role:Scans.Approver"},
		Required:  map[string]int{"add_scan": 1, "update_scan": 1, "delete_scans": 2},
		Expires:   15 * time.Minute, MaxScansPerDelete: 50, MaxAddressesPerScan: 4096, MaxOpenPerRequester: 20,
		People: []confirm.Person{{Name: "Ada", Principals: []confirm.Principal{"slack:T024BE7LD/U024BE7LH", "entra:tenant/object"}}},
	}
	if diff := cmp.Diff(want, c.ConfirmPolicy()); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
	to, err := c.Endpoints()
	if err != nil || to.URL != "https://eu.api.security.microsoft.com" {
		t.Errorf("endpoints: %+v, %v", to, err)
	}
	k := c.NamedCredentials(unreadField)["core-snmp"]
	if k.AuthPassword.From != "env CORE_SNMP_AUTH" || k.PrivPassword.From != "file /run/secrets/core-snmp-priv" || k.CommunityString.Read != nil {
		t.Errorf("credential: %+v", k)
	}
}

// TestEnvironmentIsTheFile: each environment variable has the same effect as its key in the file.
func TestEnvironmentIsTheFile(t *testing.T) {
	t.Parallel()
	env := loadConfig(t, "", Environment{
		"SCANWARDEN_CLOUD": "commercial", "SCANWARDEN_REGION": "eu", "SCANWARDEN_AUTH": "client",
		"SCANWARDEN_DATABASE_URL": "sqlite:/x.db", "SCANWARDEN_RETENTION": "48h", "SCANWARDEN_CONFIRM_WITH": "client",
		"SCANWARDEN_APPROVERS": "token:ada, local:grace,", "SCANWARDEN_SELF_APPROVAL": "true",
		"SCANWARDEN_APPROVALS_REQUIRED": "delete_scans=2, add_scan=1", "SCANWARDEN_EXPIRES": "2s",
		"SCANWARDEN_MAX_SCANS_PER_DELETE": "5", "SCANWARDEN_MAX_ADDRESSES_PER_SCAN": "6", "SCANWARDEN_MAX_OPEN_CHANGES": "7",
		"SCANWARDEN_LISTEN": "127.0.0.1:1", "SCANWARDEN_PUBLIC_URL": "https://scans.example.com", "SCANWARDEN_HTTP_AUTH": "token",
		"SCANWARDEN_REQUESTERS": "token:ada", "SCANWARDEN_READ_ONLY": "true", "SCANWARDEN_HTTP_CLIENT_ID": "66666666-7777-8888-9999-000000000000",
		"SCANWARDEN_HTTP_OAUTH_FACADE": "true", "SCANWARDEN_SLACK_MATCH_EMAIL": "true", "SCANWARDEN_SLACK_CHANNEL": "C0123456789",
	})
	file := loadConfig(t, `
defender: {cloud: commercial, region: eu}
auth: client
database_url: sqlite:/x.db
retention: 48h
confirm_with: [client]
policy:
  approvers: [token:ada, local:grace]
  requesters: [token:ada]
  self_approval: true
  approvals_required: {delete_scans: 2, add_scan: 1}
  expires: 2s
  max_scans_per_delete: 5
  max_addresses_per_scan: 6
  max_open_changes: 7
read_only: true
slack: {channel: C0123456789, match_email: true}
http:
  listen: "127.0.0.1:1"
  public_url: "https://scans.example.com"
  auth: token
  client_id: 66666666-7777-8888-9999-000000000000
  oauth_facade: true
`, nil)
	if diff := cmp.Diff(file, env, cmp.AllowUnexported(SecretRef{}), cmpopts.IgnoreUnexported(Config{}, AppRegistration{}), cmp.Comparer(sameSecret)); diff != "" {
		t.Errorf("file and environment differ (-file +environment):\n%s", diff)
	}
}

func TestUnknownVariables(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"SCANWARDEN_LITSEN":  "SCANWARDEN_LISTEN",
		"SCANWARDEN_APROVER": "SCANWARDEN_APPROVERS",
		"SCANWARDEN_SLACK":   "",
	} {
		err := Environment{name: "x"}.checkNames()
		if err == nil || want != "" && !strings.HasSuffix(err.Error(), "did you mean "+want+"?") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTarget(t *testing.T) {
	t.Parallel()
	tenant := Environment{"AZURE_TENANT_ID": "ABC", "AZURE_CLIENT_ID": "x", "AZURE_CLIENT_SECRET": "x"}
	for name, tt := range map[string]struct {
		env       Environment
		simulator bool
		want      string
		missing   bool
		standIn   bool
	}{
		"built in":           {simulator: true, want: "simulator"},
		"nothing":            {want: "https://api.security.microsoft.com", missing: true},
		"a tenant":           {env: tenant, want: "https://api.security.microsoft.com abc"},
		"loopback":           {env: Environment{"SCANWARDEN_DEFENDER_URL": "http://127.0.0.1:8485"}, want: "http://127.0.0.1:8485", standIn: true},
		"https loopback":     {env: Environment{"SCANWARDEN_DEFENDER_URL": "https://127.0.0.1:8485"}, want: "https://127.0.0.1:8485", missing: true},
		"a proxy of our own": {env: Environment{"SCANWARDEN_DEFENDER_URL": "http://localhost:1", "AZURE_CLIENT_SECRET": "x"}, want: "http://localhost:1", missing: true},
	} {
		t.Run(name, func(t *testing.T) {
			c := loadConfig(t, "", tt.env)
			c.Simulator = tt.simulator
			got, err := c.TargetName()
			if got != tt.want || err != nil || (c.MissingSettings() != nil) != tt.missing || c.UsesSimulator() != tt.standIn {
				t.Errorf("target %q, %v; missing %v; stand-in %v", got, err, c.MissingSettings(), c.UsesSimulator())
			}
		})
	}
}

func TestAuthorityHost(t *testing.T) {
	t.Parallel()
	for host, fine := range map[string]bool{
		"": true, "login.example.com": true, "https://login.example.com": true, "https://login.example.com/": true,
		"login.example.com:8443": true, "https://[::1]:8443/": true,
		"http://127.0.0.1:9": false, "HTTP://login.example.com": false, "ftp://login.example.com": false, "https://": false,
		"https://login.example.com/contoso": false, "https://login.example.com?x=1": false, "https://login.example.com#x": false,
		"https://ada@login.example.com": false, "login.example.com:port": false, "login example": false, ":443": false,
	} {
		c := &Config{Azure: AppRegistration{Authority: host}}
		if err := c.checkSignIn(); (err == nil) != fine {
			t.Errorf("%q: %v", host, err)
		}
	}
}

func TestCustomAuthority(t *testing.T) {
	t.Parallel()
	for host, private := range map[string]bool{
		"":                                   false,
		"https://login.microsoftonline.com/": false,
		"login.microsoftonline.us":           false,
		"https://Login.PARTNER.microsoftonline.cn":          false,
		"https://login.example.com":                         true,
		"https://login.microsoftonline.com.example.com":     true,
		"https://example.com/login.microsoftonline.com":     true,
		"https://login.microsoftonline.com@login.evil.test": true,
	} {
		c := &Config{Azure: AppRegistration{Authority: host}} // the last two are refused at load as well
		if got := c.hasCustomAuthority(); got != private {
			t.Errorf("%q: private = %v", host, got)
		}
	}
}

func TestAllowedHosts(t *testing.T) {
	t.Parallel()
	c := loadConfig(t, "", Environment{"SCANWARDEN_PUBLIC_URL": "https://scans.example.com/"})
	hosts, origins := c.AllowedHosts(&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 8484})
	want := []string{"localhost:8484", "127.0.0.1:8484", "[::1]:8484", "192.0.2.1:8484", "scans.example.com"}
	if diff := cmp.Diff(want, hosts); diff != "" {
		t.Errorf("hosts (-want +got):\n%s", diff)
	}
	if !slices.Contains(origins, "https://scans.example.com") || slices.Contains(origins, "http://scans.example.com") {
		t.Errorf("origins: %v", origins)
	}
	if hosts, _ := c.AllowedHosts(&net.TCPAddr{IP: net.IPv4zero, Port: 1}); slices.Contains(hosts, "0.0.0.0:1") {
		t.Errorf("a wildcard is no name: %v", hosts)
	}
}

// sameSecret reports whether two secrets hold the same text. Only a test may compare them.
func sameSecret(a, b defender.Secret) bool {
	same := false
	_ = a.Reveal(func(x string) error {
		return b.Reveal(func(y string) error {
			same = x == y
			return nil
		})
	})
	return same
}
