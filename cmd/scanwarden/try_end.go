package main

import (
	"fmt"
	"os/exec"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/terminal"
)

// summarize prints what was applied, what the tenant holds now and what to do next.
func (t *walkthrough) summarize() {
	t.Print(nil, terminal.Styled(terminal.Bold, fmt.Sprintf("%s applied, %d refused, %s reached the tenant",
		config.Plural(len(t.applied), "change"), t.refusals, config.Plural(len(t.applied), "write"))))
	t.Print(terminal.Styled(terminal.Dim, "Those are exactly the ones that you confirmed."), nil)
	t.printScans()
	t.Print(nil, terminal.Styled(terminal.Bold, "Next"))
	for _, step := range nextCommands() {
		head := terminal.Text("  " + step.what).Pad(16)
		for _, line := range step.lines {
			t.Print(terminal.Join(head, terminal.Text(line)))
			head = terminal.Blanks(16)
		}
	}
}

// printScans prints the scans of the tenant, marked by what happened to them in the tour.
func (t *walkthrough) printScans() {
	t.Print(terminal.Styled(terminal.Bold, fmt.Sprintf("    %-24s  %5s  %s", "Scan", "Every", "Target")))
	for _, scan := range t.tenant.Scans() {
		name := fmt.Sprint(scan["scanName"])
		every := terminal.Text(fmt.Sprintf("%3v h", scan["intervalInHours"]))
		mark := terminal.Text(t.marks[name])
		switch t.marks[name] {
		case markAdded:
			mark = mark.Restyle(terminal.Green)
		case markChanged, markEdited:
			mark, every = mark.Restyle(terminal.Yellow), every.Restyle(terminal.Yellow)
		}
		row := terminal.Join(terminal.Blanks(2), mark.Pad(2), terminal.Text(name).Pad(26), every, terminal.Text("  "+spaced(fmt.Sprint(scan["target"]))))
		t.Print(terminal.Wrap(row, t.Width(), 37)...)
	}
	if t.marks["Branch routers"] == markEdited {
		t.Print(terminal.Styled(terminal.Dim, "  + added by you, ~ changed by you, ! changed by the colleague"))
	}
}

// nextCommand is something to do after the tour.
type nextCommand struct {
	what  string
	lines []string
}

// nextCommands returns the commands to go on with. They work where the user is: a program that is not in PATH is built
// first.
func nextCommands() []nextCommand {
	program, inJSON, commands := "scanwarden", "scanwarden", []nextCommand(nil)
	if _, err := exec.LookPath(program); err != nil {
		program, inJSON = "$PWD/scanwarden", `'"$PWD"'/scanwarden`
		commands = append(commands, nextCommand{"build it", []string{"go build ./cmd/scanwarden"}})
	}
	return append(commands,
		nextCommand{"Claude Code", []string{"claude mcp add scanwarden -- " + program + " stdio --simulator"}},
		nextCommand{"VS Code", []string{`code --add-mcp '{"name":"scanwarden",`, `  "command":"` + inJSON + `",`, `  "args":["stdio","--simulator"]}'`}},
		nextCommand{"your tenant", []string{program + " doctor"}},
	)
}
