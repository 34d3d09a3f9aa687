package server

import (
	"context"
	"errors"
	"io"
	"os"
	"os/user"
	"strconv"
	"sync"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/confirm"
)

// ServeStdio serves one MCP client of the local user until in ends or ctx is done. It returns nil if ctx ended
// it. A server that cannot be built serves on, and refuses every tool call with what is wrong; its error is returned when
// in ends.
func (b *Builder) ServeStdio(ctx context.Context, in io.Reader, out io.Writer) error {
	running, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var back *lazyBackend
	var err error
	if b.bot, err = b.newBot(func() *lazyBackend { return back }); err != nil {
		return RefuseStdio(ctx, in, out, b.log, err)
	}
	user := LocalUser(b.env)
	pages, access := b.newLocalPages(user, func() *lazyBackend { return back })
	b.pages = access
	back = b.buildInBackground(running, b.refuseCalls)
	stopBot := b.startBot(running)
	mcp, err := b.newMCPServer(back)
	if err == nil {
		hooked := firstWriteHook{out, sync.OnceFunc(back.start)}
		err = mcp.ServeStdio(running, in, hooked, user)
		mcp.Close()
	}
	// Before buildError: a client may leave before the ledger fails to open.
	left := WithShutdownTimeout(closing(pages.Close), stopBot, back.close)
	if ctx.Err() != nil {
		return errors.Join(err, left)
	}
	return errors.Join(err, exitReason(running, ctx), left, back.buildError())
}

// refuseCalls logs why the server could not be built, and returns what each tool call receives.
func (b *Builder) refuseCalls(err error) error {
	b.log.Error("every tool call will be refused", "reason", err)
	return unusableSettings(err)
}

// firstWriteHook calls first after the first write, which is the answer to the handshake. Building the backend beside
// that answer would take the processor from it on a small machine.
type firstWriteHook struct {
	io.Writer
	first func()
}

// Write writes to the wrapped writer and calls the hook.
func (w firstWriteHook) Write(b []byte) (int, error) {
	defer w.first()
	return w.Writer.Write(b)
}

// LocalUser returns the principal of the user that runs this process.
func LocalUser(env config.Environment) confirm.Principal {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return confirm.Principal("local:" + u.Username)
	}
	// A container may have no user database.
	if name := env["USER"]; name != "" {
		return confirm.Principal("local:" + name)
	}
	return confirm.Principal("local:" + strconv.Itoa(os.Getuid()))
}
