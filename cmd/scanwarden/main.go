// Command scanwarden lets an AI assistant propose changes to authenticated scans in Microsoft Defender, and lets a
// person confirm or deny each of them.
//
// This package is the command line: one file for each command, its flags and its terminal output. A command loads the
// configuration (internal/config), builds a server from it (internal/server) or examines it (internal/doctor), and
// turns errors into exit codes. Imports run in one direction only: commands, doctor, server, config.
//
// The invariant: no command holds a defender.Writer. Authority to write is handed out in internal/server alone.
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

	"github.com/spf13/cobra"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/terminal"
)

// version is set by the linker for a release (-X main.version=v1.2.3).
var version string

func main() {
	resumeGC := pauseGC()
	ctx, stop := signal.NotifyContext(context.Background(), endSignals()...)
	defer stop()
	context.AfterFunc(ctx, stop)       // a second signal ends the process at once
	cobra.EnableCommandSorting = false // commands are listed in the order of newRootCommand
	e := environment{ctx: ctx, env: config.ParseEnvironment(os.Environ()), stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		resumeGC: resumeGC}
	if err := run(e, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, terminal.SanitizeLines("scanwarden: "+err.Error()))
		stop()
		os.Exit(exitCode(err))
	}
}

// endSignals returns the signals on which a server drains and ends. The end of a terminal sends SIGHUP. Under nohup that
// signal is ignored when the program starts, and a handler would undo that.
func endSignals() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}
	if signal.Ignored(syscall.SIGHUP) {
		return signals[:2]
	}
	return signals
}

// environment is everything outside the program that a command uses.
type environment struct {
	ctx    context.Context
	env    config.Environment
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer

	resumeGC func() // nil in tests; see pauseGC
}

// pauseGC stops the garbage collector until the returned function is called, which every command must do. Linked packages
// leave 3 MB of garbage when they are initialized. Collecting it before stdio has answered the handshake took a sixth of
// the CPU time up to that answer, and the garbage of building the backend made a second collection.
func pauseGC() (resume func()) {
	percent := debug.SetGCPercent(-1)
	return func() { debug.SetGCPercent(percent) }
}

// usageError reports a command line that cannot be understood.
type usageError struct{ error }

// Unwrap returns the error without its mark.
func (e usageError) Unwrap() error { return e.error }

// run runs the command that args name. It is the whole program except the process around it.
func run(e environment, args []string) error {
	if len(args) == 0 {
		return errNoCommand
	}
	root := newRootCommand(e)
	root.SetArgs(args)
	root.SetIn(e.stdin)
	root.SetOut(e.stdout)
	root.SetErr(e.stderr)
	started := false
	beforeCommand := root.PersistentPreRunE
	root.PersistentPreRunE = func(cmd *cobra.Command, args []string) error {
		started = true
		if cmd.Name() != stdioCommand && e.resumeGC != nil {
			e.resumeGC()
		}
		return beforeCommand(cmd, args)
	}
	err := root.ExecuteContext(e.ctx)
	switch {
	case errors.Is(err, errVersionPrinted):
		return nil
	case err == nil, started, errors.As(err, &usageError{}):
		return err
	}
	return usageError{fmt.Errorf("%w; see \"scanwarden --help\"", err)}
}

// exitCode returns 2 for a command line that cannot be understood, 130 after Ctrl-C and 1 for every other error.
func exitCode(err error) int {
	switch {
	case errors.As(err, &usageError{}):
		return 2
	case errors.As(err, new(*interruptedError)):
		return exitInterrupted
	}
	return 1
}

// exitInterrupted is what shells expect of a command that SIGINT ended: 128 and the number of the signal.
const exitInterrupted = 130

// versionText returns the version of the release, that of the module, or "(devel)".
func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
