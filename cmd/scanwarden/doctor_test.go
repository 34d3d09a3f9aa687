package main

import (
	"encoding/json"
	"flag"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/server"
	"scanwarden/defender/defendertest"
	"scanwarden/defender/entra/entratest"
	"scanwarden/slackbot/slacktest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// workingSetups are the set-ups with which a server works.
var workingSetups = []string{"all-well", "simulator-url", "on-behalf-of", "slack-scope-unused", "approver-linked", "approver-on-page"}

// TestDoctorNamesEachFault breaks a good set-up in one way at a time. The golden files are what the doctor prints.
func TestDoctorNamesEachFault(t *testing.T) {
	t.Parallel()
	for name, breakIt := range map[string]func(*doctorStack){
		"all-well":        func(*doctorStack) {},
		"misspelled-name": func(w *doctorStack) { w.env["SCANWARDEN_APPROVER"] = "token:ada" },
		"misspelled-key":  func(w *doctorStack) { w.file += "polcy: {}\n" },
		"rule-invalid": func(w *doctorStack) {
			w.file = "policy:\n  rules:\n    - {name: large, when: adresses > 10, approvals: 2}\n"
		},
		"context-without-page": func(w *doctorStack) {
			w.file = "policy:\n  rules:\n    - {name: strong, when: count > 3, authentication_context: c1}\n"
			w.env["SCANWARDEN_APPROVERS"] = "slack:T01TEST/U0ADA"
		},
		"two-mistakes": func(w *doctorStack) { w.env["SCANWARDEN_CLOUD"], w.env["SCANWARDEN_LOG_LEVEL"] = "mars", "loud" },
		"no-credential": func(w *doctorStack) {
			delete(w.env, "AZURE_CLIENT_SECRET")
			delete(w.env, "AZURE_TENANT_ID")
			w.env["SCANWARDEN_DEFENDER_URL"] = "https://127.0.0.1:1"
		},
		"no-sign-in-settings": func(w *doctorStack) {
			for _, name := range []string{"AZURE_CLIENT_SECRET", "AZURE_TENANT_ID", "AZURE_CLIENT_ID"} {
				delete(w.env, name)
			}
			w.env["SCANWARDEN_DEFENDER_URL"], w.env["AZURE_AUTHORITY_HOST"] = "https://127.0.0.1:1", "https://127.0.0.1:1"
		},
		"write-credential-incomplete": func(w *doctorStack) { w.env["SCANWARDEN_WRITE_CLIENT_SECRET"] = "another-secret" },
		"managed-identity": func(w *doctorStack) {
			w.env["SCANWARDEN_AUTH"], w.env["IDENTITY_ENDPOINT"], w.env["IDENTITY_HEADER"] = "managed-identity", "http://127.0.0.1:1", "x"
		},
		"simulator-url": func(w *doctorStack) {
			delete(w.env, "AZURE_CLIENT_SECRET")
			open := httptest.NewServer(w.tenant)
			w.t.Cleanup(open.Close)
			w.env["SCANWARDEN_DEFENDER_URL"] = open.URL
		},
		"sign-in-skipped":     func(w *doctorStack) { delete(w.env, "AZURE_CLIENT_SECRET") }, // its URL is plain http on loopback
		"entra-unreachable":   func(w *doctorStack) { w.env["AZURE_AUTHORITY_HOST"] = "https://127.0.0.1:1" },
		"entra-over-http":     func(w *doctorStack) { w.env["AZURE_AUTHORITY_HOST"] = "http://127.0.0.1:9" },
		"certificate-missing": func(w *doctorStack) { w.signInWith("AZURE_CLIENT_CERTIFICATE_PATH", "gone.pem") },
		"token-file-missing":  func(w *doctorStack) { w.signInWith("AZURE_FEDERATED_TOKEN_FILE", "gone.jwt") },
		"token-file-empty": func(w *doctorStack) {
			w.signInWith("AZURE_FEDERATED_TOKEN_FILE", "empty.jwt")
			w.writeFile("empty.jwt", "\n", 0o600)
		},
		"write-token-file-missing": func(w *doctorStack) {
			w.env["SCANWARDEN_WRITE_CLIENT_ID"] = serverApp
			w.env["SCANWARDEN_WRITE_FEDERATED_TOKEN_FILE"] = filepath.Join(w.dir, "gone.jwt")
		},
		"wrong-secret": func(w *doctorStack) { w.env["AZURE_CLIENT_SECRET"] = "another-secret" },
		"expired-secret": func(w *doctorStack) {
			w.entra.AddApp(entratest.App{ClientID: serverApp, Secret: entraSecret, ExpiredSecret: true})
		},
		"wrong-tenant":     func(w *doctorStack) { w.env["AZURE_TENANT_ID"] = "99999999-2222-3333-4444-555555555555" },
		"tls-interception": func(w *doctorStack) { w.env["SSL_CERT_FILE"] = "/dev/null"; w.env["SSL_CERT_DIR"] = w.dir },
		"role-missing":     func(w *doctorStack) { w.addApp(entratest.Defender + "/Machine.Read.All") },
		"license-missing": func(w *doctorStack) {
			w.tenant.Fail(defendertest.Fault{Status: 401, Code: "Unauthorized", Message: "No Tvm license"})
		},
		"defender-unreachable": func(w *doctorStack) { w.env["SCANWARDEN_DEFENDER_URL"] = "http://127.0.0.1:1" },
		"credential-missing":   func(w *doctorStack) { delete(w.env, "CORE_SNMP_PRIV") },
		"vault-forbidden": func(w *doctorStack) {
			w.file = namedCredential
			w.behindProxy(&fakeVault{entra: w.entra, forbidden: true})
		},
		"vault-secret-missing": func(w *doctorStack) {
			w.file = namedCredential
			w.behindProxy(&fakeVault{entra: w.entra})
			w.file = strings.Replace(w.file, "/secrets/edge", "/secrets/edges", 1)
		},
		"vault-unreachable": func(w *doctorStack) {
			w.file = namedCredential
			w.behindProxy(&fakeVault{entra: w.entra})
			w.env["HTTPS_PROXY"] = "http://127.0.0.1:1"
		},
		"writer-role-missing": func(w *doctorStack) {
			w.addApp(entratest.Defender + "/Machine.Read.All")
			w.entra.AddApp(entratest.App{ClientID: writingApp, Secret: entraSecret, Roles: []string{entratest.Defender + "/Machine.Read.All"}})
			w.env["SCANWARDEN_WRITE_CLIENT_ID"], w.env["SCANWARDEN_WRITE_CLIENT_SECRET"] = writingApp, entraSecret
		},
		"on-behalf-of": func(w *doctorStack) {
			delete(w.env, "SCANWARDEN_HTTP_TOKEN")
			w.env["SCANWARDEN_AUTH"], w.env["SCANWARDEN_HTTP_AUTH"] = "on-behalf-of", "entra"
			w.file = namedCredential + "policy: {approvers: [slack:T01TEST/U0ADA], self_approval: true}\nconfirm_with: [client, slack]\n"
		},
		"log-altered": func(w *doctorStack) {
			w.createStore()
			w.replaceInFile("state/ledger.db", "U0BOB", "U0EVE")
		},
		"server-key-of-another-replica": func(w *doctorStack) {
			w.createStore()
			w.writeFile("state/server.key", strings.Repeat("o", server.KeySize), 0o600)
		},
		"link-forged": func(w *doctorStack) {
			w.createStore()
			w.writeFile("state/server.key", serverKey, 0o600)
			w.execSQL(`UPDATE link SET mac = substr(mac, 1, 9) || 'AAAA'`)
		},
		"slack-scope-unused": func(w *doctorStack) {
			w.slack = newSlack(w.t, slacktest.Options{BotToken: "xoxb-test", AppToken: "xapp-test", Team: "T01TEST",
				Scopes: []string{"commands", "chat:write", "users:read", "im:write", "files:write"}})
			w.env["SLACK_API_URL"] = w.slack.API()
		},
		"slack-socket-refused": func(w *doctorStack) {
			w.slack.Fail("apps.connections.open", slacktest.Fault{Times: -1, Error: "missing_scope"})
		},
		"slack-token-refused": func(w *doctorStack) { w.env["SLACK_BOT_TOKEN"] = "xoxb-of-another-app" },
		"slack-scope-missing": func(w *doctorStack) {
			w.slack = newSlack(w.t, slacktest.Options{BotToken: "xoxb-test", AppToken: "xapp-test", Team: "T01TEST", Scopes: []string{"commands", "chat:write", "users:read"}})
			w.env["SLACK_API_URL"] = w.slack.API()
		},
		"no-approver-in-slack": func(w *doctorStack) { w.file = namedCredential + "policy: {approvers: [token:ada]}\n" },
		"unusable-principals": func(w *doctorStack) {
			w.file = namedCredential + `policy: {approvers: [slack:T01TEST/U0ADA, slack-group:S0614TZR7]}
people:
  - {name: Ada, principals: [slack:T01TEST/U0ADA, entra:contoso.onmicrosoft.com/ada@contoso.com]}
  - {name: Bob, principals: [slack:E01TEST/U0BOB, entra:99999999-2222-3333-4444-555555555555/11112222-bbbb-3333-cccc-4444dddd5555]}
  - {name: Cleo, principals: [slack:T01TEST/CLEO, token:cleo]}
`
		},
		"no-self-approval": func(w *doctorStack) { // without Slack the requester's own client is asked, and their own approval does not count
			w.withoutSlack()
			w.file = namedCredential + "policy: {approvers: [local:ada], approvals_required: {delete_scans: 2}}\n"
		},
		"no-approver-calls": func(w *doctorStack) {
			w.withoutSlack()
			w.file = namedCredential + "policy: {approvers: [token:ada, slack:T01TEST/U0ADA], self_approval: true}\n"
		},
		"approver-linked": func(w *doctorStack) { // the approver is listed with one principal and calls with another
			w.withoutSlack()
			w.file = namedCredential + `policy: {approvers: [slack:T01TEST/U0ADA], self_approval: true}
people: [{name: Ada, principals: [slack:T01TEST/U0ADA, token:default]}]
`
		},
		"quorum-without-slack": func(w *doctorStack) {
			w.withoutSlack()
			w.file = namedCredential + "policy: {approvals_required: {delete_scans: 2}}\n"
		},
		"approver-on-page": func(w *doctorStack) { // ada signs in to the pages of serve, where the agent cannot be asked
			w.withoutSlack()
			w.file = namedCredential + "policy: {approvers: [token:default]}\nhttp: {tokens: {ci: {env: CI_TOKEN}}, agent_tokens: [ci]}\n"
			w.env["CI_TOKEN"] = bearerToken + "-of-ci"
		},
		"quorum-on-page": func(w *doctorStack) { // two can sign in, and three are needed
			w.withoutSlack()
			w.file = namedCredential + `policy: {approvers: [token:default, token:grace, local:ada], approvals_required: {delete_scans: 3, add_scan: 2}}
http: {tokens: {grace: {env: GRACE_TOKEN}}}
`
			w.env["GRACE_TOKEN"] = bearerToken + "-of-grace"
		},
		"only-caller": func(w *doctorStack) { // the one who can sign in is the only caller
			w.withoutSlack()
			w.file = namedCredential + "policy: {approvers: [token:default]}\n"
		},
		"client-alone": func(w *doctorStack) { // the configuration names the client and nothing else, so that no page is used
			w.withoutSlack()
			w.file = namedCredential + "policy: {approvers: [token:default, token:grace]}\nconfirm_with: [client]\nhttp: {tokens: {grace: {env: GRACE_TOKEN}}}\n"
			w.env["GRACE_TOKEN"] = bearerToken + "-of-grace"
		},
		"terminal-of-another-user": func(w *doctorStack) { // a server asks in the terminal of its machine
			w.withoutSlack()
			w.file = namedCredential + "policy: {approvers: [local:ada], approvals_required: {delete_scans: 2}}\nconfirm_with: [terminal]\n"
		},
		"too-few-approvers": func(w *doctorStack) {
			w.file = namedCredential + `policy: {approvers: [slack:T01TEST/U0ADA, token:default], approvals_required: {delete_scans: 2}}
people: [{name: Ada, principals: [slack:T01TEST/U0ADA, token:default]}]
`
		},
		"ledger-not-creatable": func(w *doctorStack) { w.env["SCANWARDEN_DATABASE_URL"] = "sqlite:/proc/x.db" },
		"audit-key-missing": func(w *doctorStack) {
			w.createStore()
			for _, name := range []string{"audit.key", "audit.pub"} {
				w.removeFile("state/" + name)
			}
		},
		"ledger-of-another-key": func(w *doctorStack) {
			w.createStore()
			w.replaceKey()
		},
		"ledger-rolled-back": func(w *doctorStack) {
			w.createStore()
			w.rollBack()
		},
		"audit-key-cut":    func(w *doctorStack) { w.createStore(); w.writeFile("state/audit.key", "PRIVATE+KEY+scanwarden", 0o600) },
		"server-key-cut":   func(w *doctorStack) { w.writeFile("state/server.key", "too short", 0o600) },
		"server-key-empty": func(w *doctorStack) { w.writeFile("state/server.key", "", 0o600) },
		"state-permissive": func(w *doctorStack) {
			w.createStore()
			w.writeFile("state/server.key", strings.Repeat("k", server.KeySize), 0o604)
			w.writeFile("state/sign-in-0011223344556677", "sealed", 0o620)
			for name, mode := range map[string]os.FileMode{"": 0o777, "audit.key": 0o640, "ledger.db": 0o664} {
				if err := os.Chmod(filepath.Join(w.dir, "state", name), mode); err != nil {
					w.t.Fatal(err)
				}
			}
		},
		"secrets-readable": func(w *doctorStack) {
			w.signInWith("AZURE_FEDERATED_TOKEN_FILE", "a file.jwt")
			w.writeFile("a file.jwt", "header.one.signature", 0o644)
			w.env["SCANWARDEN_WRITE_CLIENT_ID"], w.env["SCANWARDEN_WRITE_CLIENT_CERTIFICATE_PATH"] = serverApp, filepath.Join(w.dir, "key.pem")
			w.writeFile("key.pem", "no key", 0o666)
			w.writeFile("ada.token", bearerToken, 0o644)
			w.writeFile("grace.token", bearerToken+"-of-grace", 0o640)
			delete(w.env, "SCANWARDEN_HTTP_TOKEN")
			w.file += "http: {tokens: {ada: {file: " + w.dir + "/ada.token}, grace: {file: " + w.dir + "/grace.token}}}\n"
		},
		"agent-listed-as-approver": func(w *doctorStack) {
			w.env["SCANWARDEN_HTTP_AGENT_TOKENS"] = "default"
			w.file = namedCredential + "policy: {approvers: [slack:T01TEST/U0ADA, token:default]}\n"
		},
		"token-too-short": func(w *doctorStack) { w.env["SCANWARDEN_HTTP_TOKEN"] = "short" },
		"ledger-unreachable": func(w *doctorStack) {
			w.env["SCANWARDEN_DATABASE_URL"] = "postgres://nobody@127.0.0.1:1/none?sslmode=disable"
		},
		"entra-client-id-invalid": func(w *doctorStack) {
			delete(w.env, "SCANWARDEN_HTTP_TOKEN")
			w.env["SCANWARDEN_HTTP_AUTH"] = "entra"
			w.env["SCANWARDEN_HTTP_CLIENT_ID"] = "scans"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newDoctorStack(t)
			breakIt(w)
			_, before := os.Stat(w.env["SCANWARDEN_STATE_DIR"])
			got, exit := w.runDoctor()
			if _, after := os.Stat(w.env["SCANWARDEN_STATE_DIR"]); before != nil && after == nil && strings.Contains(got, "none yet") {
				t.Error("the doctor made a state directory")
			}
			if (exit == 0) != slices.Contains(workingSetups, name) {
				t.Errorf("exit code %d", exit)
			}
			golden := filepath.Join("testdata", "doctor", name+".golden")
			if *update {
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

// TestDoctorSimulated: a simulated run has no secrets to protect, and needs its key all the same.
func TestDoctorSimulated(t *testing.T) {
	t.Parallel()
	w := newDoctorStack(t)
	if err := os.MkdirAll(filepath.Join(w.dir, "state", "simulator"), 0o700); err != nil {
		t.Fatal(err)
	}
	w.writeFile("state/simulator/audit.key", "", 0o666)
	w.writeFile("state/simulator/server.key", strings.Repeat("k", server.KeySize), 0o666)
	if out, _ := w.runDoctor("--simulator"); !strings.Contains(out, "\nok     state ") {
		t.Errorf("modes are looked at:\n%s", out)
	}
	w.writeFile("state/simulator/server.key", "too short", 0o666)
	if out, exit := w.runDoctor("--simulator"); exit == 0 || !regexp.MustCompile(`\nwrong  state +DIR/state/simulator/server.key does not hold 32 bytes\n       to do +Remove it`).MatchString(out) {
		t.Errorf("a key that was cut short:\n%s", out)
	}
}

// TestDoctorClock: the doctor reports how far the sign-in host's clock differs.
func TestDoctorClock(t *testing.T) {
	t.Parallel()
	// A machine that is busy may take seconds for an answer, and finds itself nearer or farther by them.
	says := map[time.Duration]string{10 * time.Minute: "is (10|9)m[0-9]+s behind$", -10 * time.Minute: "is (10|9)m[0-9]+s ahead$",
		2 * time.Minute: "is [12]m[0-9]+s behind$", 0: "^within 30s of "}
	for skew, want := range map[time.Duration]string{10 * time.Minute: config.StatusProblem, -10 * time.Minute: config.StatusProblem, 2 * time.Minute: config.StatusNote, 0: config.StatusOK} {
		w := newDoctorStack(t)
		w.entra.SetSkew(skew)
		out, _ := w.runDoctor("--json")
		var findings []config.Finding
		if err := json.Unmarshal([]byte(out), &findings); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		i := slices.IndexFunc(findings, func(f config.Finding) bool { return f.Check == "clock" })
		if i < 0 {
			t.Errorf("skew %s: nothing is said of the clock: %+v", skew, findings)
			continue
		}
		if f := findings[i]; f.Status != want || !regexp.MustCompile(says[skew]).MatchString(f.Says) {
			t.Errorf("skew %s: %+v, want %s and %s", skew, f, want, says[skew])
		}
	}
}

// TestDoctorSaysWhatToDo: each problem is followed by what to do about it.
func TestDoctorSaysWhatToDo(t *testing.T) {
	t.Parallel()
	golden, err := filepath.Glob("testdata/doctor/*.golden")
	if err != nil || len(golden) == 0 {
		t.Fatal(golden, err)
	}
	for _, path := range golden {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(text), "\n")
		for i, line := range lines {
			if strings.HasPrefix(line, config.StatusProblem+"  ") && !strings.HasPrefix(lines[i+1], "       to do ") {
				t.Errorf("%s: nothing to do about %q", path, line)
			}
		}
	}
}
