package slacktest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"scanwarden/slackbot/slacktest"
)

// A recordingTB records failures without failing the surrounding test.
type recordingTB struct {
	testing.TB
	mu       sync.Mutex
	errors   []string
	cleanups []func()
}

func (w *recordingTB) Errorf(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.errors = append(w.errors, fmt.Sprintf(format, args...))
}

func (w *recordingTB) Cleanup(f func()) { w.cleanups = append(w.cleanups, f) }

func (w *recordingTB) runCleanups() {
	for _, f := range w.cleanups {
		f()
	}
}

// ruleBreakingWorkspace starts a workspace in which violations do not fail the test.
func ruleBreakingWorkspace(t testing.TB, o slacktest.Options) *slacktest.Server {
	w := &recordingTB{TB: t}
	s := slacktest.New(w, o)
	t.Cleanup(w.runCleanups)
	addUsers(s)
	return s
}

func workspace(t *testing.T, o slacktest.Options) *slacktest.Server {
	s := slacktest.New(t, o)
	addUsers(s)
	return s
}

func addUsers(s *slacktest.Server) {
	s.AddUser(slacktest.User{ID: "U1", Name: "ada", Email: "ada@example.com"})
	s.AddUser(slacktest.User{ID: "U2", Name: "grace"})
	s.AddChannel("C1", "U1", "U2")
}

type answer struct {
	OK       bool   `json:"ok"`
	Error    string `json:"error"`
	TS       string `json:"ts"`
	Needed   string `json:"needed"`
	Metadata struct {
		Messages []string `json:"messages"`
	} `json:"response_metadata"`
	View struct {
		ID   string `json:"id"`
		Hash string `json:"hash"`
	} `json:"view"`
}

// call calls a method with a form, using the bot token unless args contains a token.
func call(t *testing.T, s *slacktest.Server, method string, args ...string) answer {
	t.Helper()
	form := url.Values{"token": {"xoxb-test-token"}}
	for i := 0; i < len(args); i += 2 {
		form.Set(args[i], args[i+1])
	}
	response, err := http.PostForm(s.API()+method, form)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var a answer
	if err := json.NewDecoder(response.Body).Decode(&a); err != nil {
		t.Fatal(err)
	}
	return a
}

// serveApp serves all three URLs of the app with handle.
func serveApp(t *testing.T, s *slacktest.Server, handle http.HandlerFunc) {
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	s.SetURLs(server.URL, server.URL, server.URL)
}

// respondWith returns an app that answers every request with body.
func respondWith(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, body)
	}
}

// decodePayload returns the interaction in a request.
func decodePayload(t *testing.T, r *http.Request) map[string]any {
	t.Helper()
	var p map[string]any
	if err := json.Unmarshal([]byte(r.PostFormValue("payload")), &p); err != nil {
		t.Errorf("payload: %v", err)
	}
	return p
}

// modal returns a view with these blocks, given as comma-separated JSON.
func modal(blocks string) string {
	return `{"type":"modal","callback_id":"form","title":` + plainText("Form") + `,"submit":` + plainText("Send") + `,"blocks":[` + blocks + `]}`
}

func plainText(text string) string {
	return `{"type":"plain_text","text":"` + text + `"}`
}

func input(id, element string) string {
	return `{"type":"input","block_id":"` + id + `","label":` + plainText(id) + `,"element":` + element + `}`
}

const section = `{"type":"section","text":{"type":"mrkdwn","text":"hello"}}`

func button(id string) string {
	return `{"type":"button","action_id":"` + id + `","value":"v-` + id + `","text":` + plainText(id) + `}`
}

func actions(elements ...string) string {
	return `{"type":"actions","block_id":"row","elements":[` + strings.Join(elements, ",") + `]}`
}

func repeatX(n int) string { return strings.Repeat("x", n) }

// repeated returns n copies of item; each %d is replaced by the copy's number.
func repeated(n int, item string) string {
	items := make([]string, n)
	for i := range items {
		items[i] = strings.ReplaceAll(item, "%d", fmt.Sprint(i))
	}
	return strings.Join(items, ",")
}

// readAndRestore reads a body and restores it for the next reader.
func readAndRestore(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, err
}

// callJSON calls a method with JSON and returns the error code.
func callJSON(t *testing.T, s *slacktest.Server, method, args string) string {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, s.API()+method, strings.NewReader(args))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("Authorization", "Bearer xoxb-test-token")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var a answer
	if err := json.NewDecoder(response.Body).Decode(&a); err != nil {
		t.Fatal(err)
	}
	return a.Error
}
