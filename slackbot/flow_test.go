package slackbot_test

import (
	"testing"

	"scanwarden/confirm"
	"scanwarden/slackbot/slacktest"
)

// bothTransports runs a test over signed HTTP and over sockets: nothing may differ.
func bothTransports(t *testing.T, test func(t *testing.T, p options)) {
	t.Run("http", func(t *testing.T) { test(t, options{}) })
	t.Run("sockets", func(t *testing.T) { test(t, options{sockets: true}) })
}

func TestACommandBecomesAWriteOnlyAfterAClick(t *testing.T) {
	bothTransports(t, func(t *testing.T, p options) {
		h := newStack(t, p)
		q := h.propose(t, bob, "/add_scan", h.newScan("Core switches"))
		c := h.change(t, q)
		if !containsAll(q.All(), "Code: "+c.Code, "Core switches", "10.20.30.1,10.20.30.2", "slack:"+team+"/"+bob, "through Slack") {
			t.Fatalf("the question does not show the plan:\n%s", q.All())
		}
		if got := actionButtons(q); got != "approve_change deny_change" {
			t.Fatalf("buttons are %q", got)
		}
		h.waitReply(t, bob, "Asked: ", c.Code)
		h.wantWrites(t, 0)
		mustAck(t, h.slack.Click(ada, q, "approve_change"))
		done := h.waitUpdate(t, q, "applied", "Approved by", ada, "Defender returned:", "Core switches")
		if got := actionButtons(done); got != "" {
			t.Fatalf("buttons are left: %q", got)
		}
		h.wantWrites(t, 1)
		h.slack.WaitMessage(channel, func(m slacktest.Message) bool {
			return m.ThreadTS == q.TS && containsAll(m.All(), bob, "applied")
		})
	})
}

func TestAModalBecomesAWriteOnlyAfterAClick(t *testing.T) {
	bothTransports(t, func(t *testing.T, p options) {
		h := newStack(t, p)
		mustAck(t, h.slack.Command(bob, channel, "/add-scan", ""))
		form := h.slack.WaitView(bob, func(v slacktest.View) bool { return v.CallbackID == "add_scan" && len(v.Inputs()) > 0 })
		values := map[string]any{
			"scanType": "Network", "scanName": "Printers", "target": "10.0.0.0/33", "intervalInHours": "4",
			"scannerAgent.machineId": h.scanner, "scanAuthenticationParams.type": "NoAuthNoPriv", "scanAuthenticationParams.username": "scanner",
		}
		refused := mustAck(t, h.slack.Submit(bob, form, values))
		if refused.Errors()["target"] == "" {
			t.Fatalf("a wrong target is not refused at its field: %s", refused.Body)
		}
		values["target"] = "10.0.0.0/30"
		mustAck(t, h.slack.Submit(bob, form, values))
		q := h.slack.WaitMessage(channel, func(m slacktest.Message) bool { return containsAll(m.All(), "Printers", "Code: ") })
		mustAck(t, h.slack.Click(ada, q, "approve_change"))
		h.waitUpdate(t, q, "applied")
		h.wantWrites(t, 1)
	})
}

func TestUpdateSendsOnlyWhatWasChangedInTheForm(t *testing.T) {
	h := newStack(t, options{})
	id := h.addScan("Core switches")
	mustAck(t, h.slack.Command(bob, channel, "/update_scan", ""))
	choice := h.slack.WaitView(bob, func(v slacktest.View) bool { return v.CallbackID == "update_scan" && len(v.Inputs()) == 1 })
	mustAck(t, h.slack.Submit(bob, choice, map[string]any{"id": id}))
	form := h.slack.WaitView(bob, func(v slacktest.View) bool { return len(v.Inputs()) > 3 })
	for _, in := range form.Inputs() {
		if in.BlockID == "target" && in.Initial != "10.1.2.3" {
			t.Errorf("target is prefilled with %v", in.Initial)
		}
	}
	// Somebody else changes the target while the form is open: that is no wish of bob's.
	h.tenant.Edit(id, map[string]any{"target": "10.9.9.9"})
	h.service.InvalidateCache()
	mustAck(t, h.slack.Submit(bob, form, map[string]any{"intervalInHours": "8"}))
	q := h.slack.WaitMessage(channel, func(m slacktest.Message) bool { return containsAll(m.All(), "Code: ") })
	if !containsAll(q.All(), "intervalInHours: 4 -> 8", "target: 10.9.9.9") {
		t.Fatalf("the plan is not about the interval alone:\n%s", q.All())
	}
	if b := q.Buttons()[0]; !b.Confirm || b.Style != "danger" {
		t.Errorf("overwriting has no danger dialog: %+v", b)
	}
}

func TestDeleteShowsEveryScanAndAsksTwice(t *testing.T) {
	h := newStack(t, options{})
	h.addScan("One")
	h.addScan("Two")
	q := h.propose(t, bob, "/delete-scans", "One Two")
	if !containsAll(q.All(), "WARNING: ", "One", "Two", "10.1.2.3 -> (deleted)") {
		t.Fatalf("the question does not show what is lost:\n%s", q.All())
	}
	if b := q.Buttons()[0]; !b.Confirm || b.Style != "danger" {
		t.Errorf("delete has no danger dialog: %+v", b)
	}
	mustAck(t, h.slack.Click(ada, q, "approve_change"))
	h.waitUpdate(t, q, "Delete scans: applied")
	h.wantWrites(t, 1)
}

func TestDenyTakesAReasonThatReachesTheRequester(t *testing.T) {
	bothTransports(t, func(t *testing.T, p options) {
		h := newStack(t, p)
		q := h.propose(t, bob, "/add_scan", h.newScan("Core switches"))
		c := h.change(t, q)
		mustAck(t, h.slack.Click(eve, q, "deny_change"))
		modal := h.slack.WaitView(eve, func(v slacktest.View) bool { return v.CallbackID == "deny_change" })
		mustAck(t, h.slack.Submit(eve, modal, map[string]any{"reason": "not this week"}))
		h.waitUpdate(t, q, "denied", "not this week", eve)
		h.slack.WaitMessage(channel, func(m slacktest.Message) bool {
			return m.ThreadTS == q.TS && containsAll(m.All(), bob, "not this week")
		})
		after, err := h.gate.Change(t.Context(), c.ID)
		if err != nil || after.State != confirm.Denied || after.Outcome.Reason != "not this week" {
			t.Fatalf("the change is %s %q, %v", after.State, after.Outcome.Reason, err)
		}
		h.wantWrites(t, 0)
	})
}
