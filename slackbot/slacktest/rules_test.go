package slacktest_test

import (
	"strings"
	"testing"

	"scanwarden/slackbot/slacktest"
)

// A violation fails the test at its end, unless the test expected it.
func TestABrokenRuleFailsTheTest(t *testing.T) {
	tests := map[string]struct {
		expect []string // nil: no violation is expected
		fails  int
	}{
		"unexpected":        {nil, 1},
		"expected":          {[]string{"no_text"}, 0},
		"another expected":  {[]string{"msg_too_long"}, 1},
		"anything expected": {[]string{}, 0},
		"several, one fits": {[]string{"msg_too_long", "chat.postMessage"}, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := &recordingTB{TB: t}
			s := slacktest.New(w, slacktest.Options{})
			addUsers(s)
			if test.expect != nil {
				s.ExpectViolations(test.expect...)
			}
			call(t, s, "chat.postMessage", "channel", "C1")
			w.runCleanups()
			if len(w.errors) != test.fails || test.fails > 0 && !strings.Contains(w.errors[0], "no_text") {
				t.Errorf("the test failed with %q, want %d failures", w.errors, test.fails)
			}
		})
	}
}

// A token is read from the form or the header, never from the URL, and is never recorded.
func TestATokenIsNotTakenFromTheURLNorKept(t *testing.T) {
	s := workspace(t, slacktest.Options{})
	if a := call(t, s, "auth.test?token=xoxb-test-token", "token", ""); a.Error != "not_authed" {
		t.Errorf("a token in the URL answered %q", a.Error)
	}
	call(t, s, "auth.test")
	for _, c := range s.Calls() {
		if len(c.Args) != 0 || c.Status != 200 {
			t.Errorf("kept %v, status %d", c.Args, c.Status)
		}
	}
}

func TestAMethodForFormsReadsNoJSON(t *testing.T) {
	s := workspace(t, slacktest.Options{})
	if code := callJSON(t, s, "users.info", `{"user":"U1"}`); code != "user_not_found" {
		t.Errorf("users.info with JSON answered %q", code)
	}
	if code := callJSON(t, s, "chat.postMessage", `{"channel":"C1","blocks":[`+section+`]}`); code != "" {
		t.Errorf("chat.postMessage with JSON answered %q", code)
	}
}
