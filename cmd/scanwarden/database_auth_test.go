package main

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

const azureDatabase = "https://ossrdbms-aad.database.windows.net"

// receivePassword returns the address of a PostgreSQL that asks its first caller for the password, puts it into the
// channel, and refuses.
func receivePassword(t *testing.T) (address string, passwords <-chan string) {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	got := make(chan string, 1)
	go func() {
		defer close(got)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		backend := pgproto3.NewBackend(conn, conn)
		if _, err := backend.ReceiveStartupMessage(); err != nil {
			return
		}
		backend.Send(&pgproto3.AuthenticationCleartextPassword{})
		if backend.Flush() != nil || backend.SetAuthType(pgproto3.AuthTypeCleartextPassword) != nil {
			return
		}
		if message, err := backend.Receive(); err == nil {
			if password, ok := message.(*pgproto3.PasswordMessage); ok {
				got <- password.Password
			}
		}
		backend.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "28P01", Message: "password authentication failed"})
		_ = backend.Flush()
	}()
	return listener.Addr().String(), got
}

// TestATokenIsThePasswordOfTheDatabase: with SCANWARDEN_DATABASE_AUTH=entra the application's token for Azure Database
// signs in to PostgreSQL.
func TestATokenIsThePasswordOfTheDatabase(t *testing.T) {
	t.Parallel()
	s := newEntraStack(t, azureDatabase)
	address, passwords := receivePassword(t)
	s.env = append(s.env, "SCANWARDEN_DATABASE_AUTH=entra", "SCANWARDEN_DATABASE_URL=postgres://app@"+address+"/scanwarden?sslmode=disable")
	err := s.command("changes", "--json").Run()
	out := s.logs.String()
	if err == nil {
		t.Errorf("changes read a ledger that does not exist:\n%s", out)
	}
	var token string
	select {
	case token = <-passwords:
	case <-time.After(waitTimeout):
		t.Fatalf("nobody signed in to the database:\n%s", out)
	}
	if _, err := s.entra.Valid(token, azureDatabase); err != nil {
		t.Errorf("the password is no token for the database: %v\n%s", err, out)
	}
	if token == "" || strings.Contains(out, token) {
		t.Errorf("the output repeats the token:\n%s", out)
	}
}
