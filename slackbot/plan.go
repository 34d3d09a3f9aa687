package slackbot

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
)

const (
	mostBlocks = 46     // in a message; Slack takes 50
	mostBytes  = 13_000 // of a message's blocks; Slack's own bound is not documented, and lies above this
	pageBlocks = 90     // in a modal; Slack takes 100
	pageBytes  = 90_000 // of a modal's blocks
	mostPages  = 30     // more than that, nobody reads
)

// planBlocks are all that a person has to see before they say yes: nothing of it is ever cut.
func planBlocks(c confirm.Change) []slack.Block {
	blocks := words(c.Summary)
	for _, w := range c.Warnings {
		blocks = append(blocks, words("WARNING: "+w)...)
	}
	blocks = append(blocks, asked(c))
	for _, s := range c.Subjects {
		blocks = append(blocks, preformatted(subject(s))...)
	}
	return append(blocks, terms(c)...)
}

func asked(c confirm.Change) slack.Block {
	return say("Asked by ", person(string(c.Requester)), " through "+c.Source)
}

// terms are what the decision is about besides the plan.
func terms(c confirm.Change) []slack.Block {
	text := "Tenant: " + c.Target
	if c.Needed > 1 {
		text += fmt.Sprintf("\nNeeds the yes of %d people", c.Needed)
	}
	return words(text + "\nCode: " + c.Code + "\nExpires: " + until(c.Expires))
}

// subject is one scan with every field, before and after.
func subject(s confirm.Subject) string {
	var b strings.Builder
	b.WriteString(s.Title)
	for _, f := range s.Fields {
		fmt.Fprintf(&b, "\n  %s: %s", f.Name, transition(f))
	}
	return b.String()
}

// transition writes "before -> after", and a value that stays or is new only once.
func transition(f confirm.Field) string {
	switch {
	case f.Before == f.After, f.Before == "":
		return f.After
	case f.After == "":
		return f.Before + " -> (deleted)"
	default:
		return f.Before + " -> " + f.After
	}
}

// fits reports whether Slack takes blocks in one message.
func fits(blocks []slack.Block, most, bytes int) bool {
	return len(blocks) <= most && weight(blocks...) <= bytes
}

func weight(blocks ...slack.Block) int {
	b, err := json.Marshal(blocks)
	if err != nil {
		return mostPages * pageBytes // what cannot be written cannot be shown
	}
	return len(b)
}

// pages are the plan, over as many modals as it takes; none when it cannot be shown at all.
func pages(c confirm.Change) [][]slack.Block {
	var out [][]slack.Block
	var page []slack.Block
	size := 0
	for _, block := range planBlocks(c) {
		w := weight(block)
		if w > pageBytes {
			return nil
		}
		if len(page) == pageBlocks || size+w > pageBytes {
			out, page, size = append(out, page), nil, 0
		}
		page, size = append(page, block), size+w
	}
	if out = append(out, page); len(out) > mostPages {
		return nil
	}
	return out
}
