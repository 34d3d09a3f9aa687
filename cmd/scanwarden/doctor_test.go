package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"scanwarden/defender/defendertest"
	"scanwarden/defender/entra/entratest"
	"scanwarden/slackbot/slacktest"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// ward is a set-up in which all is well, until a test breaks it.
type ward struct {
	t      *testing.T
	entra  *entratest.Server
	tenant *defendertest.Server
	slack  *slacktest.Server
	dir    string
	env    map[string]string
	file   string // the configuration file's text
}

const needed = entratest.Defender + "/Machine.ReadWrite.All"

func newWard(t *testing.T) *ward {
	t.Helper()
	w := &ward{t: t, entra: entratest.New(entratest.Options{}), tenant: defendertest.New(defendertest.Options{}), dir: t.TempDir()}
	t.Cleanup(w.entra.Close)
	w.app(needed)
	api := httptest.NewServer(guarded(w.entra, w.tenant))
	t.Cleanup(func() { w.tenant.Close(); api.Close() })
	w.slack = slacktest.New(t, slacktest.Options{BotToken: "xoxb-test", AppToken: "xapp-test", Team: "T01TEST"})
	w.env = map[string]string{
		"SCANWARDEN_STATE_DIR": filepath.Join(w.dir, "state"), "SCANWARDEN_CONFIG": filepath.Join(w.dir, "scanwarden.yaml"),
		"SCANWARDEN_DEFENDER_URL": api.URL, "SSL_CERT_FILE": w.entra.CAFile(t), "AZURE_AUTHORITY_HOST": w.entra.Authority(),
		"AZURE_TENANT_ID": w.entra.Tenant(), "AZURE_CLIENT_ID": serverApp, "AZURE_CLIENT_SECRET": entraSecret,
		"SLACK_API_URL": w.slack.API(), "SLACK_BOT_TOKEN": "xoxb-test", "SLACK_APP_TOKEN": "xapp-test",
		"SCANWARDEN_HTTP_TOKEN": bearer, "CORE_SNMP_AUTH": canary, "CORE_SNMP_PRIV": second,
	}
	w.file = namedCredential + "policy: {approvers: [slack:T01TEST/U0ADA]}\n" +
		"people: [{name: Ada, principals: [slack:T01TEST/U0ADA, token:default]}]\n"
	return w
}

func (w *ward) app(roles ...string) {
	w.entra.AddApp(entratest.App{ClientID: serverApp, Secret: entraSecret, Roles: roles})
}

// examine runs the real binary.
func (w *ward) examine(args ...string) (out string, exit int) {
	w.t.Helper()
	if err := os.WriteFile(w.env["SCANWARDEN_CONFIG"], []byte(w.file), 0o600); err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.Command(program(w.t), append([]string{"doctor"}, args...)...)
	for name, value := range w.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // its code is looked at
	if all := stdout.String() + stderr.String(); strings.Contains(all, canary) || strings.Contains(all, entraSecret) || strings.Contains(all, "Bearer ey") {
		w.t.Errorf("a secret is printed:\n%s", all)
	}
	return w.plain(stdout.String()), cmd.ProcessState.ExitCode()
}

// slackless takes Slack out of the set-up.
func (w *ward) slackless() {
	delete(w.env, "SLACK_BOT_TOKEN")
	delete(w.env, "SLACK_APP_TOKEN")
}

// plain replaces what differs from run to run.
func (w *ward) plain(text string) string {
	for _, r := range []struct{ pattern, with string }{
		{regexp.QuoteMeta(w.dir), "DIR"},
		{`127\.0\.0\.1:\d+`, "HOST"},
		{` in \d+(\.\d+)?(ms|µs|s)\b`, " in N ms"},
		{`(correlation id|request) [0-9a-f-]{36}`, "$1 GUID"},
		{`dial tcp [^\n]*refused`, "connection refused"},
	} {
		text = regexp.MustCompile(r.pattern).ReplaceAllString(text, r.with)
	}
	return text
}

// TestDoctorNamesEachFault breaks a good set-up in one way at a time. The golden files are what a person reads.
func TestDoctorNamesEachFault(t *testing.T) {
	for name, breakIt := range map[string]func(*ward){
		"nothing":           func(*ward) {},
		"misspelt-name":     func(w *ward) { w.env["SCANWARDEN_APPROVER"] = "token:ada" },
		"misspelt-key":      func(w *ward) { w.file += "polcy: {}\n" },
		"rule-that-is-none": func(w *ward) { w.file = "policy:\n  rules:\n    - {name: large, when: adresses > 10, approvals: 2}\n" },
		"two-mistakes":      func(w *ward) { w.env["SCANWARDEN_CLOUD"], w.env["SCANWARDEN_LOG_LEVEL"] = "mars", "loud" },
		"no-credential": func(w *ward) {
			delete(w.env, "AZURE_CLIENT_SECRET")
			delete(w.env, "AZURE_TENANT_ID")
			w.env["SCANWARDEN_DEFENDER_URL"] = "https://127.0.0.1:1"
		},
		"wrong-secret": func(w *ward) { w.env["AZURE_CLIENT_SECRET"] = "another-secret" },
		"expired-secret": func(w *ward) {
			w.entra.AddApp(entratest.App{ClientID: serverApp, Secret: entraSecret, ExpiredSecret: true})
		},
		"wrong-tenant":     func(w *ward) { w.env["AZURE_TENANT_ID"] = "99999999-2222-3333-4444-555555555555" },
		"tls-interception": func(w *ward) { w.env["SSL_CERT_FILE"] = "/dev/null"; w.env["SSL_CERT_DIR"] = w.dir },
		"role-missing":     func(w *ward) { w.app(entratest.Defender + "/Machine.Read.All") },
		"licence-missing": func(w *ward) {
			w.tenant.Fail(defendertest.Fault{Status: 401, Code: "Unauthorized", Message: "No Tvm license"})
		},
		"defender-far":       func(w *ward) { w.env["SCANWARDEN_DEFENDER_URL"] = "http://127.0.0.1:1" },
		"credential-missing": func(w *ward) { delete(w.env, "CORE_SNMP_PRIV") },
		"vault-forbidden": func(w *ward) {
			w.file = namedCredential
			w.behindProxy(&vault{entra: w.entra, forbidden: true})
		},
		"vault-secret-gone": func(w *ward) {
			w.file = namedCredential
			w.behindProxy(&vault{entra: w.entra})
			w.file = strings.Replace(w.file, "/secrets/edge", "/secrets/edges", 1)
		},
		"vault-unreachable": func(w *ward) {
			w.file = namedCredential
			w.behindProxy(&vault{entra: w.entra})
			w.env["HTTPS_PROXY"] = "http://127.0.0.1:1"
		},
		"slack-token-refused": func(w *ward) { w.env["SLACK_BOT_TOKEN"] = "xoxb-of-another-app" },
		"slack-scope-missing": func(w *ward) {
			w.slack = slacktest.New(w.t, slacktest.Options{BotToken: "xoxb-test", AppToken: "xapp-test", Team: "T01TEST", Scopes: []string{"commands", "chat:write", "users:read"}})
			w.env["SLACK_API_URL"] = w.slack.API()
		},
		"nobody-in-slack": func(w *ward) { w.file = namedCredential + "policy: {approvers: [token:ada]}\n" },
		"nobodies": func(w *ward) {
			w.file = namedCredential + `policy: {approvers: [slack:T01TEST/U0ADA, slack-group:S0614TZR7]}
people:
  - {name: Ada, principals: [slack:T01TEST/U0ADA, entra:contoso.onmicrosoft.com/ada@contoso.com]}
  - {name: Bob, principals: [slack:E01TEST/U0BOB, entra:99999999-2222-3333-4444-555555555555/11112222-bbbb-3333-cccc-4444dddd5555]}
  - {name: Cleo, principals: [slack:T01TEST/CLEO, token:cleo]}
`
		},
		"nobody-asked": func(w *ward) { // no Slack: the requester's own client asks, and their own yes does not count
			w.slackless()
			w.file = namedCredential + "policy: {approvers: [local:ada], approvals_required: {delete_scans: 2}}\n"
		},
		"nobody-answers": func(w *ward) {
			w.slackless()
			w.file = namedCredential + "policy: {approvers: [token:ada, slack:T01TEST/U0ADA], self_approval: true}\n"
		},
		"nobody-enough": func(w *ward) {
			w.slackless()
			w.file = namedCredential + "policy: {approvals_required: {delete_scans: 2}}\n"
		},
		"too-few": func(w *ward) {
			w.file = namedCredential + `policy: {approvers: [slack:T01TEST/U0ADA, token:default], approvals_required: {delete_scans: 2}}
people: [{name: Ada, principals: [slack:T01TEST/U0ADA, token:default]}]
`
		},
		"token-too-short": func(w *ward) { w.env["SCANWARDEN_HTTP_TOKEN"] = "short" },
		"ledger-shut":     func(w *ward) { w.env["SCANWARDEN_DATABASE_URL"] = "postgres://nobody@127.0.0.1:1/none?sslmode=disable" },
		"entra-for-nobody": func(w *ward) {
			delete(w.env, "SCANWARDEN_HTTP_TOKEN")
			w.env["SCANWARDEN_HTTP_AUTH"] = "entra"
			w.env["SCANWARDEN_HTTP_CLIENT_ID"] = "scans"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWard(t)
			breakIt(w)
			got, exit := w.examine()
			if (exit == 0) != (name == "nothing") {
				t.Errorf("exit code %d", exit)
			}
			golden := filepath.Join("testdata", "doctor", name+".golden")
			if *rewrite {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("the doctor says (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDoctorClock: a host whose clock differs is told of, and how far.
func TestDoctorClock(t *testing.T) {
	// A machine that is busy may take seconds for an answer, and finds itself nearer by them.
	says := map[time.Duration]string{10 * time.Minute: "is (10m0s|9m5[0-9]s) behind$", -10 * time.Minute: "is 10m[0-9]+s ahead$",
		2 * time.Minute: "is (2m0s|1m5[0-9]s) behind$", 0: "^within 30s of "}
	for skew, want := range map[time.Duration]string{10 * time.Minute: wrong, -10 * time.Minute: wrong, 2 * time.Minute: note, 0: fine} {
		w := newWard(t)
		w.entra.SetSkew(skew)
		out, _ := w.examine("--json")
		var findings []finding
		if err := json.Unmarshal([]byte(out), &findings); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		i := slices.IndexFunc(findings, func(f finding) bool { return f.Check == "clock" })
		if i < 0 {
			t.Errorf("skew %s: nothing is said of the clock: %+v", skew, findings)
			continue
		}
		if f := findings[i]; f.Status != want || !regexp.MustCompile(says[skew]).MatchString(f.Says) {
			t.Errorf("skew %s: %+v, want %s and %s", skew, f, want, says[skew])
		}
	}
}

// TestDoctorHosts: the nearest host is first, and those that do not answer, at once or never, are last.
func TestDoctorHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hosts, wires := map[string]string{}, map[string]wire{}
		for name, away := range map[string]time.Duration{"us": 200 * time.Millisecond, "eu": 30 * time.Millisecond, "au": 31 * time.Millisecond, "ina": time.Hour, "uk": -1} {
			w := newWire()
			server := &httptest.Server{Listener: w, Config: &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				select {
				case <-r.Context().Done():
				case <-time.After(away):
				}
			})}}
			server.Start()
			defer server.Close()
			if away < 0 {
				w.close() // gone
			}
			hosts[name], wires[name+".example:80"] = "http://"+name+".example", w
		}
		var m *metrics
		client := m.client(false)
		client.Transport.(*http.Transport).Proxy = nil
		client.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, address string) (net.Conn, error) {
			return wires[address].dial(ctx)
		}
		begin := time.Now()
		found := reachAll(t.Context(), client, hosts)
		if took := time.Since(begin); took != 10*time.Second {
			t.Errorf("a host that never answers was waited for %v", took)
		}
		var order []string
		for _, r := range found {
			order = append(order, fmt.Sprint(r.name, " ", r.took, " ", r.err == nil))
		}
		if diff := cmp.Diff([]string{"eu 30ms true", "au 31ms true", "us 200ms true", "ina 0s false", "uk 0s false"}, order); diff != "" {
			t.Errorf("by distance (-want +got):\n%s%v", diff, found)
		}
	})
}

// TestDoctorRegions: the commercial cloud has siblings to look at, an address of one's own has none.
func TestDoctorRegions(t *testing.T) {
	hosts, own, err := loaded(t, "defender: {region: eu}", nil).hosts()
	if err != nil || own != "eu" || len(hosts) != 7 || hosts["uk"] != "https://uk.api.security.microsoft.com" {
		t.Errorf("%v, %q, %v", hosts, own, err)
	}
	hosts, own, err = loaded(t, "defender: {cloud: gcc}", nil).hosts()
	if err != nil || own != worldwide || len(hosts) != 1 {
		t.Errorf("%v, %q, %v", hosts, own, err)
	}
}
