// Package slacktest is a strict fake Slack for tests: one workspace in memory behind real HTTP and real
// WebSockets.
//
//	slack := slacktest.New(t, slacktest.Options{AppToken: "xapp-test"})
//	slack.AddUser(slacktest.User{ID: "U1", Name: "ada"})
//	slack.AddChannel("C1", "U1")
//	// start the app with slack.API(), wait for slack.WaitSockets(1), then be a person:
//	slack.Command("U1", "C1", "/add_scan", "")
//	form := slack.WaitView("U1", nil)
//	slack.Submit("U1", form, map[string]any{"scanName": "Printers"})
//	question := slack.WaitMessage("C1", func(m slacktest.Message) bool { return len(m.Buttons()) == 2 })
//	slack.Click("U2", question, "approve_change")
//
// The app gets what Slack would send: signed requests at its URLs, or envelopes over the sockets it opened
// when there is an app token. What it sends back is held against Slack's rules: the shapes and limits of
// Block Kit, three seconds to acknowledge, triggers that are good once and briefly, response URLs that are
// good five times. An app that breaks a rule gets Slack's error, the rule is kept in [Server.Violations], and the
// test fails when it ends unless it expected that.
//
// The one invariant: the fake shares nothing with the app it tests. It imports no package of this module and
// no Slack library, so a wrong belief about Slack cannot agree with itself.
//
// # How far to trust it
//
// Nobody has held it against a live workspace. Limits and field names are those of Slack's reference pages
// and of @slack/types 3.2.0. Where those are silent it is stricter than Slack may be:
//
//   - a field that is not in its tables is refused, and so are blocks that Slack takes only in streams or from
//     certain partners (card, carousel, task_card, plan, video, file);
//   - an acknowledgement counts only on a connection that its envelope was sent on;
//   - a person never goes around the client: no submit without the required inputs, no choice that is not
//     offered, no click on a button that was not there.
//
// It is kinder in one thing: it does not throttle unless a [Fault] says so. Nor does it know threads' replies
// lists, reactions, files, shortcuts or OAuth.
//
// The same steps give the same ids, but for timestamps.
package slacktest
