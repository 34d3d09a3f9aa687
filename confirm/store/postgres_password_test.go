package store_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

// needPassword makes PostgreSQL ask this role for its password: see .ci/postgres.sh.
func (l testDatabase) needPassword(t *testing.T) (role string) {
	t.Helper()
	u, err := url.Parse(l.URL)
	must(t, err)
	l.raw.Exec("CREATE ROLE needs_password") // it may exist
	_, err = l.raw.Exec("GRANT needs_password TO " + u.User.Username())
	must(t, err)
	return u.User.Username()
}

// setPassword changes the password of a role, and ends its connections, as a token ends.
func (l testDatabase) setPassword(t *testing.T, role, password string) {
	t.Helper()
	_, err := l.raw.Exec("ALTER ROLE " + role + " PASSWORD '" + password + "'")
	must(t, err)
	_, err = l.raw.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", role)
	must(t, err)
}

// TestThePasswordIsAskedForAtEachConnection: a token that Entra ID has renewed is the password of the next connection. A
// token of before is refused, so the server does not simply trust the role.
func TestThePasswordIsAskedForAtEachConnection(t *testing.T) {
	postgresOnly(t, func(t *testing.T, l testDatabase) {
		l = l.newHostileRole(t, nil)
		role := l.needPassword(t)
		l.setPassword(t, role, "first")
		var token atomic.Value
		token.Store("first")
		s, err := store.Open(t.Context(), store.Config{URL: l.URL, KeyDir: t.TempDir(), Password: func(context.Context) (string, error) {
			return token.Load().(string), nil
		}})
		must(t, err)
		t.Cleanup(func() { s.Close() })
		must(t, runLifecycle(t.Context(), s, func(confirm.Change) {}))

		l.setPassword(t, role, "second")
		if _, err := s.Changes(t.Context(), confirm.Filter{}); err == nil || strings.Contains(err.Error(), "first") {
			t.Fatalf("with the token of before, reading returned %v", err)
		}
		token.Store("second")
		must(t, runLifecycle(t.Context(), s, func(confirm.Change) {}))
	})
}

// TestATokenNeverCrossesTheNetworkInTheClear: the URL must ask for TLS, unless the database is on this machine.
func TestATokenNeverCrossesTheNetworkInTheClear(t *testing.T) {
	t.Parallel()
	asked := errors.New("the password was asked for")
	password := func(context.Context) (string, error) { return "", asked }
	for address, want := range map[string]string{
		"postgres://u@db.example.invalid/x":                     "sslmode=verify-full", // prefer falls back to plain text
		"postgres://u@db.example.invalid/x?sslmode=disable":     "sslmode=verify-full",
		"postgres://u@db.example.invalid/x?sslmode=allow":       "sslmode=verify-full",
		"postgres://u@192.0.2.1/x?sslmode=prefer":               "sslmode=verify-full",
		"postgres://u@db.example.invalid/x?sslmode=require":     asked.Error(),
		"postgres://u@db.example.invalid/x?sslmode=verify-full": asked.Error(),
		"postgres://u@127.0.0.1:1/x":                            asked.Error(),
		"postgres://u@localhost:1/x?sslmode=disable":            asked.Error(),
		"postgres://u@/x?host=/nowhere&sslmode=disable":         asked.Error(),
	} {
		s, err := store.Open(t.Context(), store.Config{URL: address, KeyDir: t.TempDir(), Password: password})
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", address, err, want)
		}
	}
}
