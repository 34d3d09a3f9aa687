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
	"scanwarden/cmd/scanwarden/internal/config"
	"slices"
	"syscall"
)

// version is set by the linker for a release (-X main.version=v1.2.3).
var version string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal does not wait
	w := environment{ctx: ctx, env: config.ParseEnvironment(os.Environ()), stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	if err := run(w, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "scanwarden:", err)
		stop()
		os.Exit(exitCode(err))
	}
}

// environment is all of the outside that a command may touch.
type environment struct {
	ctx    context.Context
	env    config.Environment
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
}

// usageError is a command line that cannot be understood.
type usageError struct{ error }

// runner is a command. flags are the settings that were given on the command line.
type runner interface {
	Run(w environment, flags config.Flags) error
}

// run parses args and performs the command they name. It is the whole program but for the process around it.
func run(w environment, args []string) error {
	if len(args) == 0 {
		return usageError{errors.New(`choose a command: start with "scanwarden try", or see "scanwarden --help"`)}
	}
	line, err := parse(w, plainly(args))
	switch {
	case err != nil:
		return usageError{fmt.Errorf("%w; see \"scanwarden --help\"", err)}
	case line.help:
		return line.printHelp()
	case line.version:
		_, err := fmt.Fprintln(w.stdout, versionText())
		return err
	}
	return line.command.Run(w, line.flags)
}

// plainly takes help and version for the flags of that name: people try them as commands.
func plainly(args []string) []string {
	switch args[0] {
	case "help":
		return append(slices.Clone(args[1:]), "--help")
	case "version":
		return []string{"--version"}
	}
	return args
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
