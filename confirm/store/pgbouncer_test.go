package store_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

// behindPgBouncer returns the PostgreSQL database l as reached through PgBouncer in transaction mode, which has fewer
// connections to the server than clients, and refuses startup parameters. Its role's connections are not durable by
// default. The test is skipped if PgBouncer is not installed.
func (l testDatabase) behindPgBouncer(t *testing.T) testDatabase {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		t.Skip("pgbouncer is not installed")
	}
	u, err := url.Parse(l.URL)
	must(t, err)
	l = l.newHostileRole(t, map[string]string{"search_path": u.Query().Get("search_path"), "synchronous_commit": "off"})
	u, err = url.Parse(l.URL)
	must(t, err)
	dir, err := os.MkdirTemp("/tmp", "pgbouncer-"+strings.ToLower(rand.Text())[:8])
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o777))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	address := listener.Addr().(*net.TCPAddr)
	must(t, listener.Close())
	users, ini := filepath.Join(dir, "users.txt"), filepath.Join(dir, "pgbouncer.ini")
	must(t, os.WriteFile(users, fmt.Appendf(nil, "%q \"\"\n", u.User.Username()), 0o644))
	must(t, os.WriteFile(ini, fmt.Appendf(nil, "[databases]\npostgres = host=%s\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\n"+
		"unix_socket_dir =\nauth_type = trust\nauth_file = %s\npool_mode = transaction\ndefault_pool_size = 3\nlogfile =\n",
		u.Query().Get("host"), address.Port, users), 0o644))
	args := []string{"-q", ini}
	if os.Getuid() == 0 {
		args = []string{"-q", "-u", "postgres", ini}
	}
	bouncer := exec.Command(program, args...)
	bouncer.Stderr = os.Stderr
	must(t, bouncer.Start())
	t.Cleanup(func() {
		bouncer.Process.Kill()
		bouncer.Wait()
	})
	l.URL = "postgres://" + u.User.Username() + "@" + address.String() + "/postgres?sslmode=disable"
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", address.String())
		if err == nil {
			conn.Close()
			return l
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// In transaction mode each transaction may run on another connection. Statements prepared by name are missing there, and
// settings of the session are those of another client.
func TestPgBouncerInTransactionMode(t *testing.T) {
	postgresOnly(t, func(t *testing.T, l testDatabase) {
		l = l.behindPgBouncer(t)
		stores := []*store.Store{l.openStore(t), l.openStore(t), l.openStore(t)}
		inParallel(24, func(i int) {
			s := stores[i%len(stores)]
			if err := runLifecycle(t.Context(), s, func(confirm.Change) {}); err != nil {
				t.Error(err)
			}
			if err := s.RateLimiter(store.Limits{}, nil).Wait(t.Context(), confirmedWrite); err != nil {
				t.Error(err)
			}
		})
		mustVerify(t, stores[0])
		if got, err := stores[0].ServerSettings(t.Context()); err != nil || got.SynchronousCommit == "" {
			t.Errorf("server settings: %+v, %v", got, err)
		}
	})
}

// A mode of the driver in the URL, as is advised for PgBouncer, must not make a lost answer to COMMIT look like a commit
// that was never sent.
func TestTheURLCannotChooseHowStatementsAreSent(t *testing.T) {
	behindLossyProxy(t, func(t *testing.T, l testDatabase, p *lossyProxy) {
		l.URL += "&default_query_exec_mode=exec&description_cache_capacity=0"
		s := l.openStore(t)
		s.SetPatience(300 * time.Millisecond)
		c := insert(t, s)
		p.loseNext(cutAnswer)
		p.setRefusing(true)
		if _, err := s.Move(t.Context(), c, approval("ada")); !errors.Is(err, confirm.ErrUnknownCommit) {
			t.Errorf("got %v, want ErrUnknownCommit", err)
		}
		p.setRefusing(false)
	})
}
