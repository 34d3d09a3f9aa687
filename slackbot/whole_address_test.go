package slackbot_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"scanwarden/confirm"
	"scanwarden/slackbot/slacktest"
)

// addressList returns n addresses of 14 characters or fewer, joined with commas, and the set of them.
func addressList(n int) (list string, known map[string]bool) {
	known = map[string]bool{}
	var all []string
	for i := range n {
		address := fmt.Sprintf("172.20.%d.%d", 100+i/250, 1+i%250)
		all, known[address] = append(all, address), true
	}
	return strings.Join(all, ","), known
}

// A word of digits and dots in an address list: an address, or a fragment of one.
var reAddressWord = regexp.MustCompile(`\d*(?:\.\d*){1,3}`)

// wantWholeAddresses fails if a text object in blocks contains a fragment of an address. It returns how many whole ones there
// are.
func wantWholeAddresses(t *testing.T, where string, blocks json.RawMessage, known map[string]bool) (n int) {
	t.Helper()
	var content []any
	if err := json.Unmarshal(blocks, &content); err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	visitObjects(content, func(o map[string]any) {
		text, _ := o["text"].(string)
		text = strings.ReplaceAll(text, "scanner-1.example.com", "")
		if !strings.Contains(text, "172.20.") && !strings.Contains(text, "(deleted)") {
			return
		}
		for _, word := range reAddressWord.FindAllString(text, -1) {
			if known[word] {
				n++
			} else if strings.Trim(word, ".") != "" {
				t.Errorf("%s: a text contains %q, which is no address: …%q", where, word, text[max(0, len(text)-60):])
			}
		}
	})
	return n
}

func TestNoAddressIsCutAnywhereInSlack(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	list, known := addressList(1500)
	id := s.Tenant.AddScan(map[string]any{
		"scanType": "Network", "scanName": "Wide", "isActive": true, "target": list, "intervalInHours": 4,
		"targetType": "Ip", "scannerAgent": map[string]any{"machineId": s.Scanner},
	})
	p := confirm.Proposal{
		Operation: "delete_scans", Target: "simulator", Summary: "Delete the scan of " + list, Warnings: []string{"lost: " + list},
		Request:  confirm.Request{Method: "POST", Path: "/api/x", Body: json.RawMessage(`{}`)},
		Subjects: []confirm.Subject{{Title: "Wide", Fields: []confirm.Field{{Name: "target", Before: list}, {Name: "id", Before: id}}}},
	}
	asker := confirm.Requester{Principal: slackOf(bob), Source: confirm.SourceSlack, Channels: []confirm.Channel{confirm.Slack}}
	c, err := s.Gate.Propose(t.Context(), p, asker)
	if err != nil {
		t.Fatal(err)
	}
	q := s.slack.WaitMessage(channel, func(m slacktest.Message) bool { return containsAll(m.All(), "Code: "+c.Code) })
	wantWholeAddresses(t, "message", q.Blocks, known)

	mustAck(t, s.slack.Click(ada, q, "review_change"))
	view := s.slack.WaitView(ada, func(v slacktest.View) bool { return containsAll(v.All(), "approve") || len(v.Buttons()) > 0 })
	if n := wantWholeAddresses(t, "review", view.Blocks, known); n != 2*len(known) {
		t.Errorf("%d addresses are shown in the review, want %d", n, 2*len(known))
	}
	mustAck(t, s.slack.OpenHome(ada))
	home := s.slack.WaitHome(ada, func(v slacktest.View) bool { return containsAll(v.All(), c.Code) })
	if wantWholeAddresses(t, "home", home.Blocks, known) == 0 {
		t.Error("home shows no address")
	}
	mustAck(t, s.slack.Command(bob, channel, "/scans", "changes"))
	mine := s.waitReply(t, bob, c.Code, "Until ")
	wantWholeAddresses(t, "/scans changes", mine.Blocks, known)
	mustAck(t, s.slack.Command(bob, channel, "/scans", ""))
	scans := s.waitReply(t, bob, "Wide", "target 172.")
	wantWholeAddresses(t, "/scans", scans.Blocks, known)

	mustAck(t, s.slack.Command(mallory, channel, "/update_scan", ""))
	picker := s.slack.WaitView(mallory, func(v slacktest.View) bool { return len(v.Inputs()) == 1 })
	wantWholeAddresses(t, "options", picker.Blocks, known)

	mustAck(t, s.slack.Click(eve, q, "deny_change"))
	modal := s.slack.WaitView(eve, func(v slacktest.View) bool { return v.CallbackID == "deny_change" })
	wantWholeAddresses(t, "deny modal", modal.Blocks, known)
	mustAck(t, s.slack.Submit(eve, modal, map[string]any{"reason": "no"}))
	outcome := s.slack.WaitMessage(channel, func(m slacktest.Message) bool { return m.ThreadTS == q.TS })
	wantWholeAddresses(t, "thread", outcome.Blocks, known)
}
