package slackbot_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"scanwarden/slackbot/slacktest"
)

// dialog is the dialog of an Approve button.
type dialog struct{ title, text, confirm, style string }

// approveDialog returns the dialog that Slack shows before it sends a click on Approve. ok is false if there is none.
func approveDialog(t *testing.T, m slacktest.Message) (d dialog, ok bool) {
	t.Helper()
	var content []any
	if err := json.Unmarshal(m.Blocks, &content); err != nil {
		t.Fatal(err)
	}
	textIn := func(o any) string { text, _ := o.(map[string]any)["text"].(string); return text }
	visitObjects(content, func(o map[string]any) {
		if c, has := o["confirm"].(map[string]any); has && o["action_id"] == "approve_change" {
			style, _ := c["style"].(string)
			d, ok = dialog{textIn(c["title"]), textIn(c["text"]), textIn(c["confirm"]), style}, true
		}
	})
	return d, ok
}

// Defender never shows a stored credential again: whoever replaces it is warned once more, and the dialog names the scan.
func TestReplacingAStoredCredentialAsksAgain(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	id := s.addScan("Core switches")
	q := s.propose(t, bob, "/update_scan", id+keyVault)
	d, ok := approveDialog(t, q)
	c := s.change(t, q)
	if !ok || d.title != "Replace the stored credential?" || d.confirm != "Replace it" || d.style != "danger" ||
		!containsAll(d.text, c.Code, `"Core switches"`, "Nothing brings it back") {
		t.Errorf("the dialog is %+v", d)
	}
	if b := q.Buttons()[0]; b.Style != "danger" {
		t.Errorf("the button is %+v", b)
	}
	mustAck(t, s.slack.Click(ada, q, "approve_change"))
	s.waitUpdate(t, q, "Applied")
	q = s.propose(t, bob, "/update_scan", id+" intervalInHours=24")
	if d, ok := approveDialog(t, q); ok {
		t.Errorf("a change that keeps the credential has the dialog %+v", d)
	}
}

// Slack refuses a message whose dialog is longer than its limits. The fake Slack has the same limits.
func TestADialogFitsHoweverLongTheNamesAre(t *testing.T) {
	t.Parallel()
	for name, long := range map[string]string{
		"words": strings.TrimSpace(strings.Repeat("long name ", 20)), "one word": strings.Repeat("x", 200), "emoji": strings.Repeat("😀", 100),
		"marks": strings.Repeat(`"\`, 60), "look-alikes": strings.Repeat("\u201d", 60),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, options{})
			var ids []string
			for i := range 4 {
				ids = append(ids, s.addScan(fmt.Sprintf("%d %s", i, long)))
			}
			for _, ask := range []struct{ command, text, want string }{
				{"/update_scan", ids[3] + keyVault, "Nothing brings it back."}, {"/delete_scans", ids[0], "Nothing brings them back."},
				{"/delete_scans", ids[1] + " " + ids[2], "Nothing brings them back."},
			} {
				q := s.propose(t, bob, ask.command, ask.text)
				if d, ok := approveDialog(t, q); !ok || !strings.HasSuffix(d.text, ask.want) {
					t.Errorf("%s: the dialog is %+v", ask.command, d)
				}
			}
		})
	}
}
