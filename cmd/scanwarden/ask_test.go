package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// typedScan is a new scan whose credential the approver types.
func typedScan(t *testing.T) map[string]any {
	t.Helper()
	scan := documentedScan(t, "add.json")
	scan["credential"] = "ask"
	scan["scanAuthenticationParams"] = map[string]any{"type": "AuthPriv", "username": "scanner", "authProtocol": "SHA1", "privProtocol": "AES"}
	return scan
}

// TestACredentialIsTypedOnThePage: with credential "ask" the local user types the secrets on the page, also where the client
// could show a prompt. They reach Defender once, in their fields, and are in no answer, no log and no file.
func TestACredentialIsTypedOnThePage(t *testing.T) {
	t.Parallel()
	for name, prompt := range map[string]promptHandler{"a client without prompts": nil, "a client with prompts": answerWith("decline", nil)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const canary = "canary-77aa-typed"
			s := newStack(t)
			u := newPageUser(t, s)
			transport, _ := overStdio(t, s)
			c := connectClient(t, transport, "modern", prompt)
			call := callAside(t, c, "add_scan", typedScan(t))
			page := u.look()
			if n := strings.Count(page, `type="password"`); n != 2 || !strings.Contains(page, "typed by the approver on the page") {
				t.Errorf("the page has %d masked inputs:\n%s", n, page)
			}
			if status, text := u.send(page, "decision", "approve", "authPassword", canary+"-auth"); status != http.StatusUnprocessableEntity || !strings.Contains(text, "type privPassword") || strings.Contains(text, canary) {
				t.Errorf("with one of two secrets the approval has status %d:\n%s", status, text)
			}
			_, after := u.send(page, "decision", "approve", "authPassword", canary+"-auth", "privPassword", canary+"-priv")
			answer, _ := json.Marshal(wantEnd(t, call, "applied"))
			writes := writesOf(s)
			if len(writes) != 1 || !strings.Contains(writes[0].Body, `"authPassword":"`+canary+`-auth","privProtocol":"AES","privPassword":"`+canary+`-priv"`) {
				t.Errorf("written: %+v", writes)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			for where, text := range map[string]string{"the page": after, "the answer": string(answer), "the log": s.logs.String()} {
				if strings.Contains(text, canary) {
					t.Errorf("%s has what was typed:\n%s", where, text)
				}
			}
			wantNoFileWith(t, s.state, canary)
		})
	}
}

// TestACredentialNeedsThePage: where the page is not among the channels, the call is refused by name of the page and the
// setting, and no person is asked.
func TestACredentialNeedsThePage(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.env = append(s.env, "SCANWARDEN_CONFIRM_WITH=client,terminal")
	transport, _ := overStdio(t, s)
	c := connectClient(t, transport, "modern", func(string) *mcp.ElicitResult {
		t.Error("the client was asked")
		return &mcp.ElicitResult{Action: "decline"}
	})
	r := callTool(t, c, "add_scan", typedScan(t))
	if r.Status != "refused" || !strings.Contains(r.Reason+r.Next, "confirmation page") || !strings.Contains(r.Reason+r.Next, "SCANWARDEN_CONFIRM_WITH") {
		t.Errorf("the answer is %+v", r)
	}
}
