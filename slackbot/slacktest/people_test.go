package slacktest_test

import (
	"testing"

	"scanwarden/slackbot/slacktest"
)

func TestAnAddressIsConfirmedUnlessTheTestSaysOtherwise(t *testing.T) {
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
