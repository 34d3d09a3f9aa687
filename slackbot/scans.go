package slackbot

import (
	"context"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
	"scanwarden/slackbot/internal/blocks"
	"scanwarden/slackbot/internal/form"
)

// runScansCommand replies to the command that reads. Its first word may be a subcommand; otherwise the text is a
// filter.
func (b *Bot) runScansCommand(ctx context.Context, req request, typed string) {
	arguments, err := form.SplitArguments(typed)
	if err != nil {
		arguments = []form.Argument{{Value: "help"}}
	}
	var terms []string
	for _, p := range arguments {
		if p.Name != "" {
			p.Value = p.Name + "=" + p.Value
		}
		terms = append(terms, p.Value)
	}
	first := ""
	if len(terms) > 0 {
		first = terms[0]
	}
	var content []slack.Block
	switch {
	case first == "help":
		content = blocks.TextSections(b.scansHelp())
	case strings.EqualFold(first, linkSubcommand): // phones capitalize the first word
		content = b.linkAccount(ctx, req, strings.Join(terms[1:], "")) // a proof may be wrapped over lines
	case first == "changes" && len(terms) == 1:
		content, err = b.listOpenChanges(ctx, req)
	case first == "history" && len(terms) > 1:
		content, err = b.scanHistory(ctx, req, strings.Join(terms[1:], " "))
	default:
		content, err = b.listScans(ctx, req, strings.Join(terms, " "))
	}
	if err != nil {
		content = blocks.TextSections(refusalText("list_scans", err))
	}
	b.replyBlocks(ctx, req, content)
}

func (b *Bot) scansHelp() string {
	c := b.cfg.commandFor(scansCommand)
	help := c + " lists the scans in Defender.\n" +
		c + " FILTER lists those with FILTER in name, id, target or scanner.\n" +
		c + " history NAME lists the latest runs of a scan.\n" +
		c + " changes lists your open changes.\n"
	if b.cfg.LinkPage != "" {
		help += c + " " + linkSubcommand + " joins this Slack account with your Microsoft account.\n"
	}
	if b.isReadOnly() {
		return help + "This server is read-only: scans are not changed through it."
	}
	return help + "To change scans: " + strings.Join(b.commandList(), ", ")
}

// listScans returns the scans that match filter, with their latest run.
func (b *Bot) listScans(ctx context.Context, req request, filter string) ([]slack.Block, error) {
	all, err := b.loadOptions(ctx, req.caller, form.ScansSource, filter)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return blocks.TextSections("No scan matches. " + b.cfg.commandFor(scansCommand) + " without text lists all."), nil
	}
	var lines []string
	for _, e := range all {
		f := e.Values()
		state := "on"
		if f["isActive"] != true {
			state = "off"
		}
		lines = append(lines, fmt.Sprintf("%s\n  %s, every %s h, %s, scanner %s\n  target %s\n  last run: %s %s",
			e.Name, form.FormatValue(f["scanType"]), form.FormatValue(f["intervalInHours"]), state, form.FormatValue(f["scannerAgent.name"]),
			blocks.Truncate(form.FormatValue(f["target"]), 300), form.FormatValue(f["latestScan.status"]), form.FormatTimestamp(form.FormatValue(f["latestScan.executionDateTime"]))))
	}
	return b.entryList(lines, "scans"), nil
}

// entryList returns as many entries as fit a reply, and the number of those that do not.
func (b *Bot) entryList(lines []string, what string) []slack.Block {
	n, size := 0, 0
	for n < len(lines) && n < 100 && size+len(lines[n]) < blocks.MaxMessageBytes/2 {
		size += len(lines[n])
		n++
	}
	content := blocks.CodeBlocks(strings.Join(lines[:n], "\n"))
	if left := len(lines) - n; left > 0 {
		content = append(content, blocks.TextSections(fmt.Sprintf("Not shown: %d of %d %s; narrow it down with a filter.", left, len(lines), what))...)
	}
	return content
}

// scanHistory returns the latest runs of a scan.
func (b *Bot) scanHistory(ctx context.Context, req request, name string) ([]slack.Block, error) {
	var out struct {
		Runs []map[string]any `json:"runs"`
	}
	call := readCall{"scan_history", map[string]any{"scanDefinitionIds": []string{name}, "top": 10}}
	err := b.readOperation(ctx, req.caller, call, &out)
	if err != nil {
		return nil, err
	}
	if len(out.Runs) == 0 {
		return blocks.TextSections("This scan has not run yet."), nil
	}
	var lines []string
	for _, r := range out.Runs {
		lines = append(lines, fmt.Sprintf("%s  %s  %s of %s targets  %s", form.FormatTimestamp(form.FormatValue(r["lastScanned"])), form.FormatValue(r["scanStatus"]),
			countText(r["numberOfSuccessfullyScannedTargets"]), countText(r["numberOfTargets"]), blocks.Truncate(form.FormatValue(r["generalErrorMessage"]), 200)))
	}
	return b.entryList(lines, "runs"), nil
}

// countText returns a count, and "0" for a missing one.
func countText(n any) string {
	if n == nil {
		return "0"
	}
	return form.FormatValue(n)
}

// maxOpenListed bounds the changes in one reply: each is two blocks, and Slack takes 50.
const maxOpenListed = 24

// listOpenChanges returns the open changes of the user, with a button to withdraw those that are pending.
func (b *Bot) listOpenChanges(ctx context.Context, req request) ([]slack.Block, error) {
	back, err := b.cfg.Backend(ctx)
	if err != nil {
		return nil, err
	}
	open, err := back.Gate.OpenChanges(ctx, req.principal())
	if err != nil {
		return nil, err
	}
	if len(open) == 0 {
		return blocks.TextSections("You have no open changes."), nil
	}
	var content []slack.Block
	for _, c := range open[:min(len(open), maxOpenListed)] {
		section := slack.NewSectionBlock(blocks.PlainText(b.headlineFor(c)+"\n"+blocks.Truncate(c.Summary, 200)), nil, nil)
		if c.State == confirm.Pending && isForSlack(c) && !b.isReadOnly() {
			section.Accessory = slack.NewAccessory(newButton(actionWithdraw, c.ID, "Withdraw", "Withdraw this change"))
		}
		content = append(content, section, blocks.MentionLine("Until ", blocks.Date(c.Expires, c.Created)))
	}
	return content, nil
}
