package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/confirm/web"
	"scanwarden/tools/toolstest"
)

func TestAChangeIsApprovedOnThePage(t *testing.T) {
	t.Parallel()
	s := newChangeSite(t, nil)
	c := s.update(t)
	p := s.signIn(t, grace)
	status, page := p.get(t, "/changes/"+c.ID)
	for _, want := range []string{c.Code, "intervalInHours", "every 4 hours", "once a day", "192.0.2.13", "192.0.2.12", "Approve and send", "Waiting for you", c.Digest} {
		if !strings.Contains(page, want) {
			t.Errorf("the page (%d) lacks %q", status, want)
		}
	}
	status, page = p.send(t, c, p.form(t, c, "approve"), nil)
	if status != http.StatusOK || !strings.Contains(page, "Applied, and sent once") {
		t.Errorf("after the approval the page has status %d:\n%s", status, page)
	}
	if got := s.now(t, c); got.State != confirm.Applied || got.Decisions[0].Channel != confirm.WebPage {
		t.Errorf("the change is %s, decided as %+v", got.State, got.Decisions)
	}
	if n := len(s.Tenant.Writes()); n != 1 {
		t.Errorf("%d writes arrived, want 1", n)
	}
}

func TestAChangeIsDeniedOnThePage(t *testing.T) {
	t.Parallel()
	s := newChangeSite(t, nil)
	c := s.update(t)
	p := s.signIn(t, linus)
	form := p.form(t, c, "deny")
	form.Set("reason", "Still in use until <b>Friday</b>")
	_, page := p.send(t, c, form, nil)
	if !strings.Contains(page, "Denied, so nothing was sent") || !strings.Contains(page, "until &lt;b&gt;Friday&lt;/b&gt;") {
		t.Errorf("after the denial the page is:\n%s", page)
	}
	if got := s.now(t, c); got.State != confirm.Denied || got.Outcome.Reason != "Still in use until <b>Friday</b>" {
		t.Errorf("the change is %s: %q", got.State, got.Outcome.Reason)
	}
	if n := len(s.Tenant.Writes()); n != 0 {
		t.Errorf("%d writes arrived, want none", n)
	}
}

// A deletion needs the second step: the box and the number.
func TestADeletionTakesTwoSteps(t *testing.T) {
	t.Parallel()
	s := newChangeSite(t, nil)
	c := s.propose(t, "delete_scans", map[string]any{"scanDefinitionIds": []string{"Core switches", "Branch routers"}})
	p := s.signIn(t, grace)
	form := p.form(t, c, "approve")
	if status, page := p.send(t, c, form, nil); status != http.StatusUnprocessableEntity || !strings.Contains(page, "Nothing was recorded") {
		t.Errorf("without the second step: %d", status)
	}
	form.Set("read", "yes")
	form.Set("count", "3")
	if status, _ := p.send(t, c, form, nil); status != http.StatusUnprocessableEntity {
		t.Errorf("with the wrong number: %d", status)
	}
	if got := s.now(t, c); got.State != confirm.Pending {
		t.Fatalf("the change is %s, want pending", got.State)
	}
	form.Set("count", "2")
	p.send(t, c, form, nil)
	if got := s.now(t, c); got.State != confirm.Applied {
		t.Errorf("after both steps the change is %s", got.State)
	}
}

func TestTwoPeopleApproveOnThePage(t *testing.T) {
	t.Parallel()
	s := newChangeSite(t, func(o *toolstest.Options, _ *web.ChangesConfig) { o.Policy.Required = map[string]int{"update_scan": 2} })
	c := s.update(t)
	p := s.signIn(t, grace)
	_, page := p.send(t, c, p.form(t, c, "approve"), nil)
	for _, want := range []string{"1 of 2 approvals", "already decided", "Grace Okafor", "Approved"} {
		if !strings.Contains(page, want) {
			t.Errorf("after the first approval the page lacks %q", want)
		}
	}
	if strings.Contains(page, `name="token"`) {
		t.Error("after their decision the person still has a form")
	}
	q := s.signIn(t, linus)
	q.send(t, c, q.form(t, c, "approve"), nil)
	if got := s.now(t, c); got.State != confirm.Applied {
		t.Errorf("after two approvals the change is %s", got.State)
	}
}

// The requester sees the change, and can deny it but not approve it. Others see neither plan nor code.
func TestWhoSeesAChange(t *testing.T) {
	t.Parallel()
	s := newChangeSite(t, nil)
	c := s.update(t)
	_, own := s.signIn(t, asker).get(t, "/changes/"+c.ID)
	if !strings.Contains(own, c.Code) || strings.Contains(own, `value="approve"`) || !strings.Contains(own, `value="deny"`) {
		t.Error("the requester does not see their change with Deny alone")
	}
	status, other := s.signIn(t, tom).get(t, "/changes/"+c.ID)
	if status != http.StatusForbidden || !strings.Contains(other, "Grace Okafor") {
		t.Errorf("another person gets status %d, and who can decide: %v", status, strings.Contains(other, "Grace Okafor"))
	}
	for _, hidden := range []string{c.Code, "Core switches", "192.0.2.", c.Digest, c.Summary} {
		if strings.Contains(other, hidden) {
			t.Errorf("another person sees %q", hidden)
		}
	}
	if _, list := s.signIn(t, tom).get(t, "/changes"); strings.Contains(list, "Core switches") {
		t.Error("another person sees the change in the list")
	}
	if _, list := s.signIn(t, grace).get(t, "/changes"); !strings.Contains(list, "Core switches") || !strings.Contains(list, "Waiting for you") {
		t.Error("an approver does not see the change in the list")
	}
}

func TestTheHistoryIsFiltered(t *testing.T) {
	t.Parallel()
	s := newChangeSite(t, nil)
	p := s.signIn(t, grace)
	denied := s.update(t)
	p.send(t, denied, p.form(t, denied, "deny"), nil)
	applied := s.propose(t, "update_scan", map[string]any{"id": "Branch routers", "isActive": false})
	p.send(t, applied, p.form(t, applied, "approve"), nil)
	for query, want := range map[string][2]bool{
		"":                      {true, true},
		"?status=denied":        {true, false},
		"?status=applied":       {false, true},
		"?operation=add_scan":   {false, false},
		"?person=OKAFOR":        {true, true},
		"?person=linus":         {false, false},
		"?q=198.51.100.65":      {false, true},
		"?before=" + applied.ID: {true, false},
	} {
		_, page := p.get(t, "/changes"+query)
		got := [2]bool{strings.Contains(page, "/changes/"+denied.ID), strings.Contains(page, "/changes/"+applied.ID)}
		if got != want {
			t.Errorf("with %q the list has the denied one %v and the applied one %v, want %v", query, got[0], got[1], want)
		}
	}
}

// A page whose change ends meanwhile says so instead of recording the decision.
func TestADecisionThatComesTooLate(t *testing.T) {
	t.Parallel()
	s := newChangeSite(t, nil)
	p := s.signIn(t, grace)
	expired, withdrawn := s.update(t), s.propose(t, "update_scan", map[string]any{"id": "Branch routers", "isActive": false})
	late, late2 := p.form(t, expired, "approve"), p.form(t, withdrawn, "approve")
	if _, err := s.Gate.Withdraw(t.Context(), withdrawn.ID, confirm.Requester{Principal: asker}); err != nil {
		t.Fatal(err)
	}
	if status, page := p.send(t, withdrawn, late2, nil); status != http.StatusConflict || !strings.Contains(page, "Withdrawn, so nothing was sent") {
		t.Errorf("a withdrawn change: %d", status)
	}
	s.Advance(16 * time.Minute)
	if status, page := p.send(t, expired, late, nil); status != http.StatusConflict || !strings.Contains(page, "Nobody decided in time") {
		t.Errorf("an expired change: %d", status)
	}
	if n := len(s.Tenant.Writes()); n != 0 {
		t.Errorf("%d writes arrived, want none", n)
	}
}
