package main

import (
	"bytes"
	"database/sql"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"scanwarden/cmd/scanwarden/internal/server"
	"scanwarden/confirm"
	"scanwarden/confirm/store"
	"scanwarden/defender/defendertest"
	"scanwarden/defender/entra/entratest"
	"scanwarden/slackbot/slacktest"
)

// doctorStack is a set-up in which all checks pass, until a test breaks it.
type doctorStack struct {
	t      *testing.T
	entra  *entratest.Server
	tenant *defendertest.Server
	slack  *slacktest.Server
	dir    string
	env    map[string]string
	file   string // the configuration file's text
}

const writingApp = "22223333-cccc-4444-dddd-5555eeee6666"

const needed = entratest.Defender + "/Machine.ReadWrite.All"

func newDoctorStack(t *testing.T) *doctorStack {
	t.Helper()
	w := &doctorStack{t: t, entra: entratest.New(entratest.Options{}), tenant: defendertest.New(defendertest.Options{}), dir: t.TempDir()}
	t.Cleanup(w.entra.Close)
	w.addApp(needed)
	api := httptest.NewServer(requireEntraToken(w.entra, w.tenant, entratest.Defender))
	t.Cleanup(func() { w.tenant.Close(); api.Close() })
	w.slack = newSlack(t, slacktest.Options{BotToken: "xoxb-test", AppToken: "xapp-test", Team: "T01TEST"})
	w.env = map[string]string{
		"SCANWARDEN_STATE_DIR": filepath.Join(w.dir, "state"), "SCANWARDEN_CONFIG": filepath.Join(w.dir, "scanwarden.yaml"),
		"SCANWARDEN_DEFENDER_URL": api.URL, "SSL_CERT_FILE": w.entra.CAFile(t), "AZURE_AUTHORITY_HOST": w.entra.Authority(),
		"AZURE_TENANT_ID": w.entra.Tenant(), "AZURE_CLIENT_ID": serverApp, "AZURE_CLIENT_SECRET": entraSecret,
		"SLACK_API_URL": w.slack.API(), "SLACK_BOT_TOKEN": "xoxb-test", "SLACK_APP_TOKEN": "xapp-test",
		"COLUMNS":               "10000", // or lines would break where the length of a temporary directory decides
		"SCANWARDEN_HTTP_TOKEN": bearerToken, "CORE_SNMP_AUTH": authPassword, "CORE_SNMP_PRIV": privPassword,
	}
	w.file = namedCredential + "policy: {approvers: [slack:T01TEST/U0ADA]}\n" +
		"people: [{name: Ada, principals: [slack:T01TEST/U0ADA, token:default]}]\n"
	return w
}

func (w *doctorStack) addApp(roles ...string) {
	w.entra.AddApp(entratest.App{ClientID: serverApp, Secret: entraSecret, Roles: roles})
}

// signInWith replaces the client secret by a file, which may be missing in the stack's directory.
func (w *doctorStack) signInWith(setting, file string) {
	delete(w.env, "AZURE_CLIENT_SECRET")
	w.env[setting] = filepath.Join(w.dir, file)
	w.env["SCANWARDEN_DEFENDER_URL"] = "https://127.0.0.1:1"
}

// serverKey is the content of server.key where a test has one.
var serverKey = strings.Repeat("k", server.KeySize)

// createStore creates a ledger with one entry, as a server with serverKey would.
func (w *doctorStack) createStore() {
	w.t.Helper()
	dir := filepath.Join(w.dir, "state")
	ledger, err := store.Open(w.t.Context(), store.Config{URL: "sqlite:" + filepath.Join(dir, "ledger.db"), KeyDir: dir})
	if err != nil {
		w.t.Fatal(err)
	}
	link := confirm.Link{From: "slack:T01TEST/U0BOB", To: "entra:99999999-2222-3333-4444-555555555555/11112222-bbbb-3333-cccc-4444dddd5555", Name: "Bob", How: "sign-in", At: time.Now()}
	gate := confirm.New(confirm.Config{Store: ledger, Key: []byte(serverKey)})
	if err := errors.Join(gate.Link(w.t.Context(), link), ledger.Close()); err != nil {
		w.t.Fatal(err)
	}
}

// replaceKey puts the audit key of another ledger in place of ours.
func (w *doctorStack) replaceKey() {
	w.t.Helper()
	dir := w.t.TempDir()
	other, err := store.Open(w.t.Context(), store.Config{URL: "sqlite:" + filepath.Join(dir, "ledger.db"), KeyDir: dir})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		w.t.Fatal(err)
	}
	for _, name := range []string{"audit.key", "audit.pub"} {
		if err := os.Rename(filepath.Join(dir, name), filepath.Join(w.dir, "state", name)); err != nil {
			w.t.Fatal(err)
		}
	}
}

// rollBack replaces the ledger by an older copy, from before its one entry.
func (w *doctorStack) rollBack() {
	w.t.Helper()
	dir := filepath.Join(w.dir, "state")
	w.removeFile("state/ledger.db")
	older, err := store.Open(w.t.Context(), store.Config{URL: "sqlite:" + filepath.Join(dir, "ledger.db"), KeyDir: dir})
	if err == nil {
		err = older.Close()
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *doctorStack) removeFile(file string) {
	w.t.Helper()
	if err := os.Remove(filepath.Join(w.dir, file)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *doctorStack) writeFile(file, content string, mode os.FileMode) {
	w.t.Helper()
	path := filepath.Join(w.dir, file)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), mode), os.Chmod(path, mode)); err != nil {
		w.t.Fatal(err)
	}
}

// runDoctor runs `scanwarden doctor` and returns what it prints and its exit code.
func (w *doctorStack) runDoctor(args ...string) (out string, exit int) {
	w.t.Helper()
	if err := os.WriteFile(w.env["SCANWARDEN_CONFIG"], []byte(w.file), 0o600); err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.Command(programPath(w.t), append([]string{"doctor"}, args...)...)
	for name, value := range w.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // its code is looked at
	if all := stdout.String() + stderr.String(); strings.Contains(all, authPassword) || strings.Contains(all, entraSecret) || strings.Contains(all, "Bearer ey") {
		w.t.Errorf("a secret is printed:\n%s", all)
	}
	if rest := strings.TrimSpace(stderr.String()); strings.Contains(rest, "\n") || rest != "" && !strings.HasPrefix(rest, "scanwarden: doctor: ") {
		w.t.Errorf("more than the sum is on stderr, which is a pipe:\n%s", rest)
	}
	return w.normalize(stdout.String()), cmd.ProcessState.ExitCode()
}

// normalize replaces what differs between runs.
func (w *doctorStack) normalize(text string) string {
	for _, r := range []struct{ pattern, with string }{
		{regexp.QuoteMeta(w.dir), "DIR"},
		{`127\.0\.0\.1:\d+`, "HOST"},
		{`^scanwarden doctor +`, "scanwarden doctor  "},
		{` in \d+(\.\d+)?(ms|µs|s)\b`, " in N ms"},
		{`(correlation id|request) [0-9a-f-]{36}`, "$1 GUID"},
		{`dial tcp [^\n]*refused`, "connection refused"},
	} {
		text = regexp.MustCompile(r.pattern).ReplaceAllString(text, r.with)
	}
	return text
}

// withoutSlack removes Slack from the set-up.
func (w *doctorStack) withoutSlack() {
	delete(w.env, "SLACK_BOT_TOKEN")
	delete(w.env, "SLACK_APP_TOKEN")
}

// replaceInFile replaces bytes of a file by as many others, as a hex editor does.
func (w *doctorStack) replaceInFile(file, old, now string) {
	w.t.Helper()
	path := filepath.Join(w.dir, file)
	content, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(content, []byte(old)) || len(old) != len(now) {
		w.t.Fatalf("%s cannot be altered: %v", file, err)
	}
	if err := os.WriteFile(path, bytes.ReplaceAll(content, []byte(old), []byte(now)), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// execSQL alters the ledger without the store.
func (w *doctorStack) execSQL(statement string) {
	w.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(w.dir, "state", "ledger.db"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(w.t.Context(), statement); err != nil {
		w.t.Fatal(err)
	}
}
