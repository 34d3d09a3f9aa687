package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"scanwarden/defender/defendertest"
	"scanwarden/tools"
	"scanwarden/tools/mcpserver"
)

// walkthrough leads a user through an add, an update and a delete.
type walkthrough struct {
	*printer
	ctx     context.Context
	answers <-chan string // lines of input; closed at its end
	echo    bool          // input is not a terminal: print what was read
	tenant  *defendertest.Server
	added   bool // whether newScan is there
	applied int
}

// newScan is the name of the scan that the tour adds.
const newScan = "Branch switches"

// step is one call that an assistant could make.
type step struct {
	tool    string
	request string // what a person might have asked the assistant
	args    map[string]any
}

// run makes the calls and shows their outcomes. It returns an error if Defender received a write that the user did not
// confirm.
func (t *walkthrough) run(session *mcpserver.Client) error {
	t.introduce()
	for _, next := range []func() step{t.add, t.update, t.delete} {
		s := next()
		t.stepHeading(s)
		result, err := session.Call(t.ctx, s.tool, s.args)
		if t.ctx.Err() != nil {
			t.lines("", "Stopped. Nothing was kept.")
			return nil
		}
		if err != nil {
			return err
		}
		t.outcome(s, result)
	}
	if writes := len(t.tenant.Writes()); writes != t.applied {
		return fmt.Errorf("the tenant received %d writes for %d applied changes; please report this as a bug", writes, t.applied)
	}
	t.summarize()
	return nil
}

// introduce prints what the tour is.
func (t *walkthrough) introduce() {
	t.title("scanwarden try")
	t.lines("A guided run against a simulated Defender tenant. Nothing leaves this machine, nothing is kept.",
		"An MCP client plays the assistant. It can only propose; you decide.")
}

// add returns the call that adds a scan.
func (t *walkthrough) add() step {
	return step{
		tool:    "add_scan",
		request: "Scan the new branch switches every eight hours, SNMP credentials from our vault.",
		args: map[string]any{
			"scanType": "Network", "scanName": newScan, "isActive": true,
			"target": "192.0.2.32,192.0.2.33,192.0.2.40", "targetType": "Ip", "intervalInHours": 8,
			"scannerAgent": map[string]any{"machineId": "scan-branch-02.contoso.example"},
			"scanAuthenticationParams": map[string]any{
				"type": "AuthPriv", "keyVaultUrl": "https://contoso-snmp.vault.azure.net/", "keyVaultSecretName": "branch-snmp",
			},
		},
	}
}

// update returns the call that changes the interval of a scan.
func (t *walkthrough) update() step {
	scan := t.scanFrom("Core switches")
	return step{
		tool:    "update_scan",
		request: "Once a day is enough for the " + strings.ToLower(scan) + ".",
		args:    map[string]any{"id": scan, "intervalInHours": 24},
	}
}

// delete returns the call that deletes a scan.
func (t *walkthrough) delete() step {
	scan := t.scanFrom("Plant floor switches")
	return step{
		tool:    "delete_scans",
		request: "We no longer need to scan the " + strings.ToLower(scan) + ".",
		args:    map[string]any{"scanDefinitionIds": []string{scan}},
	}
}

// scanFrom returns the scan that this tour added or, if the user denied that, one of the simulated tenant.
func (t *walkthrough) scanFrom(seeded string) string {
	if t.added {
		return newScan
	}
	return seeded
}

// ask shows the prompt as an MCP client would, and returns the code if the user confirms.
func (t *walkthrough) ask(message string) (code string, ok bool) {
	plan, code := splitPrompt(message)
	t.indented(plan)
	fmt.Fprint(t.out, "\nApply this change? [y/N] ")
	var answer string
	var more bool
	select {
	case answer, more = <-t.answers:
	case <-t.ctx.Done():
	}
	if t.echo || !more {
		fmt.Fprintln(t.out, answer)
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return "", false
	}
	t.lines("(Your MCP client would now have you type the code " + code + ", which the assistant never sees.)")
	return code, true
}

// splitPrompt returns the plan and the code of a prompt. Its last line is "To apply this change, type: CODE".
func splitPrompt(message string) (plan, code string) {
	message = strings.TrimRight(message, "\n")
	cut := strings.LastIndexByte(message, '\n') + 1
	_, code, _ = strings.Cut(message[cut:], "type: ")
	return strings.TrimRight(message[:cut], "\n"), strings.TrimSpace(code)
}

// outcome prints how a call ended, and counts applied changes.
func (t *walkthrough) outcome(s step, r tools.Result) {
	t.toolStatus(s.tool, r.Status)
	if r.Status == "applied" {
		t.applied++
		t.added = t.added || s.tool == "add_scan"
		return
	}
	t.lines(r.Reason)
	t.lines(r.Next)
}

// summarize prints what the tenant holds now and what to do next.
func (t *walkthrough) summarize() {
	t.title("What the simulated tenant holds now")
	for _, scan := range t.tenant.Scans() {
		fmt.Fprintf(t.out, "  %v: %v, every %v h\n", scan["scanName"], scan["target"], scan["intervalInHours"])
	}
	t.lines("", fmt.Sprintf("Writes that reached it: %d, exactly those that you confirmed.", t.applied))
	t.title("What to do next")
	t.lines(
		"Build it:                 go build ./cmd/scanwarden",
		"Add it to an MCP client:  claude mcp add scanwarden -- $PWD/scanwarden stdio --simulator",
		"Any other client:         command scanwarden, arguments stdio --simulator",
		"Your own tenant:          README.md, \"With your tenant\"; scanwarden doctor checks what you set",
		"All the rest:             README.md, or scanwarden --help")
}

// readLines returns a channel of the lines of in, until in or ctx ends. Its goroutine may stay in a read until the
// process ends, because a read from a terminal cannot be canceled.
func readLines(ctx context.Context, in io.Reader) <-chan string {
	read := make(chan string)
	go func() {
		defer close(read)
		for scanner := bufio.NewScanner(in); scanner.Scan(); {
			select {
			case read <- scanner.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return read
}
