package slackbot

import (
	"context"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
)

// runScansCommand answers the command that reads. Its first word may choose what.
func (b *Bot) runScansCommand(ctx context.Context, req request, typed string) {
	given, err := SplitArguments(typed)
	if err != nil {
		given = []Argument{{Value: "help"}}
	}
	var terms []string
	for _, p := range given {
		if p.Name != "" {
			p.Value = p.Name + "=" + p.Value
		}
		terms = append(terms, p.Value)
	}
	first := ""
	if len(terms) > 0 {
		first = terms[0]
	}
	var blocks []slack.Block
	switch {
	case first == "help":
		blocks = TextSections(b.scansHelp())
	case strings.EqualFold(first, linkSubcommand): // as a phone writes it
		blocks = b.linkAccount(ctx, req, strings.Join(terms[1:], "")) // a proof may be broken over lines
	case first == "changes" && len(terms) == 1:
		blocks, err = b.listOpenChanges(ctx, req)
	case first == "history" && len(terms) > 1:
		blocks, err = b.scanHistory(ctx, req, strings.Join(terms[1:], " "))
	default:
		blocks, err = b.listScans(ctx, req, strings.Join(terms, " "))
	}
	if err != nil {
		blocks = TextSections(refusalText("list_scans", err))
	}
	b.replyBlocks(ctx, req, blocks)
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

func (b *Bot) listScans(ctx context.Context, req request, filter string) ([]slack.Block, error) {
	all, err := b.loadOptions(ctx, req.caller, ScansSource, filter)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return TextSections("No scan matches. " + b.cfg.commandFor(scansCommand) + " without text lists all."), nil
	}
	var lines []string
	for _, e := range all {
		f := e.Values()
		state := "on"
		if f["isActive"] != true {
			state = "off"
		}
		lines = append(lines, fmt.Sprintf("%s\n  %s, every %s h, %s, scanner %s\n  target %s\n  last run: %s %s",
			e.Name, FormatValue(f["scanType"]), FormatValue(f["intervalInHours"]), state, FormatValue(f["scannerAgent.name"]),
			Truncate(FormatValue(f["target"]), 300), FormatValue(f["latestScan.status"]), FormatTimestamp(FormatValue(f["latestScan.executionDateTime"]))))
	}
	return b.entryList(lines, "scans"), nil
}

// entryList shows as many entries as an answer has room for, and says how many are left.
func (b *Bot) entryList(lines []string, what string) []slack.Block {
	n, size := 0, 0
	for n < len(lines) && n < 100 && size+len(lines[n]) < MaxMessageBytes/2 {
		size += len(lines[n])
		n++
	}
	blocks := CodeBlocks(strings.Join(lines[:n], "\n"))
	if left := len(lines) - n; left > 0 {
		blocks = append(blocks, TextSections(fmt.Sprintf("%d more %s; narrow it down with a filter.", left, what))...)
	}
	return blocks
}

func (b *Bot) scanHistory(ctx context.Context, req request, name string) ([]slack.Block, error) {
	var out struct {
		Runs []map[string]any `json:"runs"`
	}
	err := b.readOperation(ctx, req.caller, "scan_history", map[string]any{"scanDefinitionIds": []string{name}, "top": 10}, &out)
	if err != nil {
		return nil, err
	}
	if len(out.Runs) == 0 {
		return TextSections("This scan has not run yet."), nil
	}
	var lines []string
	for _, r := range out.Runs {
		lines = append(lines, fmt.Sprintf("%s  %s  %s of %s targets  %s", FormatTimestamp(FormatValue(r["lastScanned"])), FormatValue(r["scanStatus"]),
			countText(r["numberOfSuccessfullyScannedTargets"]), countText(r["numberOfTargets"]), Truncate(FormatValue(r["generalErrorMessage"]), 200)))
	}
	return b.entryList(lines, "runs"), nil
}

func countText(n any) string {
	if n == nil {
		return "0"
	}
	return FormatValue(n)
}

// listOpenChanges lists a person's own changes that are not settled, with a button to take back those that can be.
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
		return TextSections("You have no open changes."), nil
	}
	var blocks []slack.Block
	for _, c := range open[:min(len(open), 40)] {
		line := Truncate(fmt.Sprintf("%s\n%s\nUntil %s", b.headlineFor(c), c.Summary, FormatTime(c.Expires)), 280)
		section := slack.NewSectionBlock(PlainText(line), nil, nil)
		if c.State == confirm.Pending && isForSlack(c) && !b.isReadOnly() {
			section.Accessory = slack.NewAccessory(slack.NewButtonBlockElement(actionWithdraw, c.ID, PlainText("Withdraw")))
		}
		blocks = append(blocks, section)
	}
	return blocks, nil
}
