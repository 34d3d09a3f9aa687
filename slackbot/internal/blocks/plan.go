package slackbot

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
)

const (
	MaxMessageBlocks = 46     // in a message; Slack takes 50
	MaxMessageBytes  = 13_000 // of a message's blocks; Slack's own bound is not documented, and lies above this
	maxPageBlocks    = 90     // in a modal; Slack takes 100
	maxPageBytes     = 90_000 // of a modal's blocks
	maxPages         = 30     // more than that, nobody reads
)

// PlanBlocks are all that a person has to see before they say yes: nothing of it is ever cut.
func PlanBlocks(c confirm.Change) []slack.Block {
	blocks := TextSections(c.Summary)
	for _, w := range c.Warnings {
		blocks = append(blocks, TextSections("WARNING: "+w)...)
	}
	blocks = append(blocks, RequesterBlock(c))
	for _, s := range c.Subjects {
		blocks = append(blocks, CodeBlocks(subjectText(s))...)
	}
	return append(blocks, TermBlocks(c)...)
}

func RequesterBlock(c confirm.Change) slack.Block {
	return MentionLine("Asked by ", Mention(string(c.Requester)), " through "+c.Source)
}

// TermBlocks are what the decision is about besides the plan.
func TermBlocks(c confirm.Change) []slack.Block {
	text := "Tenant: " + c.Target
	if c.Needed > 1 {
		text += fmt.Sprintf("\nNeeds the yes of %d people", c.Needed)
	}
	return TextSections(text + "\nCode: " + c.Code + "\nExpires: " + FormatTime(c.Expires))
}

// subjectText is one scan with every field, before and after.
func subjectText(s confirm.Subject) string {
	var b strings.Builder
	b.WriteString(s.Title)
	for _, f := range s.Fields {
		fmt.Fprintf(&b, "\n  %s: %s", f.Name, transitionText(f))
	}
	return b.String()
}

// transitionText writes "before -> after", and a value that stays or is new only once.
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

// Fits reports whether Slack takes blocks in one message.
func Fits(blocks []slack.Block, most, bytes int) bool {
	return len(blocks) <= most && jsonSize(blocks...) <= bytes
}

func jsonSize(blocks ...slack.Block) int {
	b, err := json.Marshal(blocks)
	if err != nil {
		return maxPages * maxPageBytes // what cannot be written cannot be shown
	}
	return len(b)
}

// PlanPages are the plan, over as many modals as it takes; none when it cannot be shown at all.
func PlanPages(c confirm.Change) [][]slack.Block {
	var out [][]slack.Block
	var page []slack.Block
	size := 0
	for _, block := range PlanBlocks(c) {
		w := jsonSize(block)
		if w > maxPageBytes {
			return nil
		}
		if len(page) == maxPageBlocks || size+w > maxPageBytes {
			out, page, size = append(out, page), nil, 0
		}
		page, size = append(page, block), size+w
	}
	if out = append(out, page); len(out) > maxPages {
		return nil
	}
	return out
}
