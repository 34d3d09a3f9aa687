package slacktest_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scanwarden/slackbot/slacktest"
)

func TestACommandIsSignedAndComplete(t *testing.T) {
	s := workspace(t, slacktest.Options{})
	var form map[string][]string
	serveApp(t, s, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Slack-Signature") == "" || r.Header.Get("X-Slack-Request-Timestamp") == "" {
			t.Error("a request without signature")
		}
		_ = r.ParseForm()
		form = r.PostForm
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"text":"seen","response_type":"ephemeral"}`)
	})
	a := s.Command("U1", "C1", "/add_scan", "name=<@U2|grace> a&b")
	want := map[string]string{"team_id": "T01TEST", "channel_id": "C1", "user_id": "U1", "user_name": "ada", "command": "/add_scan",
		"text": "name=<@U2|grace> a&b", "api_app_id": "A01APP", "trigger_id": a.TriggerID, "response_url": a.ResponseURL}
	for name, value := range want {
		if len(form[name]) != 1 || form[name][0] != value || value == "" {
			t.Errorf("%s is %q, want %q", name, form[name], value)
		}
	}
	if m := s.WaitEphemeral("U1", nil); m.Text != "seen" || m.Channel != "C1" {
		t.Errorf("the answer was shown as %+v", m)
	}
}

func TestATriggerIsGoodOnceAndForThreeSeconds(t *testing.T) {
	now := time.Now()
	s := ruleBreakingWorkspace(t, slacktest.Options{Now: func() time.Time { return now }})
	serveApp(t, s, respondWith(""))
	open := func(trigger string) string {
		return call(t, s, "views.open", "trigger_id", trigger, "view", modal(section)).Error
	}
	trigger := s.Command("U1", "C1", "/x", "").TriggerID
	now = now.Add(3 * time.Second)
	if code := open(trigger); code != "" {
		t.Errorf("after 3 s: %q", code)
	}
	if code := open(trigger); code != "exchanged_trigger_id" {
		t.Errorf("the second time: %q", code)
	}
	trigger = s.Command("U1", "C1", "/x", "").TriggerID
	now = now.Add(3*time.Second + time.Millisecond)
	if code := open(trigger); code != "expired_trigger_id" {
		t.Errorf("after more than 3 s: %q", code)
	}
	if v := s.Violations(); len(v) != 1 || !strings.Contains(v[0], "exchanged_trigger_id") {
		t.Errorf("violations %q, want the exchange alone", v)
	}
}

func TestAResponseURLIsGoodFiveTimesAndForHalfAnHour(t *testing.T) {
	now := time.Now()
	s := ruleBreakingWorkspace(t, slacktest.Options{Now: func() time.Time { return now }})
	serveApp(t, s, respondWith(""))
	post := func(url string) int {
		response, err := http.Post(url, "application/json", strings.NewReader(`{"text":"x","blocks":null}`))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return response.StatusCode
	}
	link := s.Command("U1", "C1", "/x", "").ResponseURL
	for range 5 {
		if status := post(link); status != http.StatusOK {
			t.Fatalf("status %d", status)
		}
	}
	if status := post(link); status != http.StatusNotFound {
		t.Errorf("the sixth time: %d", status)
	}
	link = s.Command("U1", "C1", "/x", "").ResponseURL
	now = now.Add(30*time.Minute + time.Second)
	if status := post(link); status != http.StatusNotFound {
		t.Errorf("after 30 minutes: %d", status)
	}
	if n := len(s.Messages("C1")); n != 5 {
		t.Errorf("%d messages were shown, want 5", n)
	}
}

func TestAClickNamesUserChannelAndAction(t *testing.T) {
	s := workspace(t, slacktest.Options{})
	s.AddUser(slacktest.User{ID: "U9", Name: "eve", Team: "T9"})
	var got map[string]any
	serveApp(t, s, func(w http.ResponseWriter, r *http.Request) { got = decodePayload(t, r) })
	ts := call(t, s, "chat.postMessage", "channel", "C1", "text", "x", "blocks", "["+actions(button("yes"), button("no"))+"]").TS
	s.Click("U9", s.WaitMessage("C1", nil), "no")
	want := map[string]any{
		"type":      "block_actions",
		"user":      map[string]any{"id": "U9", "username": "eve", "name": "eve", "team_id": "T9"},
		"team":      map[string]any{"id": "T01TEST", "domain": "test"},
		"container": map[string]any{"type": "message", "message_ts": ts, "channel_id": "C1", "is_ephemeral": false},
		"channel":   map[string]any{"id": "C1", "name": "channel-c1"},
	}
	for name, value := range want {
		if diff := cmp.Diff(value, got[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	action := got["actions"].([]any)[0].(map[string]any)
	if action["action_id"] != "no" || action["value"] != "v-no" || action["block_id"] != "row" || action["action_ts"] == nil {
		t.Errorf("action %v", action)
	}
	if got["message"].(map[string]any)["ts"] != ts || got["trigger_id"] == nil || got["response_url"] == nil {
		t.Errorf("message %v, trigger %v, response_url %v", got["message"], got["trigger_id"], got["response_url"])
	}
}

func TestAnAppThatIsLateDidNotRespond(t *testing.T) {
	s := ruleBreakingWorkspace(t, slacktest.Options{AckWithin: 30 * time.Millisecond})
	serveApp(t, s, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // net/http notices a disconnected caller only after the body is read
		<-r.Context().Done()
	})
	if a := s.Command("U1", "C1", "/x", ""); !errors.Is(a.Err, slacktest.ErrNoResponse) {
		t.Errorf("got %v, want ErrNoResponse", a.Err)
	}
	if v := s.Violations(); len(v) != 1 || !strings.Contains(v[0], "did not respond") {
		t.Errorf("violations %q", v)
	}
}

func TestAReplayIsTheSameBytes(t *testing.T) {
	s := workspace(t, slacktest.Options{})
	var seen []string
	serveApp(t, s, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen = append(seen, r.Header.Get("X-Slack-Signature")+r.Header.Get("X-Slack-Request-Timestamp")+string(body))
		if len(seen) > 2 {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	a := s.Command("U1", "C1", "/x", "")
	s.Replay(a)
	if len(seen) != 2 || seen[0] != seen[1] {
		t.Errorf("replayed %q", seen)
	}
	if again := s.Replay(a); again.Status != http.StatusUnauthorized || len(s.Violations()) != 0 {
		t.Errorf("a refused replay: status %d, violations %q", again.Status, s.Violations())
	}
	tampered := a.Sent
	tampered.Body += "&text=more"
	if got := s.SendRaw(tampered); got.Status != http.StatusUnauthorized || seen[3] == seen[0] {
		t.Errorf("status %d after %q", got.Status, seen)
	}
}

// Each key is a part of the expected failure.
func TestImpossibleActionsFailTheTest(t *testing.T) {
	w := &recordingTB{TB: t}
	s := slacktest.New(w, slacktest.Options{})
	t.Cleanup(w.runCleanups)
	addUsers(s)
	serveApp(t, s, respondWith(""))
	call(t, s, "chat.postMessage", "channel", "C1", "text", "x", "blocks", "["+actions(button("yes"))+"]")
	call(t, s, "chat.postEphemeral", "channel", "C1", "user", "U1", "text", "x", "blocks", "["+actions(button("yes"))+"]")
	form := modal(input("name", `{"type":"plain_text_input","max_length":3}`) + "," +
		input("kind", selectOf(optionOf("a"))) + "," + input("hours", `{"type":"number_input","is_decimal_allowed":false,"max_value":"24","initial_value":"4"}`))
	call(t, s, "views.open", "trigger_id", s.Command("U1", "C1", "/x", "").TriggerID, "view", form)
	v := s.WaitView("U1", nil)
	few := `{"type":"multi_static_select","max_selected_items":1,"options":[` + optionOf("a") + "," + optionOf("b") + `]}`
	under := openForm(t, s, "U2", input("one", selectOf(optionOf("a")+","+optionOf("b")))+","+input("few", few)+","+
		input("boxes", `{"type":"checkboxes","action_id":"value","options":[`+optionOf("on")+`]}`)+","+actions(button("more")))
	submitUnder := func(values map[string]any) func() *slacktest.Ack {
		return func() *slacktest.Ack { return s.Submit("U2", under, values) }
	}
	submit := func(values map[string]any) func() *slacktest.Ack {
		return func() *slacktest.Ack { return s.Submit("U1", v, values) }
	}
	tests := map[string]func() *slacktest.Ack{
		"no user":            func() *slacktest.Ack { return s.Command("U7", "C1", "/x", "") },
		"no channel":         func() *slacktest.Ack { return s.Command("U1", "C7", "/x", "") },
		"no button":          func() *slacktest.Ack { return s.Click("U1", s.WaitMessage("C1", nil), "no") },
		"only U1 can see":    func() *slacktest.Ack { return s.Click("U2", s.WaitEphemeral("U1", nil), "yes") },
		"not on top":         func() *slacktest.Ack { return s.Submit("U2", v, nil) },
		"name is required":   submit(map[string]any{"kind": "a"}),
		"kind is required":   submit(map[string]any{"name": "x"}),
		"hours is required":  submit(map[string]any{"name": "x", "kind": "a", "hours": ""}),
		"to 3 characters":    submit(map[string]any{"name": "long", "kind": "a"}),
		"does not offer":     submit(map[string]any{"name": "x", "kind": "b"}),
		"a whole number":     submit(map[string]any{"name": "x", "kind": "a", "hours": "1.5"}),
		"24 or less":         submit(map[string]any{"name": "x", "kind": "a", "hours": 25}),
		"no field":           submit(map[string]any{"name": "x", "kind": "a", "colour": "red"}),
		"no external select": func() *slacktest.Ack { return s.Suggest("U1", v, "kind", "abc") },
		"one choice":         submitUnder(map[string]any{"one": []string{"a", "b"}, "few": "a", "boxes": true}),
		"1 choices at most":  submitUnder(map[string]any{"one": "a", "few": []string{"a", "b"}}),
		"boxes is required":  submitUnder(map[string]any{"one": "a", "few": "a", "boxes": false}),
		"no such view":       func() *slacktest.Ack { return s.ClickView("U1", under, "more") },
		"there is no button": func() *slacktest.Ack { return s.ClickView("U1", v, "yes") },
	}
	for because, act := range tests {
		w.errors = nil
		if a := act(); a.Err == nil || len(w.errors) != 1 || !strings.Contains(w.errors[0], because) {
			t.Errorf("%s: error %v, failures %q", because, a.Err, w.errors)
		}
	}
	w.errors = nil
	call(t, s, "views.push", "trigger_id", s.ClickView("U2", under, "more").TriggerID, "view", strings.Replace(modal(section), `"submit"`, `"close"`, 1))
	s.Submit("U2", under, map[string]any{"one": "a", "few": "a"})
	s.Submit("U2", s.WaitView("U2", nil), nil)
	if all := strings.Join(w.errors, "\n"); len(w.errors) != 2 || !strings.Contains(all, "not on top") || !strings.Contains(all, "no submit button") {
		t.Errorf("under another view and without a submit button: %q", w.errors)
	}
}

// openForm opens a form with these blocks for the user.
func openForm(t *testing.T, s *slacktest.Server, user, blocks string) slacktest.View {
	t.Helper()
	if a := call(t, s, "views.open", "trigger_id", s.Command(user, "C1", "/x", "").TriggerID, "view", modal(blocks)); !a.OK {
		t.Fatalf("views.open: %s %q", a.Error, a.Metadata.Messages)
	}
	return s.WaitView(user, nil)
}

func TestValuesHaveTheShapesOfTheirElements(t *testing.T) {
	s := workspace(t, slacktest.Options{})
	var got map[string]any
	serveApp(t, s, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		if !r.PostForm.Has("payload") {
			return
		}
		got = decodePayload(t, r)
		if got["type"] == "block_suggestion" {
			_, _ = io.WriteString(w, `{"options":[`+optionOf("m1")+`]}`)
		}
	})
	call(t, s, "views.open", "trigger_id", s.Command("U1", "C1", "/x", "").TriggerID, "view", modal(strings.Join([]string{
		input("text", `{"type":"plain_text_input","action_id":"value"}`),
		input("number", `{"type":"number_input","action_id":"value","is_decimal_allowed":false,"initial_value":"4"}`),
		input("one", selectOf(optionOf("a")+","+optionOf("b"))),
		input("machine", `{"type":"external_select","action_id":"value","min_query_length":1}`),
		input("boxes", `{"type":"checkboxes","action_id":"value","options":[`+optionOf("on")+`]}`),
		input("radio", `{"type":"radio_buttons","action_id":"value","options":[`+optionOf("r")+`],"initial_option":`+optionOf("r")+`}`),
		input("few", `{"type":"multi_static_select","action_id":"value","options":[`+optionOf("a")+","+optionOf("b")+`]}`),
	}, ",")))
	v := s.WaitView("U1", nil)
	if offered := s.Suggest("U1", v, "machine", "m").Options(); len(offered) != 1 || offered[0].Value != "m1" {
		t.Fatalf("offered %v", offered)
	}
	s.Submit("U1", v, map[string]any{"text": "hi", "one": "b", "machine": "m1", "boxes": true, "few": []string{"a", "b"}})
	state, _ := json.Marshal(got["view"].(map[string]any)["state"])
	o := func(v string) string { return `{"text":{"text":"o","type":"plain_text"},"value":"` + v + `"}` }
	want := `{"values":{` + strings.Join([]string{
		`"boxes":{"value":{"selected_options":[` + o("on") + `],"type":"checkboxes"}}`,
		`"few":{"value":{"selected_options":[` + o("a") + `,` + o("b") + `],"type":"multi_static_select"}}`,
		`"machine":{"value":{"selected_option":` + o("m1") + `,"type":"external_select"}}`,
		`"number":{"value":{"type":"number_input","value":"4"}}`,
		`"one":{"a":{"selected_option":` + o("b") + `,"type":"static_select"}}`,
		`"radio":{"value":{"selected_option":` + o("r") + `,"type":"radio_buttons"}}`,
		`"text":{"value":{"type":"plain_text_input","value":"hi"}}`,
	}, ",") + `}}`
	if diff := cmp.Diff(want, string(state)); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	if got["trigger_id"] == nil {
		t.Error("a submission without trigger_id")
	}
}
