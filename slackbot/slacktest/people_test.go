package slacktest_test

import (
	"net/http"
	"testing"

	"scanwarden/slackbot/slacktest"
)

func TestAnEmailAddressIsConfirmedByDefault(t *testing.T) {
	for name, want := range map[string]struct {
		user      slacktest.User
		email     string
		confirmed bool
	}{
		"confirmed":   {slacktest.User{ID: "U9", Email: "u9@example.com"}, "u9@example.com", true},
		"unconfirmed": {slacktest.User{ID: "U9", Email: "u9@example.com", Unconfirmed: true}, "u9@example.com", false},
		"none":        {slacktest.User{ID: "U9"}, "", false},
		"elsewhere":   {slacktest.User{ID: "U9", Email: "u9@example.com", Team: "T0OTHER"}, "", false},
	} {
		s := workspace(t, slacktest.Options{})
		s.AddUser(want.user)
		u, err := client(s).GetUserInfo("U9")
		if err != nil || u.Profile.Email != want.email || u.IsEmailConfirmed != want.confirmed {
			t.Errorf("%s: %q, confirmed %v, %v", name, u.Profile.Email, u.IsEmailConfirmed, err)
		}
	}
}

// On Enterprise Grid, clicks name the organization as the user's team, and users.info names both.
func TestOnEnterpriseGridClicksNameTheOrganization(t *testing.T) {
	s := workspace(t, slacktest.Options{Enterprise: "E01ORG"})
	var click map[string]any
	var command string
	serveApp(t, s, func(w http.ResponseWriter, r *http.Request) {
		if command = r.FormValue("team_id") + " in " + r.FormValue("enterprise_id"); r.FormValue("payload") != "" {
			click = decodePayload(t, r)
		}
	})
	s.Command("U1", "C1", "/x", "")
	if command != "T01TEST in E01ORG" {
		t.Errorf("a command comes from %s", command)
	}
	call(t, s, "chat.postMessage", "channel", "C1", "text", "x", "blocks", "["+actions(button("yes"))+"]")
	s.Click("U1", s.WaitMessage("C1", nil), "yes")
	if who := click["user"].(map[string]any); who["team_id"] != "E01ORG" || click["team"].(map[string]any)["id"] != "T01TEST" {
		t.Errorf("a click comes from %v of %v", who, click["team"])
	}
	home, err := client(s).AuthTest()
	if err != nil || home.EnterpriseID != "E01ORG" || home.TeamID != "T01TEST" {
		t.Errorf("the app is at home in %+v, %v", home, err)
	}
	u, err := client(s).GetUserInfo("U1")
	if err != nil || u.TeamID != "T01TEST" || u.Enterprise.EnterpriseID != "E01ORG" || len(u.Enterprise.Teams) != 1 {
		t.Errorf("U1 is %s of %+v, %v", u.TeamID, u.Enterprise, err)
	}
}
