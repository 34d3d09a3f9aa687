package config_test

import (
	"strings"
	"testing"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/config/configtest"
)

// A rule with an authentication context needs a page with a Microsoft sign-in, and an approver who has an Entra account.
func TestAContextRuleThatNobodyCanSatisfyIsAProblem(t *testing.T) {
	t.Parallel()
	const rule = "\n  rules: [{name: strong, when: agent, authentication_context: c1}]\n"
	const joined = "people: [{name: Ada, principals: ['token:ada', 'entra:t/a']}]\n"
	page := config.Environment{
		"SCANWARDEN_HTTP_AUTH": "entra", "SCANWARDEN_PUBLIC_URL": "https://scans.example", "AZURE_CLIENT_SECRET": "s",
		"AZURE_TENANT_ID": "aaaaaaaa-0000-0000-0000-000000000001", "AZURE_CLIENT_ID": "aaaaaaaa-0000-0000-0000-000000000002",
	}
	for name, tt := range map[string]struct {
		file string
		env  config.Environment
		want string // "" for no problem
	}{
		"no page":          {"policy:\n  approvers: ['entra-role:A']" + rule, nil, "no page has a Microsoft sign-in"},
		"nobody listed":    {"policy:" + rule, nil, "no page has a Microsoft sign-in"},
		"no Entra account": {"policy:\n  approvers: ['token:ada']" + rule, page, "no approver has an Entra account"},
		"a joined account": {"policy:\n  approvers: ['token:ada']" + rule + joined, page, ""},
		"a role":           {"policy:\n  approvers: ['entra-role:A']" + rule, page, ""},
	} {
		var found string
		for _, f := range configtest.Load(t, tt.file, tt.env).PolicyFindings() {
			if strings.Contains(f.Says, "authentication context c1") && f.Status == config.StatusProblem && f.Next != "" {
				found += f.Says
			}
		}
		if !strings.Contains(found, tt.want) || (tt.want == "") != (found == "") {
			t.Errorf("%s: the problem is %q, want %q", name, found, tt.want)
		}
	}
}
