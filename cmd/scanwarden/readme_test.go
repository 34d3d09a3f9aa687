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

	"scanwarden/confirm"
	"scanwarden/confirm/store"
	"scanwarden/defender"
	"scanwarden/defender/defendertest"
	"scanwarden/tools"
)

// examples are the fenced blocks of one language in the README.
func examples(t *testing.T, language string) []string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, block := range strings.Split(string(text), "\n```"+language+"\n")[1:] {
		example, _, _ := strings.Cut(block, "\n```")
		found = append(found, example+"\n")
	}
	if len(found) == 0 {
		t.Fatalf("the README has no %s example any more", language)
	}
	return found
}

// TestReadmeConfigurations loads every configuration that the README shows.
func TestReadmeConfigurations(t *testing.T) {
	for _, example := range examples(t, "yaml") {
		loaded(t, example, nil)
	}
}

// policyExample is the README's configuration that has rules.
func policyExample(t *testing.T) string {
	t.Helper()
	for _, example := range examples(t, "yaml") {
		if strings.Contains(example, "rules:") {
			return example
		}
	}
	t.Fatal("the README shows no policy with rules any more")
	return ""
}

// promise is a desk and a gate under a configuration of the README's, before a simulated tenant. Its clock is the test's.
type promise struct {
	*confirm.Gate
	desk   *tools.Service
	tenant *defendertest.Server
	ledger *store.Store
	now    time.Time
	dir    string
}

func keep(t *testing.T, example string) *promise {
	t.Helper()
	p := &promise{tenant: defendertest.New(defendertest.Options{Empty: true}), now: time.Now().Truncate(time.Second), dir: t.TempDir()}
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
	if p.ledger, err = store.Open(t.Context(), store.Config{URL: "sqlite:" + filepath.Join(p.dir, "ledger.db"), KeyDir: p.dir}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.ledger.Close() })
	policy := loaded(t, example, nil).policy()
	p.desk = tools.NewService(tools.Config{Reader: reader, Policy: policy, Target: "simulator", Now: func() time.Time { return p.now }})
	p.Gate = confirm.New(confirm.Config{
		Store: p.ledger, Policy: policy, Target: "simulator", Now: func() time.Time { return p.now },
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

// add are the arguments of an add_scan.
func add(name, target, scanner string) string {
	return fmt.Sprintf(`{"scanType":"Network","scanName":%q,"target":%q,"targetType":"Ip","intervalInHours":4,"scannerAgent.machineId":%q,`+
		`"scanAuthenticationParams":{"type":"NoAuthNoPriv","username":"scanner"}}`, name, target, scanner)
}

func deleteBranches(n int) string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf(`"Branch %d"`, i))
	}
	return `{"scanDefinitionIds":[` + strings.Join(names, ",") + `]}`
}

// ask plans and proposes.
func (p *promise) ask(t *testing.T, by confirm.Requester, operation, args string) (confirm.Change, error) {
	t.Helper()
	proposal, err := p.desk.Plan(t.Context(), tools.Caller{}, operation, json.RawMessage(args))
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

func throughSlack(who confirm.Principal, groups ...string) confirm.Requester {
	return confirm.Requester{Principal: who, Groups: groups, Channels: []confirm.Channel{confirm.Slack}}
}

func requester() confirm.Requester {
	return throughSlack("entra:TENANT/OBJECT", "entra-role:Scans.Requester")
}

func yesOf(who confirm.Principal, groups ...string) confirm.Vote {
	return confirm.Vote{Principal: who, Groups: groups, Approve: true, Channel: confirm.Slack}
}

func wantSaid(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

// TestReadmeRules: each rule of the README asks for as many people as it says, or refuses in its words, and does
// neither for what lies just beside it. Whom the README lists are the people.
func TestReadmeRules(t *testing.T) {
	const public, gone = "Public addresses are scanned by the perimeter team; ask in #perimeter", "The scanner has been silent for a day; see to it first"
	update := func(id, field string) string { return fmt.Sprintf(`{"id":%q,%s}`, id, field) }
	cases := []struct {
		operation, args string
		people          int    // 0: refused
		because         string // the rule; "" is none
	}{
		{"delete_scans", deleteBranches(4), 3, "many deletes"},
		{"delete_scans", deleteBranches(3), 2, ""},
		{"add_scan", add("x", "10.2.0.1,8.8.8.8", "near.example"), 0, public},
		{"add_scan", add("x", "10.2.0.1", "near.example"), 1, ""},
		{"add_scan", add("x", "10.2.0.0-10.2.3.232", "near.example"), 2, "a large scan"},
		{"add_scan", add("x", "10.2.0.0-10.2.3.231", "near.example"), 1, ""},
		{"add_scan", add("x", "10.2.0.1", "silent.example"), 0, gone},
		{"update_scan", update("Left alone", `"isActive":false`), 0, gone},
		{"update_scan", update("prod-east", `"isActive":false`), 2, "the production core"},
		{"update_scan", update("preprod-x", `"isActive":false`), 1, ""},
		{"update_scan", update("Core switches", `"isActive":false`), 2, "the production core"},
		{"update_scan", update("Core switches 2", `"isActive":false`), 1, ""},
		{"update_scan", update("Branch 1", `"scanName":"prod-west"`), 2, "the production core"},
		{"update_scan", update("Branch 1", `"scanName":"Core switches 3"`), 1, ""},
	}
	votes := []confirm.Vote{yesOf(listedOne), yesOf("slack:T024BE7LD/U0GROUP", approverGroup), yesOf("entra:TENANT/APPROVER", approverRole)}
	met := map[string]bool{}
	for _, tt := range cases {
		t.Run(tt.operation+" "+tt.args, func(t *testing.T) {
			p := keep(t, policyExample(t))
			c, err := p.ask(t, requester(), tt.operation, tt.args)
			if tt.people == 0 {
				wantSaid(t, err, tt.because)
				for _, r := range loaded(t, policyExample(t), nil).rules {
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
			_, err = p.Decide(t.Context(), c.ID, yesOf("slack:T024BE7LD/U0STRANGER", "slack-group:S0OTHER", "entra-role:Scans.Requester"))
			wantSaid(t, err, "is not among the approvers")
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
	for _, rule := range loaded(t, policyExample(t), nil).rules {
		if !met[rule.Name] {
			t.Errorf("no case meets the README's rule %q", rule.Name)
		}
	}
}

func (p *promise) explain(t *testing.T, c confirm.Change) confirm.Explanation {
	t.Helper()
	return loaded(t, policyExample(t), nil).policy().Explain(c)
}

// TestReadmePolicy: the lines of the README's policy that are no rules mean what it says of them.
func TestReadmePolicy(t *testing.T) {
	p := keep(t, policyExample(t))
	harmless := func(i int) string { return fmt.Sprintf(`{"id":"Branch %d","isActive":false}`, i) }

	// requesters
	_, err := p.ask(t, throughSlack("slack:T024BE7LD/U0STRANGER", "slack-group:S0OTHER"), "update_scan", harmless(0))
	wantSaid(t, err, "slack:T024BE7LD/U0STRANGER may not ask for changes here")
	if _, err := p.ask(t, throughSlack("slack:T024BE7LD/U0MEMBER", "slack-group:S0614TZR8"), "update_scan", harmless(1)); err != nil {
		t.Errorf("a member of the group may not ask: %v", err)
	}
	if _, err := p.ask(t, requester(), "update_scan", harmless(2)); err != nil {
		t.Errorf("who has the role may not ask: %v", err)
	}

	// self_approval: false
	own, err := p.ask(t, throughSlack(listedOne, "slack-group:S0614TZR8"), "update_scan", harmless(3))
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Decide(t.Context(), own.ID, yesOf(listedOne))
	wantSaid(t, err, "people may not confirm their own changes here")

	// approvals_required: deletes take two people, and nothing else does
	one, err := p.ask(t, requester(), "delete_scans", deleteBranches(1))
	if err != nil || p.explain(t, one).Because != "policy: approvals_required asks for 2 people for delete_scans" {
		t.Errorf("%v, %+v", err, p.explain(t, one))
	}

	// expires: 15m
	begun := p.now
	late, err := p.ask(t, requester(), "update_scan", harmless(4))
	if err != nil || !late.Expires.Equal(begun.Add(15*time.Minute)) {
		t.Errorf("%v, expires %v after it was asked for, want 15m", err, late.Expires.Sub(begun))
	}
	p.now = begun.Add(15 * time.Minute)
	if _, err := p.Decide(t.Context(), late.ID, yesOf(listedOne)); err == nil {
		t.Error("a yes counted after 15 minutes")
	}

	// max_scans_per_delete: 20, max_addresses_per_scan: 2048
	for _, cap := range []struct{ operation, within, over, says string }{
		{"delete_scans", deleteBranches(20), deleteBranches(21), "20"},
		{"add_scan", add("x", "10.2.0.0-10.2.7.255", "near.example"), add("x", "10.2.0.0-10.2.8.0", "near.example"), "2,048"},
	} {
		if _, err := p.ask(t, requester(), cap.operation, cap.within); err != nil {
			t.Errorf("%s at its cap: %v", cap.operation, err)
		}
		_, err := p.ask(t, requester(), cap.operation, cap.over)
		wantSaid(t, err, cap.says)
	}
}

// TestReadmeSmallPolicy: the configuration further down has approvers who may confirm their own.
func TestReadmeSmallPolicy(t *testing.T) {
	for _, example := range examples(t, "yaml") {
		if !strings.Contains(example, "self_approval: true") {
			continue
		}
		p := keep(t, example)
		own, err := p.ask(t, throughSlack("token:ada"), "update_scan", `{"id":"Branch 1","isActive":false}`)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Decide(t.Context(), own.ID, yesOf("local:ada")); err != nil { // Ada, however she comes in
			t.Errorf("she may not confirm her own: %v", err)
		}
		if _, err := p.ask(t, throughSlack("token:ada"), "delete_scans", deleteBranches(10)); err != nil {
			t.Error(err)
		}
		_, err = p.ask(t, throughSlack("token:ada"), "delete_scans", deleteBranches(11))
		wantSaid(t, err, "10")
		return
	}
	t.Error("the README shows no such configuration any more")
}

// TestReadmeExplains: what the README prints of doctor --explain is what the program prints.
func TestReadmeExplains(t *testing.T) {
	p := keep(t, policyExample(t))
	c, err := p.ask(t, requester(), "delete_scans", deleteBranches(4))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(p.dir, "scanwarden.yaml")
	if err := os.WriteFile(file, []byte(policyExample(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program(t), "doctor", "--explain", c.ID)
	cmd.Env = []string{"SCANWARDEN_STATE_DIR=" + p.dir, "SCANWARDEN_CONFIG=" + file}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got := strings.NewReplacer(c.ID, "01KA...", "TENANT/OBJECT", ".../...", p.dir+"/", "").Replace(string(out))
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "`scanwarden doctor --explain CHANGE` says what decided:\n\n```\n")
	want, _, found := strings.Cut(rest, "```\n")
	if diff := cmp.Diff(want, got); !found || diff != "" {
		t.Errorf("the README's sample (-README +program):\n%s", diff)
	}
}
