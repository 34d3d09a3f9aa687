// Package slacktest provides a strict fake Slack for tests: one workspace in memory, served over real HTTP and
// real WebSockets.
//
//	slack := slacktest.New(t, slacktest.Options{AppToken: "xapp-test"})
//	slack.AddUser(slacktest.User{ID: "U1", Name: "ada"})
//	slack.AddChannel("C1", "U1")
//	// start the app with slack.API(), wait for slack.WaitSockets(1), then act as a user:
//	slack.Command("U1", "C1", "/add_scan", "")
//	form := slack.WaitView("U1", nil)
//	slack.Submit("U1", form, map[string]any{"scanName": "Printers"})
//	question := slack.WaitMessage("C1", func(m slacktest.Message) bool { return len(m.Buttons()) == 2 })
//	slack.Click("U2", question, "approve_change")
//
// The app receives what Slack would send: signed requests at its URLs or, if an app token is set, envelopes over
// the sockets it opened. Its answers are checked against Slack's rules: the shapes and limits of Block Kit,
// three seconds to acknowledge, triggers that work once within three seconds, response URLs that work five times.
// An app that breaks a rule receives Slack's error, and the violation is recorded in [Server.Violations]. The test
// fails at its end for each recorded violation that it did not expect.
//
// The invariant: the fake shares nothing with the app it tests. It imports no package of this module and
// no Slack library, so a wrong belief about Slack cannot agree with itself.
//
// # Known differences from Slack
//
// The fake has not been compared with a live workspace. Limits and field names come from Slack's reference pages
// and from @slack/types 3.2.0. Where those are silent, the fake may be stricter than Slack:
//
//   - it refuses fields that are not in its tables, and blocks that Slack accepts only in streams or from
//     certain partners (card, carousel, task_card, plan, video, file);
//   - an acknowledgment counts only on a connection that its envelope was sent on;
//   - a user cannot bypass Slack's client: it submits no form without the required inputs, picks no option that is
//     not offered, and clicks no button that is not shown.
//
// The fake is more lenient in one way: it limits the rate only through a [Fault]. It does not implement lists of
// thread replies, reactions, files, shortcuts or OAuth.
//
// The same steps produce the same ids; only timestamps differ.
package slacktest
