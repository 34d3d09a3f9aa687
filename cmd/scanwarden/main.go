// Command scanwarden lets an AI assistant propose changes to authenticated scans in Microsoft Defender and
// lets a person decide them.
//
// This package is the wiring and nothing else: it reads the configuration, builds the rooms in the order in
// which they depend on each other, hands each one only what it may hold, and turns errors into exit codes.
// The one invariant it upholds: the pen (defender.Writer) goes to tools.NewExecutor, the executor's methods
// go to confirm.New, and to nobody else (see wiring.go). Where to read next: wiring.go, then config.go.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set by the linker for a release (-X main.version=v1.2.3).
var version string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	w := world{ctx: ctx, environment: parseEnvironment(os.Environ()), in: os.Stdin, out: os.Stdout, errs: os.Stderr}
	if err := run(w, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "scanwarden:", err)
		stop()
		os.Exit(exitCode(err))
	}
}

// world is all of the outside that a command may touch.
type world struct {
	ctx         context.Context
	environment environment
	in          io.Reader
	out         io.Writer
	errs        io.Writer
}

// commands is the grammar. Each command's help ends with one example.
type commands struct {
	Version kong.VersionFlag `help:"Print the version." short:"V"`

	Try       tryCommand       `cmd:"" group:"start" help:"A guided run against a simulated tenant, in this terminal. Example: scanwarden try"`
	Simulator simulatorCommand `cmd:"" group:"start" help:"Serve the simulated Defender API for hands-on use. Example: scanwarden simulator"`

	Stdio stdioCommand `cmd:"" group:"serve" help:"MCP over stdin and stdout, for one local client. Example: scanwarden stdio --simulator"`
	Serve serveCommand `cmd:"" group:"serve" help:"MCP over HTTP at /mcp, for many clients. Example: scanwarden serve --simulator"`

	Changes changesCommand `cmd:"" group:"look" help:"List changes, or show one whole. Example: scanwarden changes --json"`
	Audit   auditCommand   `cmd:"" group:"look" help:"Check or print the tamper-evident log. Example: scanwarden audit verify"`
	Schema  schemaCommand  `cmd:"" group:"look" help:"Print the tools' JSON schemas. Example: scanwarden schema"`
}

const about = `scanwarden lets an AI assistant propose adding, updating or deleting authenticated scans in Microsoft ` +
	`Defender, shows a person exactly what would change, and sends it only after that person confirms: once, ` +
	`to the letter, or not at all. New here? Run "scanwarden try".`

// usageError is a command line that cannot be understood.
type usageError struct{ error }

// run parses args and performs the command they name. It is the whole program but for the process around it.
func run(w world, args []string) error {
	var grammar commands
	printed := false // help and version end the parse by "exiting"
	parser, err := kong.New(&grammar,
		kong.Name("scanwarden"), kong.Description(about), kong.Vars{"version": versionText()},
		kong.Writers(w.out, w.errs), kong.Exit(func(int) { printed = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}), kong.ValueFormatter(describeFlag),
		kong.Groups{
			"start": "Start here:", "serve": "Serve:", "look": "Look:",
			"tenant": "Tenant:", "policy": "Policy:", "ledger": "Ledger and logs:", "http": "HTTP:",
			"contested": "Behaviour on which the documentation contradicts itself:",
		})
	if err != nil {
		return fmt.Errorf("build the command line: %w", err)
	}
	command, err := parser.Parse(args)
	switch {
	case printed:
		return nil
	case err != nil:
		return usageError{fmt.Errorf("%w; see \"scanwarden --help\"", err)}
	}
	return command.Run(w, flagsOf(command))
}

// describeFlag adds the setting's environment name to a flag's help.
func describeFlag(v *kong.Value) string {
	if name := v.Tag.Get("setting"); name != "" {
		return fmt.Sprintf("%s ($%s)", v.Help, name)
	}
	return v.Help
}

// exitCode is 2 for a command line that cannot be understood and 1 for everything else.
func exitCode(err error) int {
	if errors.As(err, &usageError{}) {
		return 2
	}
	return 1
}

func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
