package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"scanwarden/confirm"
)

// shutdownTimeout is how long an end may take: what Defender is doing right now ends first. Process managers wait
// for ten seconds.
const shutdownTimeout = 9 * time.Second

type stdioCommand struct {
	tenantFlags
	policyFlags
	slackFlags
	ledgerFlags
}

// Run serves one MCP client until it closes stdin or the process is asked to end.
func (s stdioCommand) Run(w environment, flags Flags) error {
	cfg, err := Load(w.env, flags)
	if err != nil {
		return err
	}
	cfg.Simulator = s.Simulator
	if IsTerminal(w.stdin) {
		fmt.Fprintln(w.stderr, "An MCP client starts this command and speaks to it; it waits for one on standard input. Ctrl-C ends it.")
	}
	bp := NewBuilder(cfg, w)
	ctx, fail := context.WithCancelCause(w.ctx)
	defer fail(nil)
	collect := delayGC()
	defer collect()
	var back *lazyBackend
	if bp.bot, err = bp.newBot(func() *lazyBackend { return back }); err != nil {
		return err
	}
	back = bp.buildInBackground(ctx, fail)
	stopBot := bp.startBot(ctx, fail)
	server, err := bp.newMCPServer(back)
	if err == nil {
		out := firstWriteHook{w.stdout, sync.OnceFunc(func() { collect(); back.start() })}
		err = server.ServeStdio(ctx, w.stdin, out, LocalUser(w.env))
		server.Close()
	}
	left := withShutdownTimeout(stopBot, back.close) // before ending: a client may be gone sooner than the ledger refuses to open
	return errors.Join(err, exitReason(ctx, w.ctx), left)
}

// firstWriteHook opens the rooms right after the first answer, the one to the handshake, and not beside it: on a
// small machine they would take the processor from it.
type firstWriteHook struct {
	io.Writer
	first func()
}

func (a firstWriteHook) Write(b []byte) (int, error) {
	defer a.first()
	return a.Writer.Write(b)
}

// delayGC lets the heap grow to 16 MiB before it is collected, until the function it returns is called.
// What a start allocates stays anyway: a collection in the middle of it would be a quarter of its time.
func delayGC() (again func()) {
	percent := debug.SetGCPercent(400)
	return func() { debug.SetGCPercent(percent) }
}

// exitReason tells why a server stopped: nil when it was asked to.
func exitReason(ctx, asked context.Context) error {
	if asked.Err() != nil || ctx.Err() == nil {
		return nil
	}
	return context.Cause(ctx)
}

// withShutdownTimeout gives the last steps their time.
func withShutdownTimeout(steps ...func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	var errs []error
	for _, step := range steps {
		errs = append(errs, step(ctx))
	}
	return errors.Join(errs...)
}

// LocalUser is the person who runs this process.
func LocalUser(env Environment) confirm.Principal {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return confirm.Principal("local:" + u.Username)
	}
	// A container may have no user database.
	if name := env["USER"]; name != "" {
		return confirm.Principal("local:" + name)
	}
	return confirm.Principal("local:" + strconv.Itoa(os.Getuid()))
}
