package slackbot_test

import (
	"testing"

	"scanwarden/confirm"
	"scanwarden/slackbot/slacktest"
)

// transports runs a test over signed HTTP and over sockets: nothing may differ.
func transports(t *testing.T, test func(t *testing.T, p plan)) {
	t.Run("http", func(t *testing.T) { test(t, plan{}) })
	t.Run("sockets", func(t *testing.T) { test(t, plan{sockets: true}) })
}

func TestACommandBecomesAWriteOnlyAfterAClick(t *testing.T) {
	transports(t, func(t *testing.T, p plan) {
		h := newHouse(t, p)
		q := h.ask(t, bob, "/add_scan", h.newScan("Core switches"))
		c := h.change(t, q)
		if !says(q.All(), "Code: "+c.Code, "Core switches", "10.20.30.1,10.20.30.2", "slack:"+team+"/"+bob, "through Slack") {
			t.Fatalf("the question does not show the plan:\n%s", q.All())
		}
		if got := buttons(q); got != "approve_change deny_change" {
			t.Fatalf("buttons are %q", got)
		}
		h.told(t, bob, "Asked: ", c.Code)
		h.writes(t, 0)
		acked(t, h.slack.Click(ada, q, "approve_change"))
		done := h.becomes(t, q, "applied", "Approved by", ada, "Defender returned:", "Core switches")
		if got := buttons(done); got != "" {
			t.Fatalf("buttons are left: %q", got)
		}
		h.writes(t, 1)
		h.slack.WaitMessage(channel, func(m slacktest.Message) bool {
			return m.ThreadTS == q.TS && says(m.All(), bob, "applied")
		})
	})
}

func TestAModalBecomesAWriteOnlyAfterAClick(t *testing.T) {
	transports(t, func(t *testing.T, p plan) {
		h := newHouse(t, p)
		acked(t, h.slack.Command(bob, channel, "/add-scan", ""))
		form := h.slack.WaitView(bob, func(v slacktest.View) bool { return v.CallbackID == "add_scan" && len(v.Inputs()) > 0 })
		values := map[string]any{
			"scanType": "Network", "scanName": "Printers", "target": "10.0.0.0/33", "intervalInHours": "4",
			"scannerAgent.machineId": h.scanner, "scanAuthenticationParams.type": "NoAuthNoPriv", "scanAuthenticationParams.username": "scanner",
		}
		refused := acked(t, h.slack.Submit(bob, form, values))
		if refused.Errors()["target"] == "" {
			t.Fatalf("a wrong target is not refused at its field: %s", refused.Body)
		}
		values["target"] = "10.0.0.0/30"
		acked(t, h.slack.Submit(bob, form, values))
		q := h.slack.WaitMessage(channel, func(m slacktest.Message) bool { return says(m.All(), "Printers", "Code: ") })
		acked(t, h.slack.Click(ada, q, "approve_change"))
		h.becomes(t, q, "applied")
		h.writes(t, 1)
	})
}

func TestUpdateSendsOnlyWhatWasChangedInTheForm(t *testing.T) {
	h := newHouse(t, plan{})
	id := h.live("Core switches")
	acked(t, h.slack.Command(bob, channel, "/update_scan", ""))
	choice := h.slack.WaitView(bob, func(v slacktest.View) bool { return v.CallbackID == "update_scan" && len(v.Inputs()) == 1 })
	acked(t, h.slack.Submit(bob, choice, map[string]any{"id": id}))
	form := h.slack.WaitView(bob, func(v slacktest.View) bool { return len(v.Inputs()) > 3 })
	for _, in := range form.Inputs() {
		if in.BlockID == "target" && in.Initial != "10.1.2.3" {
			t.Errorf("target is prefilled with %v", in.Initial)
		}
	}
	// Somebody else changes the target while the form is open: that is no wish of bob's.
	h.tenant.Edit(id, map[string]any{"target": "10.9.9.9"})
	h.desk.InvalidateCache()
	acked(t, h.slack.Submit(bob, form, map[string]any{"intervalInHours": "8"}))
	q := h.slack.WaitMessage(channel, func(m slacktest.Message) bool { return says(m.All(), "Code: ") })
	if !says(q.All(), "intervalInHours: 4 -> 8", "target: 10.9.9.9") {
		t.Fatalf("the plan is not about the interval alone:\n%s", q.All())
	}
	if b := q.Buttons()[0]; !b.Confirm || b.Style != "danger" {
		t.Errorf("overwriting has no danger dialog: %+v", b)
	}
}

func TestDeleteShowsEveryScanAndAsksTwice(t *testing.T) {
	h := newHouse(t, plan{})
	h.live("One")
	h.live("Two")
	q := h.ask(t, bob, "/delete-scans", "One Two")
	if !says(q.All(), "WARNING: ", "One", "Two", "10.1.2.3 -> (deleted)") {
		t.Fatalf("the question does not show what is lost:\n%s", q.All())
	}
	if b := q.Buttons()[0]; !b.Confirm || b.Style != "danger" {
		t.Errorf("delete has no danger dialog: %+v", b)
	}
	acked(t, h.slack.Click(ada, q, "approve_change"))
	h.becomes(t, q, "Delete scans: applied")
	h.writes(t, 1)
}

func TestDenyTakesAReasonThatReachesTheRequester(t *testing.T) {
	transports(t, func(t *testing.T, p plan) {
		h := newHouse(t, p)
		q := h.ask(t, bob, "/add_scan", h.newScan("Core switches"))
		c := h.change(t, q)
		acked(t, h.slack.Click(eve, q, "deny_change"))
		modal := h.slack.WaitView(eve, func(v slacktest.View) bool { return v.CallbackID == "deny_change" })
		acked(t, h.slack.Submit(eve, modal, map[string]any{"reason": "not this week"}))
		h.becomes(t, q, "denied", "not this week", eve)
		h.slack.WaitMessage(channel, func(m slacktest.Message) bool {
			return m.ThreadTS == q.TS && says(m.All(), bob, "not this week")
		})
		after, err := h.gate.Change(t.Context(), c.ID)
		if err != nil || after.State != confirm.Denied || after.Outcome.Reason != "not this week" {
			t.Fatalf("the change is %s %q, %v", after.State, after.Outcome.Reason, err)
		}
		h.writes(t, 0)
	})
}
