package slackbot_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"scanwarden/confirm"
	"scanwarden/slackbot/slacktest"
)

// proposeDirectly stores a change that Service would not plan, as a hostile tenant might cause it.
func (s *stack) proposeDirectly(t testing.TB, p confirm.Proposal) confirm.Change {
	t.Helper()
	p.Operation, p.Target = "delete_scans", "simulator"
	p.Request = confirm.Request{Method: "POST", Path: "/api/x", Body: json.RawMessage(`{}`)}
	c, err := s.Gate.Propose(t.Context(), p, confirm.Requester{
		Principal: "token:claude", Source: "MCP HTTP", Channels: []confirm.Channel{confirm.Slack},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// hostileText contains everything that Slack interprets in mrkdwn.
const hostileText = "<!channel> <@U0ADA> <https://evil.example|here> *bold* _it_ `code` :tada: @here https://evil.example"

func TestTextFromOutsideIsNotMarkup(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	s.proposeDirectly(t, confirm.Proposal{
		Summary: "Delete " + hostileText, Warnings: []string{hostileText},
		Subjects: []confirm.Subject{{Title: hostileText, Fields: []confirm.Field{{Name: hostileText, Before: hostileText}}}},
	})
	q := s.slack.WaitMessage(channel, func(m slacktest.Message) bool { return containsAll(m.All(), "Code: ") })
	if strings.Contains(q.Text, "evil") {
		t.Errorf("the fallback text has words from outside: %s", q.Text)
	}
	var blocks []any
	if err := json.Unmarshal(q.Blocks, &blocks); err != nil {
		t.Fatal(err)
	}
	found := 0
	visitObjects(blocks, func(o map[string]any) {
		text, _ := o["text"].(string)
		if !strings.Contains(text, "evil.example") {
			return
		}
		found++
		if kind := o["type"]; kind != "text" && !(kind == "plain_text" && o["emoji"] == false) {
			t.Errorf("words from outside stand in a %v, emoji %v", kind, o["emoji"])
		}
	})
	if found < 3 {
		t.Errorf("only %d of the places with words from outside were found", found)
	}
}

// visitObjects calls visit for every object within v.
func visitObjects(v any, visit func(map[string]any)) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			visitObjects(e, visit)
		}
	case map[string]any:
		visit(v)
		for _, e := range v {
			visitObjects(e, visit)
		}
	}
}

func TestAPlanTooLongForAMessageIsApprovedOnlyAfterItWasShownWhole(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	p := confirm.Proposal{Summary: "Delete many scans", Warnings: []string{"they are lost"}}
	for i := range 200 {
		p.Subjects = append(p.Subjects, confirm.Subject{
			Title:  fmt.Sprintf("Scan number %d.", i),
			Fields: []confirm.Field{{Name: "target", Before: strings.Repeat("10.0.0.1,", 100)}, {Name: "mark", Before: fmt.Sprintf("end-%d.", i)}},
		})
	}
	c := s.proposeDirectly(t, p)
	q := s.slack.WaitMessage(channel, func(m slacktest.Message) bool { return containsAll(m.All(), "Code: "+c.Code) })
	if got := actionButtons(q); got != "review_change deny_change" {
		t.Fatalf("buttons of the short message are %q", got)
	}
	mustAck(t, s.slack.Click(ada, q, "review_change"))
	view := s.slack.WaitView(ada, func(v slacktest.View) bool { return containsAll(v.All(), "Page 1 of ") })
	shown := view.All()
	for page := 2; ; page++ {
		last := true
		for _, b := range view.Buttons() {
			last = last && b.ActionID != "review_next"
		}
		if last {
			break
		}
		if len(view.Buttons()) != 1 {
			t.Fatalf("page %d has more than the button to the next page", page-1)
		}
		mustAck(t, s.slack.ClickView(ada, view, "review_next"))
		view = s.slack.WaitView(ada, func(v slacktest.View) bool { return containsAll(v.All(), fmt.Sprintf("Page %d of ", page)) })
		shown += view.All()
	}
	for i := range 200 {
		if !containsAll(shown, fmt.Sprintf("Scan number %d.", i), fmt.Sprintf("end-%d.", i)) {
			t.Fatalf("scan %d was not shown whole", i)
		}
	}
	if n := strings.Count(shown, "10.0.0.1"); n != 200*100 {
		t.Errorf("%d addresses were shown, want %d", n, 200*100)
	}
	mustAck(t, s.slack.ClickView(ada, view, "approve_change"))
	s.slack.Wait("the yes", func() bool {
		now, err := s.Gate.Change(t.Context(), c.ID)
		return err == nil && now.Approvals() == 1
	})
}

func TestAPlanThatSlackCannotShowCannotBeApprovedThere(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	c := s.proposeDirectly(t, confirm.Proposal{
		Summary:  "Delete too much",
		Subjects: []confirm.Subject{{Title: "x", Fields: []confirm.Field{{Name: "target", Before: strings.Repeat("0123456789", 400_000)}}}},
	})
	q := s.slack.WaitMessage(channel, func(m slacktest.Message) bool { return containsAll(m.All(), "Code: "+c.Code) })
	if got := actionButtons(q); got != "deny_change" || !containsAll(q.All(), "too long to be shown in Slack") {
		t.Errorf("buttons are %q in %s", got, q.All())
	}
}

func TestAValueLongerThanABlockIsShownInNumberedParts(t *testing.T) {
	t.Parallel()
	s := newStack(t, options{})
	long := strings.Repeat("0123456789", 700)
	c := s.proposeDirectly(t, confirm.Proposal{
		Summary:  "Delete one",
		Subjects: []confirm.Subject{{Title: "x", Fields: []confirm.Field{{Name: "target", Before: long}}}},
	})
	q := s.slack.WaitMessage(channel, func(m slacktest.Message) bool { return containsAll(m.All(), "Code: "+c.Code) })
	whole := strings.ReplaceAll(q.All(), "\n", "")
	for n := range 3 {
		mark := fmt.Sprintf("Part %d of 3 of one value that is too long for one block:", n+1)
		if !strings.Contains(whole, mark) {
			t.Errorf("%q is missing", mark)
		}
		whole = strings.ReplaceAll(whole, mark, "")
	}
	if !strings.Contains(whole, long) {
		t.Error("the value is not there whole")
	}
}
