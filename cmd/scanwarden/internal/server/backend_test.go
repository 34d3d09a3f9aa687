package server

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/config/configtest"
	"scanwarden/defender"
	"scanwarden/defender/entra/entratest"
)

// TestBackendStartsByItself: the ledger is opened although no client calls, because changes may wait in it for
// recovery.
func TestBackendStartsByItself(t *testing.T) {
	t.Parallel()
	c := configtest.Load(t, "", config.Environment{"SCANWARDEN_STATE_DIR": t.TempDir()})
	c.Simulator = true
	b := &Builder{cfg: c, log: slog.New(slog.DiscardHandler)}
	back := b.buildInBackground(t.Context(), func(err error) error { t.Error(err); return err })
	select {
	case <-back.built:
	case <-time.After(time.Minute):
		t.Fatal("it waits for a client")
	}
	if err := back.health(t.Context()); err != nil {
		t.Error(err)
	}
	if err := back.close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestCloseEndsASignIn: no user can begin to sign in after the backend was closed.
func TestCloseEndsASignIn(t *testing.T) {
	t.Parallel()
	c := configtest.Load(t, "", config.Environment{
		"SCANWARDEN_AUTH": "device-code", "AZURE_TENANT_ID": entratest.Tenant, "AZURE_CLIENT_ID": testAppID,
		"AZURE_AUTHORITY_HOST": "https://127.0.0.1:1", "SCANWARDEN_STATE_DIR": t.TempDir(),
	})
	b := NewBuilder(c, config.Environment{}, slog.New(slog.DiscardHandler), "test")
	back := b.buildInBackground(t.Context(), func(err error) error { t.Error(err); return err })
	if err := back.close(t.Context()); err != nil {
		t.Fatal(err)
	}
	ids, err := b.SignIn()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ids.Read(t.Context(), defender.TokenRequest{}); err == nil || !strings.Contains(err.Error(), "the program is ending") {
		t.Errorf("after the end: %v", err)
	}
}
