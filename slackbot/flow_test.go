package slackbot_test

import (
	"testing"

	"scanwarden/confirm"
	"scanwarden/slackbot/slacktest"
)

// bothTransports runs a test over signed HTTP and over sockets, in parallel: nothing may differ.
func bothTransports(t *testing.T, test func(t *testing.T, p options)) {
	t.Parallel()
	inSequence(t, func(t *testing.T, p options) { t.Parallel(); test(t, p) })
}

// inSequence is bothTransports for a test that is alone.
func inSequence(t *testing.T, test func(t *testing.T, p options)) {
	t.Run("http", func(t *testing.T) { test(t, options{}) })
	t.Run("sockets", func(t *testing.T) { test(t, options{sockets: true}) })
}

func TestACommandBecomesAWriteOnlyAfterAClick(t *testing.T) {
	bothTransports(t, func(t *testing.T, p options) {
		s := newStack(t, p)
		q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
		c := s.change(t, q)
		if !containsAll(q.All(), "Code: "+c.Code, `Add scan "Core switches"?`, "10.20.30.1,10.20.30.2", "Asked by: slack:"+team+"/"+bob, bob+" asked through Slack") {
			t.Fatalf("the confirmation message does not show the plan:\n%s", q.All())
		}
		if got := actionButtons(q); got != "approve_change deny_change" {
			t.Fatalf("buttons are %q", got)
		}
		s.waitReply(t, bob, "Asked: ", c.Code)
		s.wantWrites(t, 0)
		mustAck(t, s.slack.Click(ada, q, "approve_change"))
		done := s.waitUpdate(t, q, "applied", `Applied: add scan "Core switches"`, "Approved by "+ada)
		if got := actionButtons(done); got != "" {
			t.Fatalf("buttons are left: %q", got)
		}
		s.wantWrites(t, 1)
		s.slack.WaitMessage(channel, func(m slacktest.Message) bool {
			return m.ThreadTS == q.TS && containsAll(m.All(), bob, "applied")
		})
		s.slack.WaitMessage(channel, func(m slacktest.Message) bool {
			return m.ThreadTS == q.TS && containsAll(m.All(), "The exact request, sent once.", c.Digest, "POST /api/", "Defender's receipt:", `"scanName": "Core switches"`)
		})
	})
}

func TestAModalBecomesAWriteOnlyAfterAClick(t *testing.T) {
	bothTransports(t, func(t *testing.T, p options) {
		s := newStack(t, p)
		mustAck(t, s.slack.Command(bob, channel, "/add-scan", ""))
		form := s.slack.WaitView(bob, func(v slacktest.View) bool { return v.CallbackID == "add_scan" && len(v.Inputs()) > 0 })
		values := map[string]any{
			"scanType": "Network", "scanName": "Printers", "target": "10.0.0.0/33", "intervalInHours": "4",
			"scannerAgent.machineId": s.Scanner, "scanAuthenticationParams.type": "NoAuthNoPriv", "scanAuthenticationParams.username": "scanner",
		}
		refused := mustAck(t, s.slack.Submit(bob, form, values))
		if refused.Errors()["target"] == "" {
			t.Fatalf("a wrong target is not refused at its field: %s", refused.Body)
		}
		values["target"] = "10.0.0.0/30"
		mustAck(t, s.slack.Submit(bob, form, values))
		q := s.slack.WaitMessage(channel, func(m slacktest.Message) bool { return containsAll(m.All(), "Printers", "Code: ") })
		mustAck(t, s.slack.Click(ada, q, "approve_change"))
		s.waitUpdate(t, q, "applied")
		s.wantWrites(t, 1)
	})
}

func TestUpdateSendsOnlyWhatWasChangedInTheForm(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	id := s.addScan("Core switches")
	mustAck(t, s.slack.Command(bob, channel, "/update_scan", ""))
	choice := s.slack.WaitView(bob, func(v slacktest.View) bool { return v.CallbackID == "update_scan" && len(v.Inputs()) == 1 })
	mustAck(t, s.slack.Submit(bob, choice, map[string]any{"id": id}))
	form := s.slack.WaitView(bob, func(v slacktest.View) bool { return len(v.Inputs()) > 3 })
	for _, in := range form.Inputs() {
		if in.BlockID == "target" && in.Initial != "10.1.2.3" {
			t.Errorf("target is prefilled with %v", in.Initial)
		}
	}
	// Another user changes the target while the form is open. Bob does not request that.
	s.Tenant.Edit(id, map[string]any{"target": "10.9.9.9"})
	s.Service.InvalidateCache()
	mustAck(t, s.slack.Submit(bob, form, map[string]any{"intervalInHours": "8"}))
	q := s.slack.WaitMessage(channel, func(m slacktest.Message) bool { return containsAll(m.All(), "Code: ") })
	if !containsAll(q.All(), "1 field changes", "intervalInHours\n  - 4\n  + 8", "10.9.9.9") {
		t.Fatalf("the plan is not about the interval alone:\n%s", q.All())
	}
	if b := q.Buttons()[0]; b.Confirm || b.Style != "primary" {
		t.Errorf("a change that can be undone asks twice: %+v", b)
	}
}

func TestDeleteShowsEveryScanAndHasADangerDialog(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	s.addScan("One")
	s.addScan("Two")
	q := s.propose(t, bob, "/delete-scans", "One Two")
	if !containsAll(q.All(), "Delete 2 scans, for good?", "1 warning", "2 scans go", "1  \"One\"", "2  \"Two\"", "target 10.1.2.3, 1 address") {
		t.Fatalf("the confirmation message does not show what is lost:\n%s", q.All())
	}
	if b := q.Buttons()[0]; !b.Confirm || b.Style != "danger" {
		t.Errorf("delete has no danger dialog: %+v", b)
	}
	mustAck(t, s.slack.Click(ada, q, "approve_change"))
	s.waitUpdate(t, q, "Delete scans: applied")
	s.wantWrites(t, 1)
}

func TestDenyTakesAReasonThatReachesTheRequester(t *testing.T) {
	bothTransports(t, func(t *testing.T, p options) {
		s := newStack(t, p)
		q := s.propose(t, bob, "/add_scan", s.newScan("Core switches"))
		c := s.change(t, q)
		mustAck(t, s.slack.Click(eve, q, "deny_change"))
		modal := s.slack.WaitView(eve, func(v slacktest.View) bool { return v.CallbackID == "deny_change" })
		mustAck(t, s.slack.Submit(eve, modal, map[string]any{"reason": "not this week"}))
		s.waitUpdate(t, q, "denied", "not this week", eve)
		s.slack.WaitMessage(channel, func(m slacktest.Message) bool {
			return m.ThreadTS == q.TS && containsAll(m.All(), bob, "not this week")
		})
		after, err := s.Gate.Change(t.Context(), c.ID)
		if err != nil || after.State != confirm.Denied || after.Outcome.Reason != "not this week" {
			t.Fatalf("the change is %s %q, %v", after.State, after.Outcome.Reason, err)
		}
		s.wantWrites(t, 0)
	})
}
