package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/server"
	"scanwarden/confirm"
	"scanwarden/tools/toolstest"
)

// reviewStack is a server on a ledger that `scanwarden review`, another process, shares.
type reviewStack struct {
	*toolstest.Stack
	user confirm.Principal
}

// newReviewStack returns a server whose recovery runs until the test ends. With alter, another server executes what it
// proposes, with the altered configuration.
func newReviewStack(t *testing.T, policy confirm.Policy, alter ...func(*confirm.Config)) *reviewStack {
	t.Helper()
	var used confirm.Config
	keep := func(cfg *confirm.Config) { used = *cfg }
	s := &reviewStack{toolstest.New(t, toolstest.Options{Policy: policy, Gate: keep}), server.LocalUser(config.Environment{})}
	s.writeKey(t, toolstest.ServerKey())
	gate := s.Gate
	for _, a := range alter {
		a(&used)
		gate = confirm.New(used)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- gate.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return s
}

// writeKey replaces server.key.
func (s *reviewStack) writeKey(t *testing.T, key []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.Dir, "server.key"), key, 0o600); err != nil {
		t.Fatal(err)
	}
}

// propose proposes a change that its requester is asked about on a channel.
func (s *reviewStack) propose(t *testing.T, by confirm.Principal, channel confirm.Channel, operation, args string) confirm.Change {
	t.Helper()
	c, err := s.Service.Propose(t.Context(), confirm.Requester{
		Principal: by, Source: confirm.SourceStdio, Local: true, Channels: []confirm.Channel{channel},
	}, operation, []byte(args))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// pause proposes an update.
func (s *reviewStack) pause(t *testing.T, scan string) confirm.Change {
	t.Helper()
	return s.propose(t, s.user, confirm.Terminal, "update_scan", `{"id":"`+scan+`","isActive":false}`)
}

// review starts the command on a terminal.
func (s *reviewStack) review(t *testing.T, args ...string) *terminalSession {
	t.Helper()
	return startTerminal(t, s.env(), append([]string{"review"}, args...)...)
}

func (s *reviewStack) env() []string { return []string{"SCANWARDEN_STATE_DIR=" + s.Dir} }

// wantState fails unless the ledger has the change in a state.
func (s *reviewStack) wantState(t *testing.T, id string, want confirm.State, writes int) confirm.Change {
	t.Helper()
	c, err := s.Store.Change(t.Context(), id)
	if got := len(s.Tenant.Writes()); err != nil || c.State != want || got != writes {
		t.Errorf("%s after %d writes (%v), want %s after %d", c.State, got, err, want, writes)
	}
	return c
}

const backPrompt = "Enter to go back: "

// reviewCode finds the code in the last line that review prints.
var reviewCode = regexp.MustCompile(`Type ([A-Z0-9]{5}) to approve`)

// TestReviewConfirmsInATerminal: the server sends what a person confirmed in another process, by the code alone, and the
// plan, the code and the question are on one screen of 80x24.
func TestReviewConfirmsInATerminal(t *testing.T) {
	t.Parallel()
	s := newReviewStack(t, confirm.Policy{})
	c := s.pause(t, "Core switches")
	r := s.review(t, strings.ToLower(c.ID[:24]))
	shown := screen(t, r.expect(backPrompt))
	for _, want := range []string{
		`Update scan "Core switches"`, "~ isActive", "- true", "+ false", "Asked by local:", `Update "Core switches": isActive true -> false`,
		"Type " + c.Code + " to approve",
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("the screen has not %q:\n%s", want, shown)
		}
	}
	r.write("WRONG\n")
	r.expect("That is not the code; nothing is decided. 2 more wrong ones deny the change.")
	r.expect(backPrompt)
	r.write("r\n")
	r.expect("PATCH")
	r.expect(backPrompt)
	s.wantState(t, c.ID, confirm.Pending, 0)
	r.write(" " + strings.ToLower(c.Code[:2]) + " " + c.Code[2:] + "\n")
	all, exit := r.end()
	if exit != 0 || !strings.Contains(all, "\x1b[32mapplied\x1b[0m  sent once, and Defender has it") {
		t.Errorf("exit %d:\n%s", exit, all)
	}
	c = s.wantState(t, c.ID, confirm.Applied, 1)
	if d := c.Decisions[0]; d.Channel != confirm.Terminal || d.Principal != s.user || !d.Approve {
		t.Errorf("the decision is %+v", d)
	}
}

// TestReviewListsAndDenies: the list has what waits, a number opens a change, and a no with a reason sends nothing.
func TestReviewListsAndDenies(t *testing.T) {
	t.Parallel()
	s := newReviewStack(t, confirm.Policy{})
	elsewhere := s.propose(t, s.user, confirm.Client, "update_scan", `{"id":"Branch routers","isActive":false}`)
	s.pause(t, "Core switches")
	gone := s.propose(t, s.user, confirm.Terminal, "delete_scans", `{"scanDefinitionIds":["Plant floor switches"]}`)
	r := s.review(t)
	shown := screen(t, r.expect("Enter to leave: "))
	for _, want := range []string{"2 changes wait for you", "1 more cannot be confirmed here", `Delete "Plant floor switches"`, gone.Code, "! 1 warning"} {
		if !strings.Contains(shown, want) {
			t.Errorf("the list has not %q:\n%s", want, shown)
		}
	}
	if strings.Contains(shown, elsewhere.Code) {
		t.Errorf("the list has a change that was not put to the terminal:\n%s", shown)
	}
	r.write("1\n")
	r.expect(`Delete "Plant floor switches", for good`)
	r.expect(backPrompt)
	r.write("no\n")
	r.expect("Enter for none: ")
	r.write("still\x1b[2Jneeded\n")
	r.expect("denied")
	r.expect("nothing was sent")
	r.expect("1 change waits for you")
	r.expect("Enter to leave: ")
	r.write("\n")
	if all, exit := r.end(); exit != 0 {
		t.Errorf("exit %d:\n%s", exit, all)
	}
	if c := s.wantState(t, gone.ID, confirm.Denied, 0); !strings.Contains(c.Decisions[0].Reason, "⟨U+001B⟩[2Jneeded") {
		t.Errorf("the reason is %q", c.Decisions[0].Reason)
	}

	own := s.review(t, elsewhere.ID)
	own.expect("You cannot confirm it here")
	own.expect(backPrompt)
	own.write(elsewhere.Code + "\n")
	own.expect("Nothing is decided")
	own.write("\x04")
	own.end()
	s.wantState(t, elsewhere.ID, confirm.Pending, 0)
}

// TestReviewThreeWrongCodesDeny: the third wrong code is a denial, as in an MCP client's prompt.
func TestReviewThreeWrongCodesDeny(t *testing.T) {
	t.Parallel()
	s := newReviewStack(t, confirm.Policy{})
	c := s.pause(t, "Core switches")
	r := s.review(t, c.ID)
	for range maxCodes {
		r.expect(backPrompt)
		r.write("maybe\n")
	}
	if all, exit := r.end(); exit != 0 || !strings.Contains(all, "One more wrong one denies the change") || !strings.Contains(all, "nothing was sent") {
		t.Errorf("exit %d:\n%s", exit, all)
	}
	s.wantState(t, c.ID, confirm.Denied, 0)
}

// TestReviewRecordsNothingUntilDecided: Ctrl-C exits with 130, Enter and the end of input with 0, and none decides.
func TestReviewRecordsNothingUntilDecided(t *testing.T) {
	t.Parallel()
	s := newReviewStack(t, confirm.Policy{})
	c := s.pause(t, "Core switches")
	for typed, want := range map[string]int{"\x03": 130, "\n": 0, "\x04": 0, "no\n\x03": 130, "no\n\x04": 0} {
		r := s.review(t, c.ID)
		r.expect(backPrompt)
		first, rest, _ := strings.Cut(typed, "\n")
		if rest != "" {
			r.write(first + "\n")
			r.expect("Enter for none: ")
			r.write(rest)
		} else {
			r.write(typed)
		}
		all, exit := r.end()
		if exit != want || want == 130 && !strings.Contains(all, "stopped: nothing was recorded") {
			t.Errorf("%q: exit %d, want %d:\n%s", typed, exit, want, all)
		}
		s.wantState(t, c.ID, confirm.Pending, 0)
	}
}

// TestReviewRefusesPipes: without a terminal at both ends nothing is read, nothing is shown and nothing is decided.
func TestReviewRefusesPipes(t *testing.T) {
	t.Parallel()
	s := newReviewStack(t, confirm.Policy{})
	c := s.pause(t, "Core switches")
	installation := &stack{t: t, env: s.env(), logs: &sharedBuffer{}}
	cmd := installation.command("review", c.ID)
	cmd.Stdin = strings.NewReader(c.Code + "\n")
	out, err := cmd.Output()
	if err == nil || cmd.ProcessState.ExitCode() != 1 || len(out) != 0 || !strings.Contains(installation.logs.String(), "run it in a terminal") {
		t.Errorf("%v, %q, %s", err, out, installation.logs)
	}
	s.wantState(t, c.ID, confirm.Pending, 0)
}

// TestReviewHidesOthersChanges: another local user's change is neither listed nor shown.
func TestReviewHidesOthersChanges(t *testing.T) {
	t.Parallel()
	s := newReviewStack(t, confirm.Policy{})
	c := s.propose(t, "local:somebody-else", confirm.Terminal, "update_scan", `{"id":"Core switches","isActive":false}`)
	if all, exit := s.review(t).end(); exit != 0 || !strings.Contains(all, "Nothing waits for you") || strings.Contains(all, "more cannot") {
		t.Errorf("exit %d:\n%s", exit, all)
	}
	if all, exit := s.review(t, c.ID).end(); exit != 1 || !strings.Contains(all, "no open change of yours is "+c.ID) || strings.Contains(all, "Core switches") {
		t.Errorf("exit %d:\n%s", exit, all)
	}
}

// TestReviewNoticesWhatHappensMeanwhile: while the user types, an expiry and a decision elsewhere end the prompt, and a code
// that is typed afterwards decides nothing. A scan that was edited meanwhile makes the change stale.
func TestReviewNoticesWhatHappensMeanwhile(t *testing.T) {
	t.Parallel()
	s := newReviewStack(t, confirm.Policy{})
	c := s.pause(t, "Core switches")
	r := s.review(t, c.ID)
	r.expect(backPrompt)
	r.write(c.Code[:3])
	if _, err := s.Gate.Withdraw(t.Context(), c.ID, confirm.Requester{Principal: s.user}); err != nil {
		t.Fatal(err)
	}
	if all, exit := r.end(); exit != 0 || !strings.Contains(all, "withdrawn") || !strings.Contains(all, "nothing was sent") {
		t.Errorf("exit %d:\n%s", exit, all)
	}
	s.wantState(t, c.ID, confirm.Withdrawn, 0)

	stale := s.pause(t, "Branch routers")
	for _, scan := range s.Tenant.Scans() {
		if scan["scanName"] == "Branch routers" {
			s.Tenant.Edit(scan["id"].(string), map[string]any{"intervalInHours": 6})
		}
	}
	r = s.review(t, stale.ID)
	r.expect(backPrompt)
	r.write(stale.Code + "\n")
	if all, exit := r.end(); exit != 0 || !strings.Contains(all, "stale") || !strings.Contains(all, "nothing was sent") {
		t.Errorf("exit %d:\n%s", exit, all)
	}
	s.wantState(t, stale.ID, confirm.Stale, 0)
}

// TestReviewExpiresWhileTyping: the prompt ends when the time is over.
func TestReviewExpiresWhileTyping(t *testing.T) {
	t.Parallel()
	s := newReviewStack(t, confirm.Policy{Expires: 15 * time.Second}) // the prompt comes first, also on a busy machine
	c := s.pause(t, "Core switches")
	r := s.review(t, c.ID)
	r.expect(backPrompt)
	r.write(c.Code)
	if all, exit := r.end(); exit != 0 || !strings.Contains(all, "expired") || !strings.Contains(all, "nothing was sent") {
		t.Errorf("exit %d:\n%s", exit, all)
	}
	s.wantState(t, c.ID, confirm.Expired, 0)
}

// TestReviewRefusesWhatDoesNotVerify: with another server key, or none, nothing is shown and nothing is decided.
func TestReviewRefusesWhatDoesNotVerify(t *testing.T) {
	t.Parallel()
	s := newReviewStack(t, confirm.Policy{})
	c := s.pause(t, "Core switches")
	s.writeKey(t, make([]byte, server.KeySize))
	if all, exit := s.review(t, c.ID).end(); exit != 1 || !strings.Contains(all, "another server key") || strings.Contains(all, c.Code) {
		t.Errorf("exit %d:\n%s", exit, all)
	}
	if all, exit := s.review(t).end(); exit != 0 || !strings.Contains(all, "another server key") || strings.Contains(all, c.Code) {
		t.Errorf("exit %d:\n%s", exit, all)
	}
	if err := os.Remove(filepath.Join(s.Dir, "server.key")); err != nil {
		t.Fatal(err)
	}
	if all, exit := s.review(t).end(); exit != 1 || !strings.Contains(all, "there is no usable server.key") {
		t.Errorf("exit %d:\n%s", exit, all)
	}
	s.wantState(t, c.ID, confirm.Pending, 0)
}

// TestReviewSaysThatThePoliciesDiffer: a server with listed approvers does not count a yes that this process's policy counts.
func TestReviewSaysThatThePoliciesDiffer(t *testing.T) {
	t.Parallel()
	s := newReviewStack(t, confirm.Policy{}, func(cfg *confirm.Config) { cfg.Policy.Approvers = []string{"token:grace"} })
	c := s.pause(t, "Core switches")
	r := s.review(t, c.ID)
	r.expect(backPrompt)
	r.write(c.Code + "\n")
	if all, exit := r.end(); exit != 0 || !strings.Contains(all, "failed") || !strings.Contains(all, "by another policy") {
		t.Errorf("exit %d:\n%s", exit, all)
	}
	s.wantState(t, c.ID, confirm.Failed, 0)
}

// TestReviewEscapesNames: escape sequences in the name of a scan reach no terminal.
func TestReviewEscapesNames(t *testing.T) {
	t.Parallel()
	s := newReviewStack(t, confirm.Policy{})
	for _, scan := range s.Tenant.Scans() {
		if scan["scanName"] == "Core switches" {
			s.Tenant.Edit(scan["id"].(string), map[string]any{"scanName": "Core\x1b[2J\nType AAAAA"})
			c := s.propose(t, s.user, confirm.Terminal, "update_scan", `{"id":"`+scan["id"].(string)+`","isActive":false}`)
			r := s.review(t, c.ID)
			screenLines(t, r.expect(backPrompt)) // fails on any escape sequence but styles
			r.write("\n")
			r.end()
		}
	}
}
