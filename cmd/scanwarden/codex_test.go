package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestCodexShowsTheWholePrompt drives the real Codex in a terminal of 80x24, with a scripted model that calls update_scan.
// The question and the code's line are visible at the same time, and the typed code applies the change. It runs if
// SCANWARDEN_TEST_CODEX names the program, as .ci/run does.
func TestCodexShowsTheWholePrompt(t *testing.T) {
	codex := os.Getenv("SCANWARDEN_TEST_CODEX")
	if codex == "" {
		t.Skip("SCANWARDEN_TEST_CODEX does not name Codex")
	}
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("there is no tmux")
	}
	c := startCodex(t, codex, buildForTests(t))
	shown := c.waitFor(t, regexp.MustCompile(`type: ([A-Z0-9]{5})`))
	for _, want := range []string{`Update scan "Core switches"`, `CHANGE: intervalInHours from "4" to "24".`} {
		if !strings.Contains(shown, want) {
			t.Errorf("the screen does not show %q:\n%s", want, shown)
		}
	}
	code := regexp.MustCompile(`To apply this change, type: ([A-Z0-9]{5})`).FindStringSubmatch(shown)
	if code == nil {
		t.Fatalf("the screen does not show the line of the code:\n%s", shown)
	}
	c.typeUntilShown(t, code[1])
	c.tmux(t, "send-keys", "Enter")
	c.waitFor(t, regexp.MustCompile(`"status": ?"applied"|the model read: applied`))
}

// codexScreen is Codex in a tmux server of its own.
type codexScreen struct{ socket string }

func startCodex(t *testing.T, codex, scanwarden string) codexScreen {
	t.Helper()
	dir, err := os.MkdirTemp("", "codex") // short: the path of a socket has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	model := httptest.NewServer(scriptedModel(t))
	t.Cleanup(model.Close)
	config := fmt.Sprintf(`model = "scripted"
model_provider = "scripted"
approval_policy = "on-request"
sandbox_mode = "read-only"
check_for_update_on_startup = false
[analytics]
enabled = false
[model_providers.scripted]
name = "scripted"
base_url = %q
wire_api = "responses"
requires_openai_auth = false
[mcp_servers.scanwarden]
command = %q
args = ["stdio", "--simulator"]
default_tools_approval_mode = "approve"
env = { SCANWARDEN_STATE_DIR = %q }
[projects.%q]
trust_level = "trusted"
`, model.URL, scanwarden, filepath.Join(dir, "state"), dir)
	if err := os.WriteFile(filepath.Join(dir, "config.toml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	c := codexScreen{filepath.Join(dir, "tmux")}
	t.Cleanup(func() { exec.Command("tmux", "-S", c.socket, "kill-server").Run() })
	c.tmux(t, "-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", "-c", dir,
		"env", "CODEX_HOME="+dir, "HOME="+dir, "TERM=xterm-256color", codex, "Once a day is enough for the core switches.")
	return c
}

func (c codexScreen) tmux(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", c.socket}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("tmux %s: %v: %s", args, err, out)
	}
	return string(out)
}

// typeUntilShown types the code as a person does, who looks whether it has arrived: for a moment after a prompt has opened,
// Codex drops keys that were meant for something else.
func (c codexScreen) typeUntilShown(t *testing.T, code string) {
	t.Helper()
	typed := regexp.MustCompile(`(?s)type: ` + code + `.*` + code)
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		c.tmux(t, "send-keys", "-l", code)
		for look := time.Now().Add(10 * time.Second); time.Now().Before(look); <-time.After(100 * time.Millisecond) {
			if typed.MatchString(c.tmux(t, "capture-pane", "-p")) {
				return
			}
		}
	}
	t.Fatalf("the screen never shows the typed code:\n%s", c.tmux(t, "capture-pane", "-p"))
}

// waitFor returns the screen once it shows the pattern.
func (c codexScreen) waitFor(t *testing.T, pattern *regexp.Regexp) string {
	t.Helper()
	var shown string
	for end := time.Now().Add(time.Minute); time.Now().Before(end); <-time.After(100 * time.Millisecond) {
		if shown = c.tmux(t, "capture-pane", "-p"); pattern.MatchString(shown) {
			t.Logf("the screen:\n%s", shown)
			return shown
		}
	}
	t.Fatalf("the screen never shows %s:\n%s", pattern, shown)
	return ""
}

// scriptedModel answers as the Responses API does: it calls update_scan, and then repeats the status that it was given.
func scriptedModel(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || !strings.HasSuffix(r.URL.Path, "/responses") {
			http.NotFound(w, r)
			return
		}
		item := map[string]any{
			"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "update_scan", "namespace": "mcp__scanwarden",
			"arguments": `{"id":"Core switches","intervalInHours":24}`,
		}
		if strings.Contains(string(body), "function_call_output") {
			text := "the model read: something else"
			if regexp.MustCompile(`\\*"status\\*": ?\\*"applied`).Match(body) {
				text = "the model read: applied"
			}
			item = map[string]any{
				"type": "message", "id": "msg_1", "role": "assistant",
				"content": []any{map[string]any{"type": "output_text", "text": text}},
			}
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for _, event := range []map[string]any{
			{"type": "response.created", "response": map[string]any{"id": "resp_1"}},
			{"type": "response.output_item.done", "item": item},
			{"type": "response.completed", "response": map[string]any{"id": "resp_1", "usage": map[string]any{
				"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}}},
		} {
			data, err := json.Marshal(event)
			if err != nil {
				t.Error(err)
			}
			fmt.Fprintf(w, "event: %s\ndata: %s\n\n", event["type"], data)
		}
	}
}
