package main

import (
	"fmt"
	"scanwarden/cmd/scanwarden/internal/config"
	"strings"

	"github.com/alecthomas/kong"
)

// always are the flags of every command line.
type always struct {
	Help    bool `help:"Show this help; after a command, the command's." short:"h"`
	Version bool `help:"Print the version." short:"V"`
}

// commands is the table of contents. Each help ends with one example.
var commands = []struct {
	name, group, help string
	grammar           func() any
}{
	{"try", "start", "A guided run against a simulated tenant, in this terminal. Example: scanwarden try", fresh[tryCommand]},
	{"simulator", "start", "Serve the simulated Defender API for hands-on use. Example: scanwarden simulator", fresh[simulatorCommand]},
	{"stdio", "serve", "MCP over stdin and stdout, for one local client. Example: scanwarden stdio --simulator", fresh[stdioCommand]},
	{"serve", "serve", "MCP over HTTP at /mcp, for many clients. Example: scanwarden serve --simulator", fresh[serveCommand]},
	{"changes", "look", "List changes, or show one whole. Example: scanwarden changes --json", fresh[changesCommand]},
	{"doctor", "look", "Check everything a server needs, and say what to do about what is wrong. Example: scanwarden doctor --json", fresh[doctorCommand]},
	{"people", "look", "List who is one and the same person, or take a link back. Example: scanwarden people", fresh[peopleCommand]},
	{"audit", "look", "Check or print the tamper-evident log. Example: scanwarden audit verify", fresh[auditCommand]},
	{"manifest", "start", "Print the Slack app manifest for this configuration. Example: scanwarden manifest > manifest.json", fresh[manifestCommand]},
	{"schema", "look", "Print the tools' JSON schemas, or the configuration file's. Example: scanwarden schema --of config", fresh[schemaCommand]},
}

func fresh[T any]() any { return new(T) }

const about = `scanwarden lets an AI assistant propose adding, updating or deleting authenticated scans in Microsoft ` +
	`Defender, shows a person exactly what would change, and sends it only after that person confirms: once, ` +
	`to the letter, or not at all. New here? Run "scanwarden try". Each command tells more with --help.`

var groups = kong.Groups{
	"start": "Start here:", "serve": "Serve:", "look": "Look:",
	"tenant": "Tenant:", "policy": "Policy:", "ledger": "Ledger and logs:", "http": "HTTP:", "slack": "Slack:",
	"contested": "Behaviour on which the documentation contradicts itself:",
}

// commandLine is what args say.
type commandLine struct {
	trace         *kong.Context
	command       runner
	flags         config.Flags
	help, version bool
}

// parse reads the command line. A command alone, which is how MCP clients start us, needs no grammar: the zero
// value of each flag is its default.
func parse(w environment, args []string) (*commandLine, error) {
	if len(args) == 1 {
		for _, c := range commands {
			if command, ok := c.grammar().(runner); ok && c.name == args[0] {
				return &commandLine{command: command}, nil
			}
		}
	}
	return parseFlags(w, args)
}

// parseFlags takes kong's grammar, parser and help, but neither its hooks nor its Run: kong finds those by name
// through reflection, where no reader can follow. What they would have done is here: find the command, and see that it
// is one.
func parseFlags(w environment, args []string) (*commandLine, error) {
	var flags always
	options := []kong.Option{
		kong.Name("scanwarden"), kong.Description(about), kong.NoDefaultHelp(), kong.Writers(w.stdout, w.stderr), groups,
	}
	parser, err := kong.New(&flags, append(options, grammar(args[0])...)...)
	if err != nil {
		return nil, err
	}
	trace, err := kong.Trace(parser, args)
	if err != nil {
		return nil, err
	}
	if _, err := trace.Apply(); err != nil {
		return nil, err
	}
	line := &commandLine{trace: trace, flags: flagsOf(trace), help: flags.Help, version: flags.Version}
	if line.help || line.version || trace.Error != nil {
		return line, trace.Error
	}
	return line, line.choose()
}

// grammar is the named command alone, or all of them: building the flags of every command would take a third
// of the time to the handshake.
func grammar(first string) []kong.Option {
	var one, all []kong.Option
	for _, c := range commands {
		option := kong.DynamicCommand(c.name, c.help, c.group, c.grammar())
		all = append(all, option)
		if c.name == first {
			one = append(one, option)
		}
	}
	if one != nil {
		return one
	}
	return all
}

// choose finds the command that was named.
func (l *commandLine) choose() error {
	selected := l.trace.Selected()
	if selected == nil {
		selected = l.trace.Model.Node
	}
	command, ok := selected.Target.Addr().Interface().(runner)
	if !ok {
		names := make([]string, len(selected.Children))
		for i, child := range selected.Children {
			names[i] = child.Name
		}
		return fmt.Errorf("choose one of the commands %s", strings.Join(names, ", "))
	}
	l.command = command
	return nil
}

func (l *commandLine) printHelp() error {
	return kong.DefaultHelpPrinter(kong.HelpOptions{Compact: true, WrapUpperBound: 110, ValueFormatter: describeFlag}, l.trace)
}

// describeFlag adds the setting's environment name to a flag's help.
func describeFlag(v *kong.Value) string {
	if name := v.Tag.Get("setting"); name != "" {
		return fmt.Sprintf("%s ($%s)", v.Help, name)
	}
	return v.Help
}

// flagsOf returns the values of the flags that were given, by the environment name they stand for.
func flagsOf(trace *kong.Context) config.Flags {
	given := config.Flags{}
	for _, flag := range trace.Flags() {
		if name := flag.Tag.Get("setting"); name != "" && flag.Set {
			given[name] = fmt.Sprint(trace.FlagValue(flag))
		}
	}
	return given
}
