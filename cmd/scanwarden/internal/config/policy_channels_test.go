package config_test

import (
	"strings"
	"testing"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/config/configtest"
)

// Without Slack the client of the requester is asked, and the served pages as well where an approver can sign in there. What
// can be confirmed on neither is a problem.
func TestFindingsKnowEveryChannel(t *testing.T) {
	t.Parallel()
	const two = "policy: {approvers: ['token:ada', 'token:bob'], approvals_required: {delete_scans: 2}"
	const tokens = "\nhttp: {tokens: {ada: {env: ADA}, bob: {env: BOB}}}\n"
	held := config.Environment{"ADA": "0123456789abcdef0123", "BOB": "0123456789abcdef0124"}
	agent := config.Environment{"ADA": held["ADA"], "BOB": held["BOB"], "SCANWARDEN_HTTP_AGENT_TOKENS": "ada,bob"}
	entra := config.Environment{
		"SCANWARDEN_PUBLIC_URL": "https://scans.example", "AZURE_CLIENT_SECRET": "s", "SCANWARDEN_HTTP_TOKEN": "0123456789abcdef0123",
		"AZURE_TENANT_ID": "aaaaaaaa-0000-0000-0000-000000000001", "AZURE_CLIENT_ID": "aaaaaaaa-0000-0000-0000-000000000002",
	}
	const role = "policy: {approvers: ['entra-role:Approver']}"
	for name, tt := range map[string]struct {
		file string
		env  config.Environment
		want string // "" for no problem
	}{
		"people with tokens":             {two + "}" + tokens, held, ""},
		"channels are named":             {two + "}\nconfirm_with: [client]" + tokens, held, "only the requester's own client is asked"},
		"the tokens are agents'":         {two + "}" + tokens, agent, "only the requester's own client is asked"},
		"a role on the page":             {role, entra, ""},
		"a role and no page":             {role, config.Environment{"SCANWARDEN_HTTP_TOKEN": "0123456789abcdef0123"}, "only the requester's own client is asked"},
		"a quorum with one who is asked": {"policy: {approvers: ['token:ada', 'slack:T1/U1'], approvals_required: {delete_scans: 2}}" + tokens, held, "delete_scans needs 2 people, and the approvers who can be asked are 1 person"},
		"a quorum of joined accounts": {two + "}" + tokens +
			"people: [{name: Ada, principals: ['token:ada', 'token:bob']}]\n", held, "the approvers who can be asked are 1 person"},
	} {
		var found []string
		for _, f := range configtest.Load(t, tt.file, tt.env).PolicyFindings() {
			if f.Status == config.StatusProblem && (strings.Contains(f.Says, "asked") || strings.Contains(f.Says, "asks")) {
				found = append(found, f.Says)
			}
		}
		all := strings.Join(found, "\n")
		if !strings.Contains(all, tt.want) || (tt.want == "") != (all == "") {
			t.Errorf("%s: the problems are %q, want %q", name, all, tt.want)
		}
	}
}
