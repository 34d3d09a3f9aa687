package slackbot_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"scanwarden/slackbot"
)

// emulatorPath names the program of local-slack (https://github.com/parvalabs/local-slack), an emulator that
// another project wrote: it does not share what slacktest may have misunderstood about Slack. .ci/run installs it.
const emulatorPath = "SCANWARDEN_TEST_LOCAL_SLACK"

// emulate starts an emulator, and a stack whose bot uses it.
func emulate(t *testing.T, opts options) (*stack, *emulator) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	e := newEmulator(t, opts.sockets, "http://"+server.Listener.Addr().String())
	opts.noRun = true
	opts.bot = func(c *slackbot.Config) { c.API = e.api }
	s := newStack(t, opts)
	server.Config.Handler = singleEndpoint(s.bot)
	server.Start()
	t.Cleanup(server.Close)
	s.runBot(t)
	if opts.sockets {
		e.wait("two sockets", func() bool { return e.sockets == 2 })
	}
	return s, e
}

// singleEndpoint serves everything at one address: the emulator has only one for an app.
func singleEndpoint(bot *slackbot.Bot) http.Handler {
	commands, interactions := bot.Commands(), bot.Interactions()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if bytes.Contains(body, []byte("payload=")) || bytes.HasPrefix(body, []byte("{")) {
			interactions.ServeHTTP(w, r)
			return
		}
		commands.ServeHTTP(w, r)
	})
}

func newEmulator(t *testing.T, sockets bool, requests string) *emulator {
	t.Helper()
	program := os.Getenv(emulatorPath)
	if program == "" {
		t.Skip(emulatorPath + " does not name the emulator's program; .ci/run installs it where npm can")
	}
	requireIsolated(t)
	base := launch(t, program, workspace(t, sockets, requests))
	page, _, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(base, "http")+"/ui", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = page.Close() })
	return &emulator{t: t, api: base + "/api/", page: page}
}

// requireIsolated fails if other machines could reach the emulator, which listens on all addresses and accepts any token.
func requireIsolated(t *testing.T) {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if i.Flags&net.FlagUp != 0 && i.Flags&net.FlagLoopback == 0 {
			t.Fatalf("the emulator would listen on %s; run this test by `go test -exec .ci/alone.sh`, in a network of its own", i.Name)
		}
	}
}

// workspace writes the configuration of the emulator and returns its path.
func workspace(t *testing.T, sockets bool, requests string) (path string) {
	t.Helper()
	mode := "events"
	if sockets {
		mode = "socket"
	}
	var users []map[string]string
	for _, id := range []string{ada, eve, bob} {
		users = append(users, map[string]string{"id": id, "name": strings.ToLower(id)})
	}
	config, err := json.Marshal(map[string]any{
		"workspace": map[string]any{"name": "Test", "domain": "test", "teamId": team},
		"app": map[string]any{
			"appId": "A01APP", "botUserId": "U0BOT", "botName": "scanwarden", "botToken": "xoxb-test", "appToken": "xapp-test",
			"signingSecret": "signing-secret", "mode": mode, "requestUrl": requests,
		},
		"users":    users,
		"channels": []any{map[string]any{"id": channel, "name": "scans", "members": []string{ada, eve, bob, "U0BOT"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "workspace.json")
	if err := os.WriteFile(path, config, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// reListening matches what the emulator prints when it listens.
var reListening = regexp.MustCompile(`Web UI:\s+(http://\S+)`)

// launch runs the emulator until the test ends, and returns its address.
func launch(t *testing.T, program, config string) (base string) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	_ = free.Close() // no other process in this network can take it
	ctx, stop := context.WithCancel(context.Background())
	run := exec.CommandContext(ctx, program, "--config", config, "--port", port, "--base-host", "127.0.0.1", "--files-dir", t.TempDir())
	out, err := run.StdoutPipe()
	if err == nil {
		err = run.Start()
	}
	if err != nil {
		stop()
		t.Fatal(err)
	}
	found, ended := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if at := reListening.FindStringSubmatch(lines.Text()); at != nil {
				found <- at[1]
			}
		}
	}()
	t.Cleanup(func() { stop(); <-ended; _ = run.Wait() })
	select {
	case base = <-found:
	case <-ended:
		t.Fatal("the emulator ended before it listened")
	case <-time.After(time.Minute):
		t.Fatal("the emulator does not say that it listens")
	}
	return base
}
