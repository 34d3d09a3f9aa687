package keyvault_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"scanwarden/defender"
	"scanwarden/defender/keyvault"
)

// wantSecret reads the secret id and compares its value with want. It also checks that no formatter shows the value.
func wantSecret(t testing.TB, v *keyvault.Client, id, want string) {
	t.Helper()
	got, err := v.Secret(t.Context(), id)
	if err != nil {
		t.Errorf("%s: %v", id, err)
		return
	}
	got.Reveal(func(value string) error {
		if value != want {
			t.Errorf("%s is %q, want %q", id, value, want)
		}
		return nil
	})
	if shown := fmt.Sprintf("%v %+v %#v %s", got, got, got, got); strings.Contains(shown, "canary") {
		t.Errorf("the value shows: %s", shown)
	}
}

// TestSecretsOfTwoVaults reads also from sovereign clouds. Each cloud gets its own token, which is requested once a vault.
func TestSecretsOfTwoVaults(t *testing.T) {
	a := startFake(t)
	v := a.newClient(t)
	for id, want := range map[string]string{
		coreID: canary,
		"https://edge.vault.azure.net/secrets/core":                    canary + "-edge",
		"https://EDGE.Vault.Azure.Net/secrets/core/":                   canary + "-edge",
		"https://snmp.vault.azure.net/secrets/with-version/" + version: canary + "-version",
		"HTTPS://gov.vault.usgovcloudapi.net/secrets/core":             canary + "-gov",
		"https://china-1.vault.azure.cn/secrets/core":                  canary + "-china",
	} {
		for range 2 {
			wantSecret(t, v, id, want)
			if err := v.Exists(t.Context(), id); err != nil {
				t.Errorf("%s: %v", id, err)
			}
		}
	}
	count := map[string]int{}
	for _, asked := range a.tokenRequests {
		count[asked]++
	}
	want := map[string]int{"https://vault.azure.net/.default": 2, "https://vault.usgovcloudapi.net/.default": 1, "https://vault.azure.cn/.default": 1}
	if fmt.Sprint(count) != fmt.Sprint(want) {
		t.Errorf("tokens were requested for %v, want %v", count, want)
	}
	for _, r := range a.received() {
		if r.agent != "scanwarden" {
			t.Errorf("the User-Agent sent to the vault is %q", r.agent)
		}
	}
}

// TestManyReadAtOnce reads from several goroutines, for the race detector.
func TestManyReadAtOnce(t *testing.T) {
	a := startFake(t)
	v := a.newClient(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { wantSecret(t, v, coreID, canary) })
		all.Go(func() { wantSecret(t, v, "https://edge.vault.azure.net/secrets/core", canary+"-edge") })
	}
	all.Wait()
}

func TestVersionsAreSentAsNamed(t *testing.T) {
	a := startFake(t)
	wantSecret(t, a.newClient(t), coreID+"/"+version, canary)
	seen := a.received()
	if got := seen[len(seen)-1].path; got != "/secrets/core/"+version {
		t.Errorf("requested %s", got)
	}
}

// TestIdentifiers checks which identifiers are accepted, and that no error repeats one: a user may have pasted a secret.
func TestIdentifiers(t *testing.T) {
	for _, id := range []string{
		coreID, coreID + "/", coreID + "/" + version, "https://abc.vault.azure.cn/secrets/A-1", "https://a-1.vault.usgovcloudapi.net/secrets/" + strings.Repeat("a", 127),
	} {
		if err := keyvault.Check(id); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	for id, words := range map[string]string{
		canary: "never the secret itself",
		"":     "is not the identifier",
		"http://snmp.vault.azure.net/secrets/" + canary:                    "must begin with https://",
		"xhttps://snmp.vault.azure.net/secrets/" + canary:                  "must begin with https://",
		"https://snmp.managedhsm.azure.net/secrets/" + canary:              "managed HSM stores keys, not secrets",
		"https://snmp.vault.azure.net.evil.example/secrets/" + canary:      "is not an Azure Key Vault",
		"https://snmp.vault.azure.net:8443/secrets/" + canary:              "is not an Azure Key Vault",
		"https://evil.example/secrets/" + canary:                           "is not an Azure Key Vault",
		"https://evilvault.azure.net/secrets/" + canary:                    "is not an Azure Key Vault",
		"https://evil.example#.vault.azure.net/secrets/" + canary:          "names no secret",
		"https://user@snmp.vault.azure.net/secrets/" + canary:              "names no secret",
		"https://a.b.vault.azure.net/secrets/" + canary:                    "names no secret",
		"https://ab.vault.azure.net/secrets/" + canary:                     "names no secret",
		"https://-nmp.vault.azure.net/secrets/" + canary:                   "names no secret",
		"https://snmp.vault.azure.net/keys/" + canary:                      "names no secret",
		"https://snmp.vault.azure.net/secrets/":                            "names no secret",
		"https://snmp.vault.azure.net/secrets/" + canary + "/../x":         "names no secret",
		"https://snmp.vault.azure.net/secrets/" + canary + "/1":            "names no secret",
		"https://snmp.vault.azure.net/secrets/" + canary + "?x=1":          "names no secret",
		"https://snmp.vault.azure.net/secrets/" + canary + "\n":            "names no secret",
		"https://snmp.vault.azure.net/secrets/" + canary + " x":            "names no secret",
		"https://snmp.vault.azure.net/secrets/" + strings.Repeat("a", 128): "names no secret",
		"https://snmp.vault.azure.net/secrets/" + strings.Repeat("a", 600): "too long",
	} {
		a := startFake(t)
		v := a.newClient(t)
		_, err := v.Secret(t.Context(), id)
		for _, err := range []error{keyvault.Check(id), err, v.Exists(t.Context(), id)} {
			if err == nil || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: %v, want %q", id, err, words)
			}
		}
		if len(a.received()) > 0 || len(a.tokenRequests) > 0 {
			t.Errorf("%q caused a call", id)
		}
	}
}

func TestNewSaysWhatIsMissing(t *testing.T) {
	for _, id := range []string{"", "contoso.onmicrosoft.com", tenant + "0", "common"} {
		_, err := keyvault.New(keyvault.Config{TenantID: id, Token: startFake(t).token})
		if err == nil || !strings.Contains(err.Error(), "AZURE_TENANT_ID must be the tenant's GUID") {
			t.Errorf("%q: %v", id, err)
		}
	}
	if _, err := keyvault.New(keyvault.Config{TenantID: tenant}); err == nil {
		t.Error("New accepted a Config without Token")
	}
}

// TestTheSDKLogsNothing sets the environment variable that turns the SDK's log on. The log is global to a process, so
// the test runs itself in another one.
func TestTheSDKLogsNothing(t *testing.T) {
	if os.Getenv("KEYVAULT_TEST_LOGS") != "" {
		a := startFake(t)
		v := a.newClient(t)
		wantSecret(t, v, coreID, canary)
		a.answerNext(response{status: 403, body: errorJSON("Forbidden", canary)})
		_, err := v.Secret(t.Context(), coreID)
		wantError(t, err)
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTheSDKLogsNothing$")
	cmd.Env = append(os.Environ(), "KEYVAULT_TEST_LOGS=1", "AZURE_SDK_GO_LOGGING=all")
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Contains(string(out), "canary") || strings.Contains(string(out), "vault.azure.net") {
		t.Errorf("%v:\n%s", err, out)
	}
}

// TestSecretsAreSecrets checks that Secret returns the type that hides its value.
func TestSecretsAreSecrets(t *testing.T) {
	var read func(context.Context, string) (defender.Secret, error) = startFake(t).newClient(t).Secret
	got, err := read(t.Context(), coreID)
	if err != nil || got.Empty() {
		t.Errorf("%v, %v", got, err)
	}
}

// FuzzIdentifier checks that an accepted identifier is the address of a vault and nothing else when net/url parses it,
// and that no error repeats a refused one.
func FuzzIdentifier(f *testing.F) {
	for _, seed := range []string{coreID, coreID + "/" + version, "HTTPS://A-b.VAULT.azure.cn/secrets/x/", "https://evil.example/.vault.azure.net/secrets/x", "hunter2~hunter2", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if err := keyvault.Check(id); err != nil {
			if len(id) > 40 && strings.Contains(err.Error(), id) {
				t.Fatalf("%q is repeated: %v", id, err)
			}
			return
		}
		u, err := url.Parse(id)
		if err != nil || u.Scheme != "https" || u.User != nil || u.Port() != "" || u.RawQuery != "" || u.Fragment != "" || !strings.HasPrefix(u.Path, "/secrets/") {
			t.Fatalf("%q was accepted: %+v, %v", id, u, err)
		}
		host := strings.ToLower(u.Host)
		for _, cloud := range []string{".vault.azure.net", ".vault.usgovcloudapi.net", ".vault.azure.cn"} {
			if strings.Count(strings.TrimSuffix(host, cloud), ".") == 0 && strings.HasSuffix(host, cloud) {
				return
			}
		}
		t.Fatalf("%q was accepted, but its host is in no cloud", id)
	})
}
