package web_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/confirm/web"
	"scanwarden/defender"
	"scanwarden/defender/defendertest"
	"scanwarden/tools/toolstest"
)

// pageState is one state of one page, and who looks at it.
type pageState struct {
	name string
	url  string
	who  confirm.Principal
	text string // a part of what the page says in this state
}

const scanPath = "DeviceAuthenticatedScanDefinitions"

// newPageStates returns every state of every page, on sites that last as long as the test.
func newPageStates(t testing.TB) []pageState {
	t.Helper()
	states := append(openStates(t), endedStates(t)...)
	quorum := newChangeSite(t, func(o *toolstest.Options, cfg *web.ChangesConfig) {
		stopClock(o, cfg)
		o.Policy.Required = map[string]int{"update_scan": 2}
	})
	c := quorum.update(t)
	p := quorum.signIn(t, grace)
	p.send(t, c, p.form(t, c, "approve"), nil)
	states = append(states,
		pageState{"quorum", quorum.URL + "/changes/" + c.ID, linus, "1 of 2 approvals"},
		pageState{"quorum-voted", quorum.URL + "/changes/" + c.ID, grace, "You cannot decide it"})
	signIn := newSignInSite(t, func(cfg *web.SignInConfig) { cfg.Secure = false })
	link := newSite(t, func(cfg *web.Config) { cfg.Secure = false })
	return append(states,
		pageState{"sign-in", signIn.URL + "/signin", grace, "Sign in to see the change"},
		pageState{"link", link.URL + "/link", grace, "Join your Slack and Microsoft accounts"},
		pageState{"link-message", link.URL + "/nothing", grace, "There is no such page"})
}

// stopClock stops the clock of a site and waits for Defender without end, so that each state lasts as long as the test.
func stopClock(o *toolstest.Options, _ *web.ChangesConfig) {
	began := time.Now()
	o.Now = func() time.Time { return began }
	o.Defender = func(cfg *defender.Config) { cfg.HTTP = &http.Client{} }
}

// openStates returns the states of changes that wait, and the pages around them.
func openStates(t testing.TB) []pageState {
	s := newChangeSite(t, stopClock)
	many := s.manyDeleted(t, 37) // before the first read of the tenant, which is cached
	update, added := s.update(t), s.add(t, "Branch switches")
	one := s.propose(t, "delete_scans", map[string]any{"scanDefinitionIds": []string{"Branch routers"}})
	typed := s.ask(t, "add_scan", "AuthPriv")
	sending := s.deactivate(t, "Finance servers")
	s.Tenant.Fail(defendertest.Fault{Method: http.MethodPatch, Hang: true})
	t.Cleanup(s.Tenant.Release) // or the end of the test waits for it
	s.decided(t, sending, true)
	at := func(c confirm.Change) string { return s.URL + "/changes/" + c.ID }
	return []pageState{
		{"sending", at(sending), grace, "Approved. It"},
		{"update", at(update), grace, "Approve and send"},
		{"requester", at(update), asker, "You may deny it, and not approve it"},
		{"add", at(added), grace, "A new scan"},
		{"add-credential", at(typed), grace, "Held in memory for this one execution"},
		{"delete", at(one), grace, "Delete 1 scan for good"},
		{"delete-many", at(many), grace, "Delete 37 scans for good"},
		{"delete-many-search", at(many) + "?q=lab+3", grace, "A search only changes what you see"},
		{"not-allowed", at(update), tom, "You are signed in, but you are not an approver"},
		{"list", s.URL + "/changes", grace, "Waiting for you"},
		{"list-empty", s.URL + "/changes", tom, "Nothing waits"},
		{"list-filtered", s.URL + "/changes?status=denied&person=grace", grace, "No ended change matches"},
		{"not-found", s.URL + "/changes/nothing", grace, "There is no such page"},
	}
}

// endedStates returns a page for each way in which a change ends, and the history with all of them.
func endedStates(t testing.TB) []pageState {
	s := newChangeSite(t, stopClock)
	var states []pageState
	add := func(name string, c confirm.Change, text string) {
		states = append(states, pageState{name, s.URL + "/changes/" + c.ID, grace, text})
	}
	expired := s.update(t)
	s.Advance(16 * time.Minute)
	add("expired", expired, "Nobody decided in time")
	add("applied", s.approved(t, s.update(t)), "Applied, and sent once")
	add("denied", s.decided(t, s.deactivate(t, "Branch routers"), false), "Denied, so nothing was sent")
	withdrawn := s.deactivate(t, "Branch routers")
	if _, err := s.Gate.Withdraw(t.Context(), withdrawn.ID, confirm.Requester{Principal: asker}); err != nil {
		t.Fatal(err)
	}
	add("withdrawn", withdrawn, "Withdrawn, so nothing was sent")
	stale := s.deactivate(t, "Branch routers")
	s.edit("Branch routers", map[string]any{"target": "203.0.113.9"})
	add("stale", s.approved(t, stale), "The live state has changed")
	s.Tenant.Fail(defendertest.Fault{Method: http.MethodPatch, Status: http.StatusForbidden})
	add("failed", s.approved(t, s.deactivate(t, "Branch routers")), "It failed")
	s.Tenant.Fail(defendertest.Fault{Method: http.MethodPost, Path: scanPath, Drop: true})
	add("unknown", s.approved(t, s.add(t, "Branch switches")), "outcome is not known")
	return append(states, pageState{"history", s.URL + "/changes", grace, "Outcome unknown"})
}

// add returns a new change that adds a scan.
func (s *changeSite) add(t testing.TB, name string) confirm.Change {
	t.Helper()
	return s.propose(t, "add_scan", map[string]any{
		"scanType": "Network", "scanName": name, "target": "192.0.2.32,192.0.2.33,192.0.2.40", "targetType": "Ip", "intervalInHours": 8,
		"scannerAgent":             map[string]any{"machineId": "scan-branch-02.contoso.example"},
		"scanAuthenticationParams": map[string]any{"type": "NoAuthNoPriv", "username": "scanner"},
	})
}

// deactivate returns a new change that stops a scan.
func (s *changeSite) deactivate(t testing.TB, name string) confirm.Change {
	t.Helper()
	return s.propose(t, "update_scan", map[string]any{"id": name, "isActive": false})
}

// edit changes a scan in Defender, as another person would in the portal.
func (s *changeSite) edit(name string, fields map[string]any) {
	for _, scan := range s.Tenant.Scans() {
		if scan["scanName"] == name {
			s.Tenant.Edit(scan["id"].(string), fields)
		}
	}
}

// manyDeleted returns a new change that deletes n scans, which it adds to the tenant first.
func (s *changeSite) manyDeleted(t testing.TB, n int) confirm.Change {
	t.Helper()
	var ids []string
	for i := range n {
		ids = append(ids, s.Tenant.AddScan(map[string]any{
			"scanType": "Network", "scanName": fmt.Sprintf("Lab %d, racks along the north wall", i), "isActive": i%3 > 0, "intervalInHours": 24,
			"target": fmt.Sprintf("198.51.100.%d,203.0.113.%d,192.0.2.0/28", i%200, i%200), "targetType": "Ip",
		}))
	}
	return s.propose(t, "delete_scans", map[string]any{"scanDefinitionIds": ids})
}

// decided returns the change after a vote of Grace on the page.
func (s *changeSite) decided(t testing.TB, c confirm.Change, approve bool) confirm.Change {
	t.Helper()
	vote := confirm.Vote{Principal: grace, Approve: approve, Reason: "Agreed with the network team.", Channel: confirm.WebPage}
	if _, err := s.Gate.Decide(t.Context(), c.ID, vote); err != nil {
		t.Fatal(err)
	}
	return c
}

// approved returns the change once it has been approved and its outcome is known or known to be unknown.
func (s *changeSite) approved(t testing.TB, c confirm.Change) confirm.Change {
	t.Helper()
	s.decided(t, c, true)
	if _, err := s.Gate.Wait(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	return c
}
