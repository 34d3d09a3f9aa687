package slacktest_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"scanwarden/slackbot/slacktest"
)

// must returns a function that fails the test on an error.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestTheDirectoryThroughARealClient(t *testing.T) {
	s := workspace(t, slacktest.Options{Scopes: []string{"users:read", "users:read.email", "usergroups:read", "im:write", "team:read", "channels:read"}})
	s.AddUser(slacktest.User{ID: "U9", Team: "T9", Email: "eve@example.com", Stranger: true})
	s.AddUser(slacktest.User{ID: "U3", UltraGuest: true})
	s.AddUser(slacktest.User{ID: "U4", Deleted: true})
	s.AddGroup("S1", "U1", "U4")
	c := client(s)
	auth := must[*slack.AuthTestResponse](t)(c.AuthTest())
	if auth.TeamID != "T01TEST" || auth.UserID != s.BotUser() || auth.BotID == "" {
		t.Errorf("auth.test %+v", auth)
	}
	eve := must[*slack.User](t)(c.GetUserInfo("U9"))
	if eve.TeamID != "T9" || !eve.IsStranger || eve.Profile.Email != "" {
		t.Errorf("a stranger: %+v", eve)
	}
	guest := must[*slack.User](t)(c.GetUserInfo("U3"))
	if !guest.IsRestricted || !guest.IsUltraRestricted || guest.TeamID != "T01TEST" {
		t.Errorf("a guest: %+v", guest)
	}
	if ada := must[*slack.User](t)(c.GetUserByEmail("ada@example.com")); ada.ID != "U1" || ada.Profile.Email != "ada@example.com" {
		t.Errorf("by e-mail: %+v", ada)
	}
	if members := must[[]string](t)(c.GetUserGroupMembers("S1")); !cmp.Equal(members, []string{"U1"}) {
		t.Errorf("members %v, want the active one", members)
	}
	if groups := must[[]slack.UserGroup](t)(c.GetUserGroups(slack.GetUserGroupsOptionIncludeUsers(true))); len(groups) != 1 || len(groups[0].Users) != 1 {
		t.Errorf("groups %+v", groups)
	}
	if team := must[*slack.TeamInfo](t)(c.GetTeamInfo()); team.ID != "T01TEST" {
		t.Errorf("team %+v", team)
	}
	dm, _, _, err := c.OpenConversation(&slack.OpenConversationParameters{Users: []string{"U1"}, ReturnIM: true})
	if err != nil || dm.ID != s.DM("U1") || !dm.IsIM {
		t.Errorf("direct messages %+v, %v", dm, err)
	}
	if info := must[*slack.Channel](t)(c.GetConversationInfo(&slack.GetConversationInfoInput{ChannelID: "C1"})); !info.IsMember {
		t.Errorf("channel %+v", info)
	}
}

// everyBlock returns a message with each type of block that our app sends.
func everyBlock() slack.MsgOption {
	ask := slack.NewConfirmationBlockObject(plainTextObject("Sure?"), plainTextObject("Gone for good."), plainTextObject("Yes"), plainTextObject("No")).WithStyle(slack.StyleDanger)
	yes := slack.NewButtonBlockElement("yes", "1", plainTextObject("Yes")).WithStyle(slack.StyleDanger).WithConfirm(ask)
	return slack.MsgOptionBlocks(
		slack.NewHeaderBlock(plainTextObject("Delete?")),
		slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, "*x*", false, false), nil, nil),
		slack.NewRichTextBlock("r", &slack.RichTextPreformatted{Type: slack.RTEPreformatted,
			Elements: []slack.RichTextSectionElement{slack.NewRichTextSectionTextElement("<@U1>", nil)}}),
		slack.NewContextBlock("c", plainTextObject("small")),
		slack.NewActionBlock("row", yes),
	)
}

func TestMessagesThroughARealClient(t *testing.T) {
	s := workspace(t, slacktest.Options{})
	serveApp(t, s, respondWith(""))
	c := client(s)
	_, ts, err := c.PostMessage("C1", slack.MsgOptionText("Delete?", false), everyBlock())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.PostMessage("C1", slack.MsgOptionText("reply", false), slack.MsgOptionTS(ts)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.PostMessage("U1", slack.MsgOptionText("hello", false)); err != nil {
		t.Fatal(err)
	}
	if got := len(s.Messages(s.DM("U1"))); got != 1 {
		t.Errorf("%d direct messages", got)
	}
	m := s.Messages("C1")
	if want := []slacktest.Button{{BlockID: "row", ActionID: "yes", Text: "Yes", Value: "1", Style: "danger", Confirm: true}}; len(m) != 2 ||
		m[1].ThreadTS != ts || !cmp.Equal(m[0].Buttons(), want) {
		t.Errorf("messages %+v with buttons %+v", m, m[0].Buttons())
	}
	a := s.Click("U1", m[0], "yes")
	if err := slack.PostWebhook(a.ResponseURL, &slack.WebhookMessage{Text: "no", ResponseType: slack.ResponseTypeEphemeral}); err != nil {
		t.Error(err)
	}
	if err := slack.PostWebhook(a.ResponseURL, &slack.WebhookMessage{Text: "done", ReplaceOriginal: true}); err != nil {
		t.Error(err)
	}
	if m := s.Messages("C1")[0]; m.Text != "done" || m.Blocks != nil || s.WaitEphemeral("U1", nil).Text != "no" {
		t.Errorf("after the response URL: %+v", m)
	}
	if _, _, _, err := c.UpdateMessage("C1", ts, slack.MsgOptionText("changed", false), slack.MsgOptionBlocks()); err != nil {
		t.Error(err)
	}
	if link := must[string](t)(c.GetPermalink(&slack.PermalinkParameters{Channel: "C1", Ts: ts})); link == "" {
		t.Error("no permalink")
	}
	if _, err := c.PostEphemeral("C1", "U2", slack.MsgOptionText("psst", false)); err != nil {
		t.Error(err)
	}
	if _, _, err := c.DeleteMessage("C1", ts); err != nil {
		t.Error(err)
	}
}

func plainTextObject(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, text, false, false)
}

func TestSignaturesAndPayloadsParseInARealClient(t *testing.T) {
	s := workspace(t, slacktest.Options{})
	var heard slack.InteractionCallback
	serveApp(t, s, func(w http.ResponseWriter, r *http.Request) {
		body := verified(t, r)
		if r.Header.Get("Content-Type") == "application/json" || len(body) == 0 {
			return
		}
		if c, err := slack.SlashCommandParse(r); err != nil || c.Command == "/x" {
			return
		}
		var err error
		if heard, err = slack.InteractionCallbackParse(r); err != nil {
			t.Error(err)
		}
	})
	trigger := s.Command("U1", "C1", "/x", "").TriggerID
	field := slack.NewInputBlock("name", plainTextObject("Name"), nil, slack.NewPlainTextInputBlockElement(plainTextObject("a name"), "value"))
	number := slack.NewInputBlock("hours", plainTextObject("Hours"), nil, slack.NewNumberInputBlockElement(plainTextObject("4"), "value", false))
	view := slack.ModalViewRequest{Type: slack.VTModal, CallbackID: "add_scan", Title: plainTextObject("Add"), Submit: plainTextObject("Add"),
		Blocks: slack.Blocks{BlockSet: []slack.Block{field, number}}}
	opened := must[*slack.ViewResponse](t)(client(s).OpenView(trigger, view))
	must[*slack.ViewResponse](t)(client(s).UpdateView(view, "", opened.Hash, opened.ID))
	s.Submit("U1", s.WaitView("U1", nil), map[string]any{"name": "x", "hours": 4})
	if got := heard.View.State.Values["name"]["value"].Value; got != "x" || heard.View.CallbackID != "add_scan" || heard.User.TeamID != "T01TEST" {
		t.Errorf("submitted %q of %q by %q", got, heard.View.CallbackID, heard.User.TeamID)
	}
	home := slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewActionBlock("row",
		slack.NewButtonBlockElement("go", "1", plainTextObject("Go")))}}}
	must[*slack.ViewResponse](t)(client(s).PublishView("U1", home, ""))
	s.OpenHome("U1")
	a := s.ClickView("U1", s.WaitHome("U1", nil), "go")
	if heard.Container.Type != "view" || len(heard.ActionCallback.BlockActions) != 1 {
		t.Errorf("clicked %+v", heard.ActionCallback)
	}
	view.Blocks.BlockSet = home.Blocks.BlockSet
	must[*slack.ViewResponse](t)(client(s).OpenView(a.TriggerID, view))
	must[*slack.ViewResponse](t)(client(s).PushView(s.ClickView("U1", s.WaitView("U1", nil), "go").TriggerID, view))
}

// verified checks a request's signature with the library's own verifier.
func verified(t *testing.T, r *http.Request) string {
	t.Helper()
	v, err := slack.NewSecretsVerifier(r.Header, "test-signing-secret")
	if err != nil {
		t.Error(err)
		return ""
	}
	body := must[[]byte](t)(readAndRestore(r))
	_, _ = v.Write(body)
	if err := v.Ensure(); err != nil {
		t.Error(err)
	}
	return string(body)
}

func TestSocketModeWithARealClient(t *testing.T) {
	s := workspace(t, slacktest.Options{AppToken: "xapp-test"})
	sm := socketmode.New(client(s))
	ctx, cancel := context.WithCancel(t.Context())
	run := make(chan error, 1)
	go func() { run <- sm.RunContext(ctx) }()
	served := make(chan struct{})
	go func() {
		defer close(served)
		serveSocketMode(ctx, sm)
	}()
	s.WaitSockets(1)
	if a := s.Command("U1", "C1", "/x", "hi"); a.Err != nil {
		t.Error(a.Err)
	}
	if m := s.WaitEphemeral("U1", nil); m.Text != "/x hi" {
		t.Errorf("answered %q", m.Text)
	}
	s.DisconnectSockets("refresh_requested", true)
	s.WaitSockets(1)
	if a := s.OpenHome("U1"); a.Err != nil {
		t.Error(a.Err)
	}
	cancel()
	if err := <-run; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	<-served
}

// serveSocketMode answers commands with their own text and acknowledges all other envelopes.
func serveSocketMode(ctx context.Context, sm *socketmode.Client) {
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-sm.Events:
			if e.Request == nil || e.Request.EnvelopeID == "" {
				continue
			}
			if c, ok := e.Data.(slack.SlashCommand); ok {
				_ = sm.Ack(*e.Request, map[string]string{"text": c.Command + " " + c.Text})
				continue
			}
			_ = sm.Ack(*e.Request)
		}
	}
}
