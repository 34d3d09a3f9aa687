package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scanwarden/cmd/scanwarden/internal/config/configtest"
	"scanwarden/confirm"
	"scanwarden/confirm/store"
	"scanwarden/defender"
	"scanwarden/defender/defendertest"
	"scanwarden/tools"
)

// readDoc returns the text of a page, by its path from the project's root.
func readDoc(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", page))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// docBlocks returns the fenced blocks of one language on a page.
func docBlocks(t *testing.T, page, language string) []string {
	t.Helper()
	var found []string
	for _, block := range strings.Split(readDoc(t, page), "\n```"+language+"\n")[1:] {
		example, _, _ := strings.Cut(block, "\n```")
		found = append(found, example+"\n")
	}
	if len(found) == 0 {
		t.Fatalf("%s has no %s example any more", page, language)
	}
	return found
}

// TestDocumentedConfigurations loads every configuration that the README and the docs show.
func TestDocumentedConfigurations(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"README.md", "docs/policy.md", "docs/configuration.md"} {
		for _, example := range docBlocks(t, page, "yaml") {
			configtest.Load(t, example, nil)
		}
	}
}

// policyExample returns the configuration of docs/policy.md that has rules.
func policyExample(t *testing.T) string {
	t.Helper()
	for _, example := range docBlocks(t, "docs/policy.md", "yaml") {
		if strings.Contains(example, "rules:") {
			return example
		}
	}
	t.Fatal("docs/policy.md shows no policy with rules any more")
	return ""
}

// policyStack is a Service and a Gate with a configuration of the docs, in front of a simulated tenant. The test sets
// its clock.
type policyStack struct {
	*confirm.Gate
	service *tools.Service
	tenant  *defendertest.Server
	store   *store.Store
	now     time.Time
	dir     string
}

func newPolicyStack(t *testing.T, example string) *policyStack {
	t.Helper()
	p := &policyStack{tenant: defendertest.New(defendertest.Options{Empty: true}), now: time.Now().Truncate(time.Second), dir: t.TempDir()}
	api := httptest.NewServer(p.tenant)
	t.Cleanup(func() { p.tenant.Close(); api.Close() })
	scanner, silent := p.tenant.AddScanner("near.example", p.now), p.tenant.AddScanner("silent.example", p.now.Add(-25*time.Hour))
	for i, name := range []string{"prod-east", "Core switches", "preprod-x", "Core switches 2"} {
		p.tenant.AddScan(scanFields(name, fmt.Sprintf("10.0.0.%d", i), scanner))
	}
	p.tenant.AddScan(scanFields("Left alone", "10.0.1.1", silent))
	for i := range 21 {
		p.tenant.AddScan(scanFields(fmt.Sprintf("Branch %d", i), fmt.Sprintf("10.1.0.%d", i), scanner))
	}
	reader, err := defender.New(defender.Config{URL: api.URL, Token: func(context.Context, defender.TokenRequest) (string, error) { return "token", nil }})
	if err != nil {
		t.Fatal(err)
	}
	if p.store, err = store.Open(t.Context(), store.Config{URL: "sqlite:" + filepath.Join(p.dir, "ledger.db"), KeyDir: p.dir}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.store.Close() })
	policy := configtest.Load(t, example, nil).ConfirmPolicy()
	p.service = tools.NewService(tools.Config{Reader: reader, Policy: policy, Target: "simulator", Now: func() time.Time { return p.now }})
	p.Gate = confirm.New(confirm.Config{
		Store: p.store, Policy: policy, Target: "simulator", Now: func() time.Time { return p.now },
		Execute: func(context.Context, confirm.Change, confirm.BeforeSend) confirm.Outcome {
			return confirm.Outcome{State: confirm.Applied}
		},
		Reconcile: func(context.Context, confirm.Change) confirm.Outcome {
			return confirm.Outcome{State: confirm.Unknown, Reason: "is not asked for here"}
		},
	})
	t.Cleanup(func() { _ = p.Drain(context.WithoutCancel(t.Context())) })
	return p
}

func scanFields(name, target, scanner string) map[string]any {
	return map[string]any{"scanType": "Network", "scanName": name, "isActive": true, "target": target, "intervalInHours": 4, "targetType": "Ip",
		"scannerAgent":             map[string]any{"machineId": scanner},
		"scanAuthenticationParams": map[string]any{"@odata.type": "#microsoft.windowsDefenderATP.api.SnmpAuthParams", "type": "NoAuthNoPriv", "username": "scanner"}}
}

// addScanArgs returns the arguments of an add_scan.
func addScanArgs(name, target, scanner string) string {
	return fmt.Sprintf(`{"scanType":"Network","scanName":%q,"target":%q,"targetType":"Ip","intervalInHours":4,"scannerAgent.machineId":%q,`+
		`"scanAuthenticationParams":{"type":"NoAuthNoPriv","username":"scanner"}}`, name, target, scanner)
}

func deleteArgs(n int) string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf(`"Branch %d"`, i))
	}
	return `{"scanDefinitionIds":[` + strings.Join(names, ",") + `]}`
}

// propose plans and proposes.
func (p *policyStack) propose(t *testing.T, by confirm.Requester, operation, args string) (confirm.Change, error) {
	t.Helper()
	proposal, err := p.service.Plan(t.Context(), tools.Caller{}, operation, json.RawMessage(args))
	if err != nil {
		return confirm.Change{}, err
	}
	return p.Propose(t.Context(), proposal, by)
}

const (
	listedOne     = confirm.Principal("slack:T024BE7LD/U024BE7LH")
	approverGroup = "slack-group:S0614TZR7"
	approverRole  = "entra-role:Scans.Approver"
)

func slackRequester(who confirm.Principal, groups ...string) confirm.Requester {
	return confirm.Requester{Principal: who, Groups: groups, Channels: []confirm.Channel{confirm.Slack}}
}

func entraRequester() confirm.Requester {
	return slackRequester("entra:TENANT/OBJECT", "entra-role:Scans.Requester")
}

func approvalBy(who confirm.Principal, groups ...string) confirm.Vote {
	return confirm.Vote{Principal: who, Groups: groups, Approve: true, Channel: confirm.Slack}
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

// TestPolicyRules: each rule of docs/policy.md requires as many approvers as it states, or refuses with its text, and does
// neither for a change just beside it.
func TestPolicyRules(t *testing.T) {
	t.Parallel()
	const public, gone = "Public addresses are scanned by the perimeter team; ask in #perimeter", "The scanner has been silent for a day; see to it first"
	update := func(id, field string) string { return fmt.Sprintf(`{"id":%q,%s}`, id, field) }
	cases := []struct {
		operation, args string
		people          int    // 0: refused
		because         string // the rule; "" is none
	}{
		{"delete_scans", deleteArgs(4), 3, "many deletes"},
		{"delete_scans", deleteArgs(3), 2, ""},
		{"add_scan", addScanArgs("x", "10.2.0.1,8.8.8.8", "near.example"), 0, public},
		{"add_scan", addScanArgs("x", "10.2.0.1", "near.example"), 1, ""},
		{"add_scan", addScanArgs("x", "10.2.0.0-10.2.3.232", "near.example"), 2, "a large scan"},
		{"add_scan", addScanArgs("x", "10.2.0.0-10.2.3.231", "near.example"), 1, ""},
		{"add_scan", addScanArgs("x", "10.2.0.1", "silent.example"), 0, gone},
		{"update_scan", update("Left alone", `"isActive":false`), 0, gone},
		{"update_scan", update("prod-east", `"isActive":false`), 2, "the production core"},
		{"update_scan", update("preprod-x", `"isActive":false`), 1, ""},
		{"update_scan", update("Core switches", `"isActive":false`), 2, "the production core"},
		{"update_scan", update("Core switches 2", `"isActive":false`), 1, ""},
		{"update_scan", update("Branch 1", `"scanName":"prod-west"`), 2, "the production core"},
		{"update_scan", update("Branch 1", `"scanName":"Core switches 3"`), 1, ""},
	}
	votes := []confirm.Vote{approvalBy(listedOne), approvalBy("slack:T024BE7LD/U0GROUP", approverGroup), approvalBy("entra:TENANT/APPROVER", approverRole)}
	met := map[string]bool{}
	p := newPolicyStack(t, policyExample(t))
	for _, tt := range cases {
		t.Run(tt.operation+" "+tt.args, func(t *testing.T) {
			c, err := p.propose(t, entraRequester(), tt.operation, tt.args)
			if tt.people == 0 {
				wantError(t, err, tt.because)
				for _, r := range configtest.Load(t, policyExample(t), nil).ConfirmPolicy().Rules {
					met[r.Name] = met[r.Name] || strings.HasPrefix(r.Refuse, tt.because)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			met[tt.because] = true
			because := p.explain(t, c).Because
			if want := fmt.Sprintf("the rule %q", tt.because); strings.Contains(because, "the rule") != (tt.because != "") || tt.because != "" && !strings.Contains(because, want) {
				t.Errorf("decided by %q, want %s", because, want)
			}
			_, err = p.Decide(t.Context(), c.ID, approvalBy("slack:T024BE7LD/U0STRANGER", "slack-group:S0OTHER", "entra-role:Scans.Requester"))
			wantError(t, err, "is not among the approvers")
			for i, vote := range votes[:tt.people] {
				if got, err := p.Change(t.Context(), c.ID); err != nil || got.State != confirm.Pending {
					t.Fatalf("after %d people it is %s (%v), want %d to be asked", i, got.State, err, tt.people)
				}
				if _, err := p.Decide(t.Context(), c.ID, vote); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := p.Change(t.Context(), c.ID); err != nil || got.State == confirm.Pending {
				t.Errorf("after %d people it still waits (%v)", tt.people, err)
			}
		})
	}
	for _, rule := range configtest.Load(t, policyExample(t), nil).ConfirmPolicy().Rules {
		if !met[rule.Name] {
			t.Errorf("no case meets the documented rule %q", rule.Name)
		}
	}
}

func (p *policyStack) explain(t *testing.T, c confirm.Change) confirm.Explanation {
	t.Helper()
	return configtest.Load(t, policyExample(t), nil).ConfirmPolicy().Explain(c)
}

// TestPolicySettings: the settings of the policy in docs/policy.md do what it states.
func TestPolicySettings(t *testing.T) {
	t.Parallel()
	p := newPolicyStack(t, policyExample(t))
	harmless := func(i int) string { return fmt.Sprintf(`{"id":"Branch %d","isActive":false}`, i) }

	// requesters
	_, err := p.propose(t, slackRequester("slack:T024BE7LD/U0STRANGER", "slack-group:S0OTHER"), "update_scan", harmless(0))
	wantError(t, err, "slack:T024BE7LD/U0STRANGER may not ask for changes here")
	if _, err := p.propose(t, slackRequester("slack:T024BE7LD/U0MEMBER", "slack-group:S0614TZR8"), "update_scan", harmless(1)); err != nil {
		t.Errorf("a member of the group may not ask: %v", err)
	}
	if _, err := p.propose(t, entraRequester(), "update_scan", harmless(2)); err != nil {
		t.Errorf("who has the role may not ask: %v", err)
	}

	// self_approval: false
	own, err := p.propose(t, slackRequester(listedOne, "slack-group:S0614TZR8"), "update_scan", harmless(3))
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Decide(t.Context(), own.ID, approvalBy(listedOne))
	wantError(t, err, "people may not confirm their own changes here")

	// approvals_required: deletes take two people, and nothing else does
	one, err := p.propose(t, entraRequester(), "delete_scans", deleteArgs(1))
	if err != nil || p.explain(t, one).Because != "policy: approvals_required asks for 2 people for delete_scans" {
		t.Errorf("%v, %+v", err, p.explain(t, one))
	}

	// expires: 15m
	begun := p.now
	late, err := p.propose(t, entraRequester(), "update_scan", harmless(4))
	if err != nil || !late.Expires.Equal(begun.Add(15*time.Minute)) {
		t.Errorf("%v, expires %v after it was asked for, want 15m", err, late.Expires.Sub(begun))
	}
	p.now = begun.Add(15 * time.Minute)
	if _, err := p.Decide(t.Context(), late.ID, approvalBy(listedOne)); err == nil {
		t.Error("a yes counted after 15 minutes")
	}

	// max_scans_per_delete: 20, max_addresses_per_scan: 2048
	for _, cap := range []struct{ operation, within, over, says string }{
		{"delete_scans", deleteArgs(20), deleteArgs(21), "20"},
		{"add_scan", addScanArgs("x", "10.2.0.0-10.2.7.255", "near.example"), addScanArgs("x", "10.2.0.0-10.2.8.0", "near.example"), "2,048"},
	} {
		if _, err := p.propose(t, entraRequester(), cap.operation, cap.within); err != nil {
			t.Errorf("%s at its cap: %v", cap.operation, err)
		}
		_, err := p.propose(t, entraRequester(), cap.operation, cap.over)
		wantError(t, err, cap.says)
	}
}

// TestReadmePolicy: the README's policy means what its comments state, and passes doctor as it stands.
func TestReadmePolicy(t *testing.T) {
	t.Parallel()
	example := docBlocks(t, "README.md", "yaml")[0]
	if n := strings.Count(example, "\n"); n > 8 {
		t.Errorf("the README's policy has %d lines, want at most 8", n)
	}
	p := newPolicyStack(t, example)
	own, err := p.propose(t, slackRequester("token:ada"), "update_scan", `{"id":"Branch 1","isActive":false}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Decide(t.Context(), own.ID, approvalBy("token:ada")); err != nil {
		t.Errorf("an approver may not confirm their own change: %v", err)
	}
	if _, err := p.propose(t, slackRequester("token:ada"), "delete_scans", deleteArgs(10)); err != nil {
		t.Error(err)
	}
	_, err = p.propose(t, slackRequester("token:ada"), "delete_scans", deleteArgs(11))
	wantError(t, err, "10")
	_, err = p.propose(t, slackRequester("token:ada"), "add_scan", addScanArgs("x", "8.8.8.8", "near.example"))
	wantError(t, err, "Ask the perimeter team")

	file := filepath.Join(t.TempDir(), "scanwarden.yaml")
	if err := os.WriteFile(file, []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(programPath(t), "doctor", "--simulator")
	cmd.Env = []string{
		"SCANWARDEN_STATE_DIR=" + t.TempDir(), "SCANWARDEN_CONFIG=" + file,
		"ADA_TOKEN=0123456789abcdef0123456789abcdef", "GRACE_TOKEN=fedcba9876543210fedcba9876543210",
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("doctor: %v\n%s", err, out)
	}
}

// TestPolicyExplains: the sample in docs/policy.md of doctor --explain is what the program prints.
func TestPolicyExplains(t *testing.T) {
	t.Parallel()
	p := newPolicyStack(t, policyExample(t))
	c, err := p.propose(t, entraRequester(), "delete_scans", deleteArgs(4))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(p.dir, "scanwarden.yaml")
	if err := os.WriteFile(file, []byte(policyExample(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(programPath(t), "doctor", "--explain", c.ID)
	cmd.Env = []string{"SCANWARDEN_STATE_DIR=" + p.dir, "SCANWARDEN_CONFIG=" + file}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got := strings.NewReplacer(c.ID, "01KA...", "TENANT/OBJECT", ".../...", p.dir+"/", "").Replace(string(out))
	const before = "`scanwarden doctor --explain CHANGE` says what decided:\n\n```\n"
	page := readDoc(t, "docs/policy.md")
	_, rest, _ := strings.Cut(page, before)
	want, _, found := strings.Cut(rest, "```\n")
	if *update {
		if err := os.WriteFile("../../docs/policy.md", []byte(strings.Replace(page, before+want, before+got, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); !found || diff != "" {
		t.Errorf("the sample in docs/policy.md (-page +program):\n%s", diff)
	}
}
