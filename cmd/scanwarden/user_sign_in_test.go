package main

import (
	"context"
	"html"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"scanwarden/defender/entra/entratest"
)

// newUserSignInStack returns a stack in which Ada signs in herself, on a machine without a protected store and a
// browser.
func newUserSignInStack(t *testing.T, way string) *entraStack {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("only on Linux is it known how to have no protected store")
	}
	s := newEntraStack(t, entratest.Defender)
	s.entra.AddApp(entratest.App{
		ClientID: serverApp, Public: true, RedirectURIs: []string{"http://localhost"},
		Consented: []string{entratest.Defender + "/Machine.ReadWrite"},
	})
	s.env = append(s.env, "SCANWARDEN_AUTH="+way, "AZURE_CLIENT_SECRET=", "DBUS_SESSION_BUS_ADDRESS=unix:path=/dev/null", "PATH=")
	return s
}

// withProgressNotes sends the progress notes of a client to notes.
func withProgressNotes(notes chan<- string) func(*mcp.ClientOptions) {
	return func(o *mcp.ClientOptions) {
		o.ProgressNotificationHandler = func(_ context.Context, r *mcp.ProgressNotificationClientRequest) {
			notes <- r.Params.Message
		}
	}
}

// startSignIn connects a client of `scanwarden stdio` and calls list_scans. It returns the client, the instructions to
// sign in, and a channel for the call's result.
func (s *entraStack) startSignIn(t *testing.T, transport mcp.Transport) (c *mcp.ClientSession, told string, came <-chan string) {
	t.Helper()
	notes, answers := make(chan string, 100), make(chan string, 1)
	c = connectClient(t, transport, "modern", typeCode, withProgressNotes(notes))
	go func() {
		params := &mcp.CallToolParams{Name: "list_scans"}
		params.SetProgressToken("reading")
		r, err := c.CallTool(t.Context(), params)
		if err != nil {
			answers <- err.Error()
			return
		}
		answers <- transcript(t, r, nil)
	}()
	for {
		select {
		case note := <-notes:
			if strings.HasPrefix(note, "To sign in to Entra ID, ") {
				return c, note, answers
			}
		case answer := <-answers:
			t.Fatalf("nobody was told to sign in: %s", answer)
		case <-time.After(waitTimeout):
			t.Fatalf("nobody is told to sign in\n%s", s.logs)
		}
	}
}

// TestAUserSignsIn: the client shows its user how to sign in, once. Defender is then called on behalf of that user. The
// instructions mention that the sign-in cannot be kept.
func TestAUserSignsIn(t *testing.T) {
	t.Parallel()
	for way, signIn := range map[string]func(*entraStack, *testing.T, string){
		"device-code": (*entraStack).enterCode,
		"interactive": (*entraStack).followAddress,
	} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			s := newUserSignInStack(t, way)
			s.env = append(s.env, "SCANWARDEN_APPROVERS=", "SCANWARDEN_SELF_APPROVAL=")
			transport, _ := overStdio(t, s.stack)
			c, told, came := s.startSignIn(t, transport)
			if !strings.Contains(told, "kept in memory only") {
				t.Errorf("told %q, and not that the sign-in ends with the program", told)
			}
			signIn(s, t, told)
			if got := <-came; !strings.Contains(got, "Branch routers") {
				t.Errorf("list_scans: %s", got)
			}
			s.checkReadAndWrite(t, c, s.ada.Username)
		})
	}
}

// enterCode enters the code of the instructions as Ada.
func (s *entraStack) enterCode(t *testing.T, told string) {
	t.Helper()
	if codes := s.entra.UserCodes(); len(codes) != 1 || !strings.Contains(told, "enter the code "+codes[0]) {
		t.Fatalf("told %q, and the codes are %q", told, codes)
	} else if err := s.entra.Approve(codes[0], adaID); err != nil {
		t.Fatal(err)
	}
}

// followAddress opens the address of the instructions in Ada's browser.
func (s *entraStack) followAddress(t *testing.T, told string) {
	t.Helper()
	s.entra.SignIn(adaID)
	resp, err := s.entra.Client().Get(regexp.MustCompile(`https://\S+`).FindString(told))
	if err != nil {
		t.Fatalf("told %q: %v", told, err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	action := regexp.MustCompile(`action="(.*?)"`).FindSubmatch(page)
	if err != nil || action == nil {
		t.Fatalf("%s, %v: %s", resp.Status, err, page)
	}
	form := url.Values{}
	for _, field := range regexp.MustCompile(`name="(\w+)" value="(.*?)"`).FindAllSubmatch(page, -1) {
		form.Set(string(field[1]), html.UnescapeString(string(field[2])))
	}
	back, err := http.PostForm(html.UnescapeString(string(action[1])), form) // as the page does by itself
	if err != nil {
		t.Fatal(err)
	}
	back.Body.Close()
}

// TestShutdownDoesNotWaitForASignIn: a user may never sign in.
func TestShutdownDoesNotWaitForASignIn(t *testing.T) {
	t.Parallel()
	s := newUserSignInStack(t, "device-code")
	cmd := s.command("stdio")
	c, _, came := s.startSignIn(t, &mcp.CommandTransport{Command: cmd, TerminateDuration: waitTimeout})
	began := time.Now()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-came
	_ = c.Close() // waits for its end, which is looked at
	if took := time.Since(began); took > exitTimeout || cmd.ProcessState.ExitCode() != 0 {
		t.Errorf("%v after %s\n%s", cmd.ProcessState, took, s.logs)
	}
}

// TestASignInIsKept until the next start, if there is a protected store for its key.
//
//	SCANWARDEN_TEST_KEYRING=1 .ci/keyring.sh go test ./cmd/scanwarden
func TestASignInIsKept(t *testing.T) {
	if os.Getenv("SCANWARDEN_TEST_KEYRING") == "" {
		t.Skip("SCANWARDEN_TEST_KEYRING is not set: this test writes to the keyring of the session; see .ci/keyring.sh")
	}
	s := newUserSignInStack(t, "device-code")
	s.env = append(s.env, "DBUS_SESSION_BUS_ADDRESS="+os.Getenv("DBUS_SESSION_BUS_ADDRESS"))
	transport, _ := overStdio(t, s.stack)
	c, told, came := s.startSignIn(t, transport)
	s.enterCode(t, told)
	if got := <-came; strings.Contains(told, "memory") || !strings.Contains(got, "Branch routers") {
		t.Fatalf("told %q, and then %s", told, got)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	again, _ := overStdio(t, s.stack)
	if got := callTool(t, connectClient(t, again, "modern", nil), "list_scans", nil); len(got.Scans) == 0 || len(s.entra.UserCodes()) != 0 {
		t.Errorf("after a restart: %+v, and the codes that wait are %q", got, s.entra.UserCodes())
	}
}
