package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/server"
	"scanwarden/cmd/scanwarden/internal/terminal"
	"scanwarden/confirm"
)

// TestReviewWrapsAndNeedsNoColor: at 80 and 66 columns no line is longer than the terminal except the question, which the
// person types behind, and with NO_COLOR nothing but text is printed.
func TestReviewWrapsAndNeedsNoColor(t *testing.T) {
	t.Parallel()
	s := newReviewStack(t, confirm.Policy{})
	s.propose(t, s.user, confirm.Terminal, "delete_scans", `{"scanDefinitionIds":["Core switches","Branch routers"]}`)
	c := s.pause(t, "Finance servers")
	for _, width := range []uint16{80, 66} {
		env := append(s.env(), "NO_COLOR=1")
		list := startTerminalOfWidth(t, width, env, "review")
		shown := list.expect("Enter to leave: ")
		list.write("\n")
		one := startTerminalOfWidth(t, width, env, "review", c.ID)
		shown += one.expect(backPrompt)
		one.write("\n")
		for _, r := range []*terminalSession{list, one} {
			if all, exit := r.end(); exit != 0 || strings.Contains(all, "\x1b") {
				t.Errorf("%d columns: exit %d, or styles in spite of NO_COLOR:\n%q", width, exit, all)
			}
		}
		for line := range strings.SplitSeq(strings.ReplaceAll(shown, "\r\n", "\n"), "\n") {
			if terminal.Width(line) > int(width) && !strings.HasPrefix(line, "Type "+c.Code) {
				t.Errorf("%d columns: a line of %d:\n%s", width, terminal.Width(line), line)
			}
		}
	}
}

// TestReviewIsOneOfTwoApprovals: the code in a terminal is one approval, nothing is sent before another person's, and the
// terminal shows how many are there.
func TestReviewIsOneOfTwoApprovals(t *testing.T) {
	t.Parallel()
	user := server.LocalUser(config.Environment{})
	s := newReviewStack(t, confirm.Policy{
		Approvers: []string{string(user), "token:grace"}, Required: map[string]int{"delete_scans": 2},
	})
	c, err := s.Service.Propose(t.Context(), confirm.Requester{
		Principal: "token:ada", Source: confirm.SourceHTTP, Channels: []confirm.Channel{confirm.Terminal, confirm.WebPage},
	}, "delete_scans", []byte(`{"scanDefinitionIds":["Core switches"]}`))
	if err != nil {
		t.Fatal(err)
	}
	env := append(s.env(), "SCANWARDEN_APPROVERS="+string(user)+",token:grace", "SCANWARDEN_APPROVALS_REQUIRED=delete_scans=2")
	r := startTerminal(t, env, "review", c.ID)
	r.expect("0 of 2")
	r.expect(backPrompt)
	r.write(c.Code + "\n")
	if all, exit := r.end(); exit != 0 || !strings.Contains(all, "by you: 1 of 2 approvals; nothing is sent before the others") {
		t.Errorf("exit %d:\n%s", exit, all)
	}
	s.wantState(t, c.ID, confirm.Pending, 0)
	again := startTerminal(t, env, "review", c.ID)
	again.expect("1 of 2")
	again.expect(backPrompt)
	if _, err := s.Gate.Decide(t.Context(), c.ID, confirm.Vote{Principal: "token:grace", Approve: true, Channel: confirm.WebPage}); err != nil {
		t.Fatal(err)
	}
	if all, exit := again.end(); exit != 0 || !strings.Contains(all, "applied") {
		t.Errorf("exit %d:\n%s", exit, all)
	}
	s.wantState(t, c.ID, confirm.Applied, 1)
}

// TestReviewOfALargeDelete: of 500 scans each has a line, and the code stands last.
func TestReviewOfALargeDelete(t *testing.T) {
	t.Parallel()
	s := newReviewStack(t, confirm.Policy{MaxScansPerDelete: 500})
	var ids []string
	for i := range 500 {
		ids = append(ids, s.Tenant.AddScan(map[string]any{"scanName": fmt.Sprintf("Lab %03d", i), "scanType": "Network", "target": fmt.Sprintf("10.1.%d.%d", i/200, i%200+1)}))
	}
	args, err := json.Marshal(map[string]any{"scanDefinitionIds": ids})
	if err != nil {
		t.Fatal(err)
	}
	c := s.propose(t, s.user, confirm.Terminal, "delete_scans", string(args))
	r := s.review(t, c.ID)
	all := r.expect(backPrompt)
	for i, id := range ids {
		if !strings.Contains(all, fmt.Sprintf("Lab %03d", i)) || !strings.Contains(all, id) {
			t.Errorf("scan %d is not shown", i)
		}
	}
	if shown := screen(t, all); !strings.Contains(shown, "Delete 500 scans, for good") || !strings.Contains(shown, "Type "+c.Code+" to approve") {
		t.Errorf("the last screen has not the sentence and the code:\n%s", shown)
	}
	r.write("\n")
	r.end()
	s.wantState(t, c.ID, confirm.Pending, 0)
}
