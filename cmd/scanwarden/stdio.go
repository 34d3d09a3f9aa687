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

// goodbye is how long an end may take: what Defender is doing right now ends first. Process managers wait
// for ten seconds.
const goodbye = 9 * time.Second

type stdioCommand struct {
	tenantFlags
	policyFlags
	slackFlags
	ledgerFlags
}

// Run serves one MCP client until it closes stdin or the process is asked to end.
func (s stdioCommand) Run(w world, flags flagValues) error {
	cfg, err := load(w.environment, flags)
	if err != nil {
		return err
	}
	cfg.Simulator = s.Simulator
	if isTerminal(w.in) {
		fmt.Fprintln(w.errs, "An MCP client starts this command and speaks to it; it waits for one on standard input. Ctrl-C ends it.")
	}
	bp := draw(cfg, w)
	ctx, fail := context.WithCancelCause(w.ctx)
	defer fail(nil)
	collect := collectLater()
	defer collect()
	var back *backend
	if bp.bot, err = bp.newBot(func() *backend { return back }); err != nil {
		return err
	}
	back = bp.openBeside(ctx, fail)
	stopBot := bp.runBot(ctx, fail)
	server, err := bp.door(back)
	if err == nil {
		out := answered{w.out, sync.OnceFunc(func() { collect(); back.begin() })}
		err = server.ServeStdio(ctx, w.in, out, localUser(w.environment))
		server.Close()
	}
	left := farewell(stopBot, back.close) // before ending: a client may be gone sooner than the ledger refuses to open
	return errors.Join(err, ending(ctx, w.ctx), left)
}

// answered opens the rooms right after the first answer, the one to the handshake, and not beside it: on a
// small machine they would take the processor from it.
type answered struct {
	io.Writer
	first func()
}

func (a answered) Write(b []byte) (int, error) {
	defer a.first()
	return a.Writer.Write(b)
}

// collectLater lets the heap grow to 16 MiB before it is collected, until the function it returns is called.
// What a start allocates stays anyway: a collection in the middle of it would be a quarter of its time.
func collectLater() (again func()) {
	percent := debug.SetGCPercent(400)
	return func() { debug.SetGCPercent(percent) }
}

// ending tells why a server stopped: nil when it was asked to.
func ending(ctx, asked context.Context) error {
	if asked.Err() != nil || ctx.Err() == nil {
		return nil
	}
	return context.Cause(ctx)
}

// farewell gives the last steps their time.
func farewell(steps ...func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	var errs []error
	for _, step := range steps {
		errs = append(errs, step(ctx))
	}
	return errors.Join(errs...)
}

// localUser is the person who runs this process.
func localUser(env environment) confirm.Principal {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return confirm.Principal("local:" + u.Username)
	}
	// A container may have no user database.
	if name := env["USER"]; name != "" {
		return confirm.Principal("local:" + name)
	}
	return confirm.Principal("local:" + strconv.Itoa(os.Getuid()))
}
