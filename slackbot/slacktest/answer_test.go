package slacktest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"scanwarden/slackbot/slacktest"
)

func TestACommandsAnswerIsForOneOrForAll(t *testing.T) {
	tests := []struct {
		answer    string
		shown     bool
		ephemeral bool
		wrong     string
	}{
		{``, false, false, ""},
		{`{}`, false, false, ""},
		{`thanks`, true, true, ""},
		{`{"text":"thanks"}`, true, true, ""},
		{`{"text":"thanks","response_type":"in_channel"}`, true, false, ""},
		{`{"text":"thanks","response_type":"loud"}`, false, false, "response_type"},
		{`{"blocks":[{"type":"section"}]}`, false, false, "text or fields"},
		{`["thanks"]`, false, false, "neither text nor a message"},
	}
	for _, test := range tests {
		t.Run(test.answer, func(t *testing.T) {
			s := ruleBreakingWorkspace(t, slacktest.Options{})
			serveApp(t, s, respondWith(test.answer))
			s.Command("U1", "C1", "/x", "")
			m := s.Messages("C1")
			if len(m) == 1 != test.shown || test.shown && m[0].Ephemeral != test.ephemeral {
				t.Errorf("shown: %+v", m)
			}
			if v := strings.Join(s.Violations(), "\n"); !strings.Contains(v, test.wrong) || (v == "") != (test.wrong == "") {
				t.Errorf("violations %q, want %q", v, test.wrong)
			}
		})
	}
}

func TestAnAppThatAnswersAnErrorBreaksARule(t *testing.T) {
	s := ruleBreakingWorkspace(t, slacktest.Options{})
	serveApp(t, s, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	if a := s.Command("U1", "C1", "/x", ""); a.Err == nil || len(s.Violations()) != 1 {
		t.Errorf("error %v, violations %q", a.Err, s.Violations())
	}
}

func TestAnAppWithoutAURLFails(t *testing.T) {
	s := ruleBreakingWorkspace(t, slacktest.Options{})
	if a := s.OpenHome("U1"); a.Err == nil || !strings.Contains(a.Err.Error(), "SetURLs") {
		t.Errorf("error %v", a.Err)
	}
}

func TestWrongSuggestionsAreNotOffered(t *testing.T) {
	asks := modal(input("machine", `{"type":"external_select","min_query_length":2}`))
	tests := map[string]string{
		`{"options":[` + optionOf("m1") + `]}`: "",
		`{"options":[]}`:                       "",
		`{"options":[` + strings.Repeat(optionOf("m")+",", 100) + optionOf("m") + `]}`: "no more than 100",
		`{"options":[{"text":` + plainText("x") + `}]}`:                                "required field: value",
		`[]`: "must be an object",
		``:   "not a list of options",
	}
	for body, wrong := range tests {
		s := ruleBreakingWorkspace(t, slacktest.Options{})
		serveApp(t, s, respondWith(""))
		call(t, s, "views.open", "trigger_id", s.Command("U1", "C1", "/x", "").TriggerID, "view", asks)
		serveApp(t, s, respondWith(body))
		a := s.Suggest("U1", s.WaitView("U1", nil), "machine", "ab")
		if (a.Err == nil) != (wrong == "") || wrong != "" && !strings.Contains(a.Err.Error(), wrong) {
			t.Errorf("%.80s: %v, want %q", body, a.Err, wrong)
		}
	}
}

func TestAViewHasAUniqueExternalIDAndALimitedSize(t *testing.T) {
	s := ruleBreakingWorkspace(t, slacktest.Options{})
	serveApp(t, s, respondWith(""))
	open := func(user, view string) string {
		return call(t, s, "views.open", "trigger_id", s.Command(user, "C1", "/x", "").TriggerID, "view", view).Error
	}
	named := strings.Replace(modal(section), `"type"`, `"external_id":"one","type"`, 1)
	if code := open("U1", named); code != "" {
		t.Errorf("the first: %q", code)
	}
	if code := open("U2", named); code != "duplicate_external_id" {
		t.Errorf("the same name again: %q", code)
	}
	big := modal(repeated(100, fmt.Sprintf(`{"type":"section","text":%s}`, plainText(repeatX(2600)))))
	if code := open("U2", big); code != "view_too_large" {
		t.Errorf("%d bytes: %q", len(big), code)
	}
}

func TestANewModalTakesThePlaceOfOldOnes(t *testing.T) {
	s := workspace(t, slacktest.Options{})
	first := openNameForm(t, s, "")
	second := openNameForm(t, s, "")
	s.CloseView("U1", second)
	if v, open := s.View("U1"); open {
		t.Errorf("under the second modal is %s, the first was %s", v.ID, first.ID)
	}
}

func TestClearOnCloseClosesTheWholeStack(t *testing.T) {
	s := workspace(t, slacktest.Options{})
	serveApp(t, s, respondWith(""))
	more := strings.Replace(modal(actions(button("more"))), `"type"`, `"clear_on_close":true,"type"`, 1)
	call(t, s, "views.open", "trigger_id", s.Command("U1", "C1", "/x", "").TriggerID, "view", more)
	bottom, _ := s.View("U1")
	call(t, s, "views.push", "trigger_id", s.ClickView("U1", bottom, "more").TriggerID, "view", more)
	top, _ := s.View("U1")
	s.CloseView("U1", top)
	if v, open := s.View("U1"); open || top.ID == bottom.ID {
		t.Errorf("left over: %+v", v)
	}
}

func TestASuggestionNeedsItsLeastCharacters(t *testing.T) {
	w := &recordingTB{TB: t}
	s := slacktest.New(w, slacktest.Options{})
	t.Cleanup(w.runCleanups)
	addUsers(s)
	serveApp(t, s, respondWith(""))
	asks := modal(input("machine", `{"type":"external_select"}`)) // 3 by default
	call(t, s, "views.open", "trigger_id", s.Command("U1", "C1", "/x", "").TriggerID, "view", asks)
	if a := s.Suggest("U1", s.WaitView("U1", nil), "machine", "ab"); a.Err == nil || len(w.errors) != 1 {
		t.Errorf("two characters: %v, failures %q", a.Err, w.errors)
	}
}

func TestAnEphemeralMessageIsNotRepeatedInPayloads(t *testing.T) {
	s := workspace(t, slacktest.Options{})
	var got map[string]any
	serveApp(t, s, func(_ http.ResponseWriter, r *http.Request) { got = decodePayload(t, r) })
	call(t, s, "chat.postEphemeral", "channel", "C1", "user", "U1", "text", "x", "blocks", "["+actions(button("yes"))+"]")
	a := s.Click("U1", s.WaitEphemeral("U1", nil), "yes")
	if container := got["container"].(map[string]any); got["message"] != nil || container["is_ephemeral"] != true {
		t.Errorf("sent message %v in %v", got["message"], container)
	}
	response, err := http.Post(a.ResponseURL, "application/json", strings.NewReader(`{"delete_original":true}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if m := s.Messages("C1"); len(m) != 0 {
		t.Errorf("left over after delete_original: %+v", m)
	}
}
