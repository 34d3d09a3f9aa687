package slacktest_test

import (
	"strings"
	"testing"

	"scanwarden/slackbot/slacktest"
)

// openNameForm opens a form with one field for U1. From then on the app answers every request with body.
func openNameForm(t *testing.T, s *slacktest.Server, body string) slacktest.View {
	t.Helper()
	serveApp(t, s, respondWith(""))
	trigger := s.Command("U1", "C1", "/x", "").TriggerID
	if a := call(t, s, "views.open", "trigger_id", trigger, "view", modal(input("name", `{"type":"plain_text_input"}`))); !a.OK {
		t.Fatalf("views.open: %s %q", a.Error, a.Metadata.Messages)
	}
	serveApp(t, s, respondWith(body))
	return s.WaitView("U1", nil)
}

func TestTheAnswerToASubmissionTakesEffect(t *testing.T) {
	other := strings.Replace(modal(section), "Form", "Other", 1)
	tests := []struct {
		name, answer string
		title        string // expected title of the view on top; "" for none
		wrong        string // part of the expected violation; "" for none
	}{
		{"nothing closes", ``, "", ""},
		{"clear", `{"response_action":"clear"}`, "", ""},
		{"update", `{"response_action":"update","view":` + other + `}`, "Other", ""},
		{"push", `{"response_action":"push","view":` + other + `}`, "Other", ""},
		{"errors", `{"response_action":"errors","errors":{"name":"taken"}}`, "Form", ""},
		{"errors elsewhere", `{"response_action":"errors","errors":{"other":"taken"}}`, "Form", "not an input block"},
		{"empty error", `{"response_action":"errors","errors":{"name":""}}`, "Form", "empty error"},
		{"no errors", `{"response_action":"errors","errors":{}}`, "Form", "without errors"},
		{"wrong view", `{"response_action":"update","view":` + modal("") + `}`, "Form", "no fewer than 1"},
		{"unknown action", `{"response_action":"close"}`, "Form", "unknown response_action"},
		{"no action", `{"text":"thanks"}`, "Form", "no response_action"},
		{"text", `thanks`, "Form", "not a response_action"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := ruleBreakingWorkspace(t, slacktest.Options{})
			v := openNameForm(t, s, test.answer)
			a := s.Submit("U1", v, map[string]any{"name": "x"})
			if top, _ := s.View("U1"); top.Title != test.title {
				t.Errorf("on top is %q, want %q", top.Title, test.title)
			}
			broken := strings.Join(s.Violations(), "\n")
			if (broken != "") != (test.wrong != "") || !strings.Contains(broken, test.wrong) || (a.Err != nil) != (test.wrong != "") {
				t.Errorf("violations %q, error %v; want %q", broken, a.Err, test.wrong)
			}
		})
	}
}

func TestErrorsBelongToTheirFields(t *testing.T) {
	s := workspace(t, slacktest.Options{})
	v := openNameForm(t, s, `{"response_action":"errors","errors":{"name":"taken"}}`)
	if got := s.Submit("U1", v, map[string]any{"name": "x"}).Errors()["name"]; got != "taken" {
		t.Errorf("error at name: %q", got)
	}
}

func TestAnUpdateWithAnOldHashConflicts(t *testing.T) {
	s := workspace(t, slacktest.Options{})
	v := openNameForm(t, s, "")
	first := call(t, s, "views.update", "view_id", v.ID, "hash", v.Hash, "view", modal(section))
	if !first.OK || first.View.Hash == v.Hash {
		t.Errorf("the first update: %q, hash %q after %q", first.Error, first.View.Hash, v.Hash)
	}
	if a := call(t, s, "views.update", "view_id", v.ID, "hash", v.Hash, "view", modal(section)); a.Error != "hash_conflict" {
		t.Errorf("the second update answered %q", a.Error)
	}
	home := `{"type":"home","blocks":[` + section + `]}`
	hash := call(t, s, "views.publish", "user_id", "U1", "view", home).View.Hash
	call(t, s, "views.publish", "user_id", "U1", "view", home)
	if a := call(t, s, "views.publish", "user_id", "U1", "view", home, "hash", hash); a.Error != "hash_conflict" {
		t.Errorf("publishing over a newer tab answered %q", a.Error)
	}
}

func TestAStackHoldsThreeViews(t *testing.T) {
	s := workspace(t, slacktest.Options{})
	serveApp(t, s, respondWith(""))
	more := modal(actions(button("more")))
	call(t, s, "views.open", "trigger_id", s.Command("U1", "C1", "/x", "").TriggerID, "view", more)
	for range 2 {
		top, _ := s.View("U1")
		if a := call(t, s, "views.push", "trigger_id", s.ClickView("U1", top, "more").TriggerID, "view", more); !a.OK {
			t.Fatalf("views.push: %s", a.Error)
		}
	}
	top, _ := s.View("U1")
	if a := call(t, s, "views.push", "trigger_id", s.ClickView("U1", top, "more").TriggerID, "view", more); a.Error != "push_limit_reached" {
		t.Errorf("the fourth view: %q", a.Error)
	}
	if a := call(t, s, "views.push", "trigger_id", s.Command("U2", "C1", "/x", "").TriggerID, "view", more); a.Error != "not_found" {
		t.Errorf("pushing on nothing: %q", a.Error)
	}
	s.CloseView("U1", top)
	if below, ok := s.View("U1"); !ok || below.ID == top.ID {
		t.Errorf("under the closed view is %q, %v", below.ID, ok)
	}
}

func TestClosingIsSentOnlyWithNotifyOnClose(t *testing.T) {
	s := workspace(t, slacktest.Options{})
	for _, asks := range []bool{false, true} {
		serveApp(t, s, respondWith(""))
		view := modal(section)
		if asks {
			view = strings.Replace(view, `"type"`, `"notify_on_close":true,"type"`, 1)
		}
		call(t, s, "views.open", "trigger_id", s.Command("U1", "C1", "/x", "").TriggerID, "view", view)
		a := s.CloseView("U1", s.WaitView("U1", nil))
		if sent := strings.Contains(a.Sent.Body, "view_closed"); sent != asks {
			t.Errorf("notify_on_close %v, sent %v", asks, sent)
		}
		if _, open := s.View("U1"); open {
			t.Error("the view is still open")
		}
	}
}
