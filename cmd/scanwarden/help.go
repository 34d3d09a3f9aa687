package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"scanwarden/cmd/scanwarden/internal/config"
)

// maxHelpWidth is the width that help is wrapped to: that of the narrowest usual terminal.
const maxHelpWidth = 80

// flagHeadings are the headings of flags in help, in their order.
var flagHeadings = []struct{ group, title string }{
	{"", "Flags:"},
	{string(config.GroupTenant), "Tenant and sign-in:"},
	{string(config.GroupPolicy), "Policy:"},
	{string(config.GroupHTTP), "HTTP:"},
	{string(config.GroupSlack), "Slack:"},
	{string(config.GroupLedger), "Ledger, file and logs:"},
	{groupContested, "Behavior on which the documentation contradicts itself:"},
}

// printHelp prints the help of cmd: what it does, how it is called, an example, its commands by group and its flags by
// group. It uses no template, because text/template keeps the linker from removing unused methods.
func printHelp(cmd *cobra.Command, _ []string) {
	out := cmd.OutOrStdout()
	about := cmp.Or(cmd.Long, cmd.Short)
	lines := strings.Split(about, "\n") // several for cobra's own commands, whose examples are indented
	for i, line := range lines {
		if len(line) > maxHelpWidth {
			lines[i] = wrapText(line, 0)
		}
	}
	about = strings.Join(lines, "\n")
	fmt.Fprintf(out, "Usage: %s\n\n%s\n", usageLine(cmd), strings.TrimSpace(about))
	if cmd.Example != "" {
		fmt.Fprintf(out, "\nExample: %s\n", cmd.Example)
	}
	for _, group := range cmd.Groups() {
		printCommands(out, cmd, group.ID, group.Title)
	}
	if len(cmd.Groups()) == 0 {
		printCommands(out, cmd, "", "Commands:")
	}
	for _, heading := range flagHeadings {
		printFlags(out, cmd, heading.group, heading.title)
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(out, "\nRun \"%s COMMAND --help\" for the flags of a command.\n", cmd.CommandPath())
	}
}

// usageLine returns how cmd is called, such as "scanwarden changes [ID] [flags]".
func usageLine(cmd *cobra.Command) string {
	line := cmd.CommandPath()
	if _, args, ok := strings.Cut(cmd.Use, " "); ok {
		line += " " + args
	}
	if cmd.HasAvailableSubCommands() {
		line += " COMMAND"
	}
	return line + " [flags]"
}

// nameWidth returns the width of the column with the names of the commands of parent: 12 columns, or more for a longer name.
func nameWidth(parent *cobra.Command) int {
	width := 12
	for _, c := range parent.Commands() {
		width = max(width, len(c.Name())+2)
	}
	return width
}

// printCommands prints the commands of one group under a title.
func printCommands(out io.Writer, parent *cobra.Command, group, title string) {
	width := nameWidth(parent)
	for _, c := range parent.Commands() {
		if c.GroupID != group || !c.IsAvailableCommand() {
			continue
		}
		if title != "" {
			fmt.Fprintf(out, "\n%s\n", title)
			title = ""
		}
		fmt.Fprintf(out, "  %-*s%s\n", width, c.Name(), strings.TrimLeft(wrapText(c.Short, 2+width), " "))
		if c.Example != "" {
			fmt.Fprintf(out, "  %-*sExample: %s\n", width, "", c.Example)
		}
	}
}

// printFlags prints the flags of one group under a title.
func printFlags(out io.Writer, cmd *cobra.Command, group, title string) {
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		if flag.Hidden || annotation(flag, annotationGroup) != group {
			return
		}
		if title != "" {
			fmt.Fprintf(out, "\n%s\n", title)
			title = ""
		}
		fmt.Fprintf(out, "  %s\n%s\n", flagSyntax(flag), wrapText(describeFlag(flag), 8))
	})
}

// flagSyntax returns how a flag is written, such as "--listen HOST:PORT" or "--[no-]read-only".
func flagSyntax(flag *pflag.Flag) string {
	arg, _ := pflag.UnquoteUsage(flag)
	name := "--" + flag.Name
	switch {
	case flag.Shorthand != "":
		name = "-" + flag.Shorthand + ", " + name
	case flag.Value.Type() == "bool" && annotation(flag, annotationEnv) != "":
		name = "--[no-]" + flag.Name
	}
	return strings.TrimSpace(name + " " + arg)
}

// describeFlag returns what a flag means, its default and its environment variable.
func describeFlag(flag *pflag.Flag) string {
	arg, text := pflag.UnquoteUsage(flag)
	text = strings.TrimPrefix(text, arg+" ")
	if unset := annotation(flag, annotationDefault); unset != "" {
		text += " Default: " + unset + "."
	}
	if name := annotation(flag, annotationEnv); name != "" {
		text += " ($" + name + ")"
	}
	return text
}

// wrapText breaks text between words so that no line is wider than maxHelpWidth, and indents each line.
func wrapText(text string, indent int) string {
	var lines []string
	line := strings.Repeat(" ", indent)
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > maxHelpWidth {
			lines = append(lines, line)
			line = strings.Repeat(" ", indent)
		}
		if strings.TrimSpace(line) != "" {
			line += " "
		}
		line += word
	}
	return strings.Join(append(lines, line), "\n")
}

// joinNames returns the names of the commands below parent, "a, b".
func joinNames(parent *cobra.Command) string {
	var names []string
	for _, c := range parent.Commands() {
		names = append(names, c.Name())
	}
	return strings.Join(names, ", ")
}
