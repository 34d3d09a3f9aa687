package slackbot

import (
	"context"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"scanwarden/confirm"
)

// scans answers the command that reads. Its first word may choose what.
func (b *Bot) scans(ctx context.Context, t talk, typed string) {
	given, err := pairs(typed)
	if err != nil {
		given = []pair{{value: "help"}}
	}
	var terms []string
	for _, p := range given {
		if p.name != "" {
			p.value = p.name + "=" + p.value
		}
		terms = append(terms, p.value)
	}
	first := ""
	if len(terms) > 0 {
		first = terms[0]
	}
	var blocks []slack.Block
	switch {
	case first == "help":
		blocks = words(b.scansHelp())
	case strings.EqualFold(first, linkWord): // as a phone writes it
		blocks = b.link(ctx, t, strings.Join(terms[1:], "")) // a proof may be broken over lines
	case first == "changes" && len(terms) == 1:
		blocks, err = b.openChanges(ctx, t)
	case first == "history" && len(terms) > 1:
		blocks, err = b.history(ctx, t, strings.Join(terms[1:], " "))
	default:
		blocks, err = b.listing(ctx, t, strings.Join(terms, " "))
	}
	if err != nil {
		blocks = words(refusalOf("list_scans", err))
	}
	b.show(ctx, t, blocks)
}

func (b *Bot) scansHelp() string {
	c := b.cfg.slash(scansCommand)
	help := c + " lists the scans in Defender.\n" +
		c + " FILTER lists those with FILTER in name, id, target or scanner.\n" +
		c + " history NAME lists the latest runs of a scan.\n" +
		c + " changes lists your open changes.\n"
	if b.cfg.LinkPage != "" {
		help += c + " " + linkWord + " joins this Slack account with your Microsoft account.\n"
	}
	if b.readOnly() {
		return help + "This server is read-only: scans are not changed through it."
	}
	return help + "To change scans: " + strings.Join(b.slashes(), ", ")
}

func (b *Bot) listing(ctx context.Context, t talk, filter string) ([]slack.Block, error) {
	all, err := b.live(ctx, t.caller, scansSource, filter)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return words("No scan matches. " + b.cfg.slash(scansCommand) + " without text lists all."), nil
	}
	var lines []string
	for _, e := range all {
		f := e.flat()
		state := "on"
		if f["isActive"] != true {
			state = "off"
		}
		lines = append(lines, fmt.Sprintf("%s\n  %s, every %s h, %s, scanner %s\n  target %s\n  last run: %s %s",
			e.name, text(f["scanType"]), text(f["intervalInHours"]), state, text(f["scannerAgent.name"]),
			short(text(f["target"]), 300), text(f["latestScan.status"]), day(text(f["latestScan.executionDateTime"]))))
	}
	return b.listed(lines, "scans"), nil
}

// listed shows as many entries as an answer has room for, and says how many are left.
func (b *Bot) listed(lines []string, what string) []slack.Block {
	n, size := 0, 0
	for n < len(lines) && n < 100 && size+len(lines[n]) < mostBytes/2 {
		size += len(lines[n])
		n++
	}
	blocks := preformatted(strings.Join(lines[:n], "\n"))
	if left := len(lines) - n; left > 0 {
		blocks = append(blocks, words(fmt.Sprintf("%d more %s; narrow it down with a filter.", left, what))...)
	}
	return blocks
}

func (b *Bot) history(ctx context.Context, t talk, name string) ([]slack.Block, error) {
	var out struct {
		Runs []map[string]any `json:"runs"`
	}
	err := b.read(ctx, t.caller, "scan_history", map[string]any{"scanDefinitionIds": []string{name}, "top": 10}, &out)
	if err != nil {
		return nil, err
	}
	if len(out.Runs) == 0 {
		return words("This scan has not run yet."), nil
	}
	var lines []string
	for _, r := range out.Runs {
		lines = append(lines, fmt.Sprintf("%s  %s  %s of %s targets  %s", day(text(r["lastScanned"])), text(r["scanStatus"]),
			orZero(r["numberOfSuccessfullyScannedTargets"]), orZero(r["numberOfTargets"]), short(text(r["generalErrorMessage"]), 200)))
	}
	return b.listed(lines, "runs"), nil
}

func orZero(n any) string {
	if n == nil {
		return "0"
	}
	return text(n)
}

// openChanges lists a person's own changes that are not settled, with a button to take back those that can be.
func (b *Bot) openChanges(ctx context.Context, t talk) ([]slack.Block, error) {
	back, err := b.cfg.Backend(ctx)
	if err != nil {
		return nil, err
	}
	open, err := back.Gate.OpenChanges(ctx, t.principal())
	if err != nil {
		return nil, err
	}
	if len(open) == 0 {
		return words("You have no open changes."), nil
	}
	var blocks []slack.Block
	for _, c := range open[:min(len(open), 40)] {
		line := short(fmt.Sprintf("%s\n%s\nUntil %s", b.headline(c), c.Summary, until(c.Expires)), 280)
		section := slack.NewSectionBlock(plain(line), nil, nil)
		if c.State == confirm.Pending && ours(c) && !b.readOnly() {
			section.Accessory = slack.NewAccessory(slack.NewButtonBlockElement(withdrawChange, c.ID, plain("Withdraw")))
		}
		blocks = append(blocks, section)
	}
	return blocks, nil
}
