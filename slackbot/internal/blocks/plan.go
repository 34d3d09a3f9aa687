package blocks

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
)

const (
	// MaxMessageBlocks bounds a message; Slack takes 50 blocks.
	MaxMessageBlocks = 46
	// MaxMessageBytes bounds the JSON of a message's blocks. Slack's own bound is not documented and is higher.
	MaxMessageBytes = 13_000

	maxPageBlocks = 90     // in a modal; Slack takes 100
	maxPageBytes  = 90_000 // of a modal's blocks
	maxPages      = 30     // a plan with more is not read to its end
)

// Plan returns everything that an approver must see before a decision: summary, warnings, requester, each scan with
// all its fields, and the terms. Nothing is cut.
func Plan(c confirm.Change) []slack.Block {
	blocks := TextSections(c.Summary)
	for _, w := range c.Warnings {
		blocks = append(blocks, TextSections("WARNING: "+w)...)
	}
	blocks = append(blocks, Requester(c))
	for _, s := range c.Subjects {
		blocks = append(blocks, CodeBlocks(subjectText(s))...)
	}
	return append(blocks, Terms(c)...)
}

// Requester returns the line that names the requester and the source of a change.
func Requester(c confirm.Change) slack.Block {
	return MentionLine("Asked by ", Mention(string(c.Requester)), " through "+c.Source)
}

// Terms returns what a decision depends on besides the plan: tenant, approvals needed, code and expiry.
func Terms(c confirm.Change) []slack.Block {
	text := "Tenant: " + c.Target
	if c.Needed > 1 {
		text += fmt.Sprintf("\nNeeds the yes of %d people", c.Needed)
	}
	return TextSections(text + "\nCode: " + c.Code + "\nExpires: " + FormatTime(c.Expires))
}

// FormatTime returns t in UTC, to the minute.
func FormatTime(t time.Time) string { return t.UTC().Format("15:04 UTC on 2006-01-02") }

// subjectText returns one scan with every field, before and after.
func subjectText(s confirm.Subject) string {
	var b strings.Builder
	b.WriteString(s.Title)
	for _, f := range s.Fields {
		fmt.Fprintf(&b, "\n  %s: %s", f.Name, transitionText(f))
	}
	return b.String()
}

// transitionText returns "before -> after". A value that is new or unchanged is written once.
func transitionText(f confirm.Field) string {
	switch {
	case f.Before == f.After, f.Before == "":
		return f.After
	case f.After == "":
		return f.Before + " -> (deleted)"
	default:
		return f.Before + " -> " + f.After
	}
}

// Fits reports whether blocks are at most maxBlocks in number and maxBytes as JSON.
func Fits(blocks []slack.Block, maxBlocks, maxBytes int) bool {
	return len(blocks) <= maxBlocks && jsonSize(blocks...) <= maxBytes
}

// jsonSize returns the number of bytes of blocks as JSON. Blocks that cannot be marshaled fit nowhere.
func jsonSize(blocks ...slack.Block) int {
	b, err := json.Marshal(blocks)
	if err != nil {
		return maxPages * maxPageBytes
	}
	return len(b)
}

// PlanPages returns the plan of a change as pages for modals, in order. It returns nil when the plan is too long for
// them, so that a caller can offer no approval of a plan that was not shown whole.
func PlanPages(c confirm.Change) [][]slack.Block {
	var out [][]slack.Block
	var page []slack.Block
	size := 0
	for _, block := range Plan(c) {
		n := jsonSize(block)
		if n > maxPageBytes {
			return nil
		}
		if len(page) == maxPageBlocks || size+n > maxPageBytes {
			out, page, size = append(out, page), nil, 0
		}
		page, size = append(page, block), size+n
	}
	if out = append(out, page); len(out) > maxPages {
		return nil
	}
	return out
}
