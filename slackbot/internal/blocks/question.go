package blocks

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
	"scanwarden/tools"
)

// Plan is a change as messages and modals show it.
type Plan struct {
	confirm.Change
	title string // of the operation, such as "Delete scans"
	scans []tools.PlannedScan
}

// NewPlan returns the plan of a change. title is that of its operation: a verb and what it is about.
func NewPlan(c confirm.Change, title string) Plan {
	return Plan{Change: c, title: title, scans: tools.PlannedScans(c.Proposal)}
}

// Phrase returns what the change does, in a few words that begin with a verb: `Update scan "Core switches"`, `Delete 3 scans`. It has
// at most limit UTF-16 units, of which a long name gives way first.
func (p Plan) Phrase(limit int) string {
	verb, noun, _ := strings.Cut(p.title, " ")
	noun = strings.TrimSuffix(noun, "s")
	if noun == "" || len(p.scans) == 0 {
		return Truncate(p.title, limit)
	}
	if len(p.scans) > 1 {
		return Truncate(fmt.Sprintf("%s %d %ss", verb, len(p.scans), noun), limit)
	}
	start := verb + " " + noun + " "
	return start + Truncate(tools.QuoteVisible(p.scans[0].Name), limit-PrefixLen(start, limit))
}

// Question returns the header of a change that waits for a decision.
func (p Plan) Question() string {
	ending := "?"
	if p.Deletes() {
		ending = ", for good?"
	}
	return p.Phrase(maxHeaderUnits-len(ending)) + ending
}

// Deletes reports whether the change deletes scans.
func (p Plan) Deletes() bool {
	for _, s := range p.scans {
		if s.Effect == tools.ScanDeleted {
			return true
		}
	}
	return false
}

// Names returns the quoted names of the scans as a list, of as many as fit limit UTF-16 units, and the number of the others.
func (p Plan) Names(limit int) string {
	for n := len(p.scans); n > 0; n-- {
		var all []string
		for _, s := range p.scans[:n] {
			all = append(all, Truncate(tools.QuoteVisible(s.Name), limit))
		}
		last := fmt.Sprintf("%d more", len(p.scans)-n)
		if n == len(p.scans) {
			last, all = all[n-1], all[:n-1]
		}
		text := last
		if len(all) > 0 {
			text = strings.Join(all, ", ") + " and " + last
		}
		if PrefixLen(text, limit) == len(text) {
			return text
		}
	}
	return fmt.Sprintf("%d scans", len(p.scans))
}

// All returns everything that an approver must see before a decision: who asked and until when, warnings, what changes, what stays,
// the votes and the terms. Nothing is cut.
func (p Plan) All() []slack.Block {
	all := append([]slack.Block{p.Asked()}, p.WarningList()...)
	all = append(append(all, p.Changes()...), p.Unchanged()...)
	return append(append(all, p.Votes()...), p.Terms()...)
}

// Asked returns the line with the requester, the source, and until when a decision counts.
func (p Plan) Asked() slack.Block {
	return MentionLine(Mention(string(p.Requester)), " asked through "+p.Source+". Decide before ", Date(p.Expires, p.Created), ".")
}

// WarningList returns the warnings as a list under a sign and their number. It returns nil if there are none. A warning that is
// longer than a text object gets blocks of its own.
func (p Plan) WarningList() []slack.Block {
	if len(p.Warnings) == 0 {
		return nil
	}
	heading := " 1 warning"
	if n := len(p.Warnings); n > 1 {
		heading = fmt.Sprintf(" %d warnings", n)
	}
	head := slack.RichTextElement(slack.NewRichTextSection(Emoji("warning"), bold(heading)))
	var all, long []slack.Block
	var items []slack.RichTextElement
	size := 0
	flush := func() {
		if len(items) > 0 || head != nil {
			all = append(all, slack.NewRichTextBlock("", warningElements(head, items)...))
		}
		head, items, size = nil, nil, 0
	}
	for _, w := range p.Warnings {
		w = capitalize(w)
		if PrefixLen(w, MaxTextUnits) < len(w) {
			long = append(long, TextSections("Warning: "+w)...)
			continue
		}
		if size += len(w); size > MaxTextUnits && len(items) > 0 {
			flush()
			size = len(w)
		}
		items = append(items, slack.NewRichTextSection(slack.NewRichTextSectionTextElement(w, nil)))
	}
	flush()
	return append(all, long...)
}

// warningElements returns a heading, which may be nil, and a list of items, which may be empty.
func warningElements(head slack.RichTextElement, items []slack.RichTextElement) (all []slack.RichTextElement) {
	if head != nil {
		all = append(all, head)
	}
	if len(items) > 0 {
		all = append(all, bulletList{Type: slack.RTEList, Style: slack.RTEListBullet, Elements: items})
	}
	return all
}

// Votes returns the approvals so far. It returns nil if there are none.
func (p Plan) Votes() []slack.Block {
	parts := []any{Emoji("ballot_box_with_check"), fmt.Sprintf(" %d of %d approvals: ", p.Approvals(), max(p.Needed, 1))}
	voted := 0
	for _, d := range p.Decisions {
		if !d.Approve {
			continue
		}
		if voted++; voted > 1 {
			parts = append(parts, ", ")
		}
		parts = append(parts, Voter(d), " at ", Date(d.At, p.Created))
	}
	if voted == 0 {
		return nil
	}
	missing := p.Needed - p.Approvals()
	switch {
	case missing == 1:
		parts = append(parts, ". One more, by somebody else; one no ends it.")
	case missing > 1:
		parts = append(parts, fmt.Sprintf(". %d more, by other people; one no ends it.", missing))
	}
	return []slack.Block{MentionLine(parts...)}
}

// Terms returns what a decision depends on besides the plan: code, tenant, approvals needed, and the requester in letters.
func (p Plan) Terms() []slack.Block {
	needs := "Needs: 1 approval"
	if p.Needed > 1 {
		needs = fmt.Sprintf("Needs: %d approvals, %s", p.Needed, count(p.Approvals(), "is there", "are there"))
	}
	return fields("Code: "+p.Code, "Tenant: "+p.Target, needs, "Asked by: "+string(p.Requester))
}

// fields returns short texts in two columns. A text that is too long for that makes all of them sections.
func fields(texts ...string) []slack.Block {
	const maxUnits = 1900 // Slack takes 2000
	var all []*slack.TextBlockObject
	for _, text := range texts {
		if PrefixLen(text, maxUnits) < len(text) {
			return TextSections(strings.Join(texts, "\n"))
		}
		all = append(all, PlainText(text))
	}
	return []slack.Block{slack.NewSectionBlock(nil, all, nil)}
}

// Promise returns the line below the buttons.
func (p Plan) Promise() []slack.Block {
	text := "Sent once, exactly as shown."
	switch {
	case len(p.scans) > 1:
		text += " If a scan is changed by somebody else first, nothing is sent."
	case len(p.scans) == 1 && p.scans[0].Effect != tools.ScanAdded:
		text += " If somebody else changes the scan first, nothing is sent."
	}
	return Context(text)
}

// capitalize returns a sentence with its first letter in upper case. It leaves the name of a field before a colon as it is: its
// letter case matters.
func capitalize(sentence string) string {
	first, _, _ := strings.Cut(sentence, " ")
	if strings.HasSuffix(first, ":") || sentence == "" || sentence[0] < 'a' || sentence[0] > 'z' {
		return sentence
	}
	return strings.ToUpper(sentence[:1]) + sentence[1:]
}
