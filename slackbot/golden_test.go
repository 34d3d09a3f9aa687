package slackbot_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"scanwarden/confirm"
	"scanwarden/slackbot/slacktest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// goldenCase is a scene whose messages testdata/messages holds as Slack received them.
type goldenCase struct {
	name string
	opts options
	play func(t *testing.T, s *stack) []slacktest.Call // returns the calls to compare
}

// goldenClock returns the time at which every scene begins.
func goldenClock() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) }

// TestGoldenMessages compares what Slack receives in each scene with a golden file, byte for byte except for white space between
// tokens. Rewrite the files with -update, and read what changed.
func TestGoldenMessages(t *testing.T) {
	t.Parallel()
	for _, c := range slices.Concat(questionScenes(), outcomeScenes(), otherScenes()) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.opts.now = goldenClock
			s := newStack(t, c.opts)
			got := s.goldenText(t, c.play(t, s))
			for _, call := range s.slack.Calls() {
				checkReadable(t, call)
			}
			file := filepath.Join("testdata", "messages", c.name+".json")
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// checkReadable checks what a screen reader and a notification need: a text beside blocks that has nothing of a requester or of
// Defender, and a label for each button. No text but our own emoji elements becomes an emoji.
func checkReadable(t *testing.T, c slacktest.Call) {
	t.Helper()
	var content any
	if err := json.Unmarshal([]byte(cmp.Or(c.Args["blocks"], c.Args["view"], "null")), &content); err != nil {
		t.Fatal(err)
	}
	if text := c.Args["text"]; c.Args["blocks"] != "" && (text == "" || strings.ContainsAny(text, "<*`\"") || strings.Contains(text, "Core")) {
		t.Errorf("the text of %s for notifications is %q", c.Method, text)
	}
	visitObjects(content, func(o map[string]any) {
		switch label, _ := o["accessibility_label"].(string); {
		case o["type"] == "button" && (label == "" || len(label) > 75):
			t.Errorf("%s: button %v has the label %q for screen readers", c.Method, o["action_id"], label)
		case o["type"] == "mrkdwn", o["type"] == "plain_text" && o["emoji"] != false:
			t.Errorf("%s: a text can become markup or an emoji: %v", c.Method, o)
		}
	})
}

// goldenText returns calls as one JSON array. What is random, the ids and codes of changes and the timestamps of messages, becomes
// the same in each run.
func (s *stack) goldenText(t *testing.T, calls []slacktest.Call) []byte {
	t.Helper()
	type call struct {
		Method string                     `json:"method"`
		Args   map[string]json.RawMessage `json:"args"`
	}
	all := make([]call, len(calls))
	for i, c := range calls {
		all[i] = call{c.Method, map[string]json.RawMessage{}}
		for name, value := range c.Args {
			raw := json.RawMessage(value)
			if !json.Valid(raw) || name == "ts" || name == "thread_ts" {
				raw = []byte(encodeJSON(t, value))
			}
			all[i].Args[name] = raw
		}
	}
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(encodeJSON(t, all)), "", "  "); err != nil {
		t.Fatal(err)
	}
	return []byte(s.fixedNames(t).Replace(strings.TrimRight(out.String(), "\n") + "\n"))
}

// encodeJSON returns v as JSON, with the characters of HTML as they are.
func encodeJSON(t testing.TB, v any) string {
	t.Helper()
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// fixedNames replaces what is random in a scene: CHANGE-1 and CODE1 are those of the first change, TS-1 that of the first message.
func (s *stack) fixedNames(t *testing.T) *strings.Replacer {
	t.Helper()
	changes, err := s.Gate.Changes(t.Context(), confirm.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(changes, func(a, b confirm.Change) int { return a.Created.Compare(b.Created) })
	var pairs []string
	for i, c := range changes {
		n := string(rune('1' + i))
		pairs = append(pairs, c.ID, "CHANGE-"+n, c.Code, "CODE"+n)
	}
	for i, m := range s.slack.Messages(channel) {
		pairs = append(pairs, m.TS, "TS-"+string(rune('1'+i)))
	}
	return strings.NewReplacer(pairs...)
}

// sent returns the calls of a method so far that match.
func (s *stack) sent(method string, match func(args map[string]string) bool) (all []slacktest.Call) {
	for _, c := range s.slack.Calls() {
		if c.Method == method && match(c.Args) {
			all = append(all, c)
		}
	}
	return all
}

// inThread waits for a message with words in the thread of q, and returns the calls that posted into the thread, without reminders
// unless words are those of one.
func (s *stack) inThread(q slacktest.Message, words string) []slacktest.Call {
	const reminder = "Half of the time is gone"
	posted := func(args map[string]string) bool {
		return args["thread_ts"] == q.TS && (words == reminder || !strings.Contains(args["blocks"], reminder))
	}
	s.slack.WaitMessage(q.Channel, func(m slacktest.Message) bool { return m.ThreadTS == q.TS && containsAll(m.All(), words) })
	return s.sent("chat.postMessage", posted)
}

// lastUpdate waits until q contains all words, and returns the call that last updated it.
func (s *stack) lastUpdate(t *testing.T, q slacktest.Message, words ...string) slacktest.Call {
	t.Helper()
	s.waitUpdate(t, q, words...)
	all := s.sent("chat.update", func(args map[string]string) bool { return args["ts"] == q.TS })
	return all[len(all)-1]
}
