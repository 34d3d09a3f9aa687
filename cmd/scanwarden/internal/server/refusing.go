package server

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/confirm"
	"scanwarden/tools"
	"scanwarden/tools/mcpserver"
)

// RefuseStdio serves one MCP client like ServeStdio, for a configuration that cannot be used. It completes the handshake,
// and refuses every tool call with what is wrong, because clients show neither the exit code nor the log of a server that
// ends. It opens nothing and keeps nothing. It returns the mistakes when in ends, and nil if ctx ended it.
func RefuseStdio(ctx context.Context, in io.Reader, out io.Writer, log *slog.Logger, mistakes error) error {
	none := &config.Config{}
	refusal := unusableSettings(mistakes)
	log.Error("every tool call will be refused", "reason", mistakes)
	mcp, err := mcpserver.New(mcpserver.Config{
		Operations: none.Operations,
		Backend:    func(context.Context) (*mcpserver.Backend, error) { return nil, refusal },
		Channels:   none.Channels(),
		Key:        func() ([]byte, error) { return randomKey(), nil },
		Log:        log,
	})
	if err != nil {
		return errors.Join(mistakes, err)
	}
	err = mcp.ServeStdio(ctx, in, out, confirm.Principal("local:unknown"))
	mcp.Close()
	if ctx.Err() != nil {
		return err
	}
	return errors.Join(mistakes, err)
}

// unusableSettings returns the refusal that every tool call receives if a server could not be built. The mistake names
// the setting, and never repeats a secret.
func unusableSettings(mistake error) error {
	return &tools.Refusal{
		Reason: "scanwarden cannot work with its settings: " + mistake.Error(),
		Next:   "Have the operator correct this and start scanwarden again; `scanwarden doctor` checks every setting.",
	}
}

// randomKey returns a key that is not kept.
func randomKey() []byte {
	key := make([]byte, KeySize)
	rand.Read(key) // never fails, see crypto/rand
	return key
}
