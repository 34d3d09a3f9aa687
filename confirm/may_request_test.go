package confirm_test

import (
	"testing"

	"scanwarden/confirm"
)

func TestMayRequest(t *testing.T) {
	t.Parallel()
	const role, other = "entra-role:Scans.Requester", "entra-role:Scans.Approver"
	entra := confirm.Principal("entra:TENANT/ADA")
	people := []confirm.Person{{Name: "Ada", Principals: []confirm.Principal{entra, "slack:T1/UA"}}}
	listed := []string{string(ada), string(entra), "slack-group:S1", "entra-role:Netops"}
	ask := func(by confirm.Principal, groups ...string) confirm.Requester {
		a := onSlack(by)
		a.Groups = groups
		return a
	}
	local := ask(local)
	local.Local = true
	localAgent := local
	localAgent.Agent = true
	localEntra := ask(entra)
	localEntra.Local = true
	for _, tt := range []struct {
		name       string
		requesters []string
		by         confirm.Requester
		refusal    string // "" if allowed
	}{
		{"any authenticated caller", nil, ask(ada), ""},
		{"Slack", nil, ask("slack:T1/UA"), ""},
		{"Entra without a role", nil, ask(entra), "Scans.Requester in Entra"},
		{"Entra with another role", nil, ask(entra, other), "Scans.Requester in Entra"},
		{"Entra with the role", nil, ask(entra, role), ""},
		{"an agent without a role", nil, confirm.Requester{Principal: entra, Agent: true, Channels: local.Channels}, "Scans.Requester in Entra"},
		{"the local user, with Entra", nil, localEntra, ""},
		{"listed", listed, ask(ada), ""},
		{"listed by another account", listed, ask("slack:T1/UA"), ""},
		{"in a listed user group", listed, ask(bob, "slack-group:S1"), ""},
		{"with a listed role", listed, ask("entra:TENANT/BOB", "entra-role:Netops"), ""},
		{"not listed", listed, ask(bob), "SCANWARDEN_REQUESTERS"},
		{"not listed, with the role", listed, ask("entra:TENANT/BOB", role), "SCANWARDEN_REQUESTERS"},
		{"the local user", listed, local, ""},
		{"an agent on the local server", listed, localAgent, "SCANWARDEN_REQUESTERS"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, confirm.Policy{Approvers: []string{string(cleo)}, Requesters: tt.requesters, People: people})
			may := s.CanPropose(t.Context(), "delete_scans", tt.by)
			_, proposed := s.Propose(t.Context(), deleteTwo(), tt.by)
			for _, err := range []error{may, proposed} {
				if tt.refusal != "" {
					wantRefusal(t, err, tt.refusal)
				} else if err != nil {
					t.Errorf("refused: %v", err)
				}
			}
		})
	}
}
