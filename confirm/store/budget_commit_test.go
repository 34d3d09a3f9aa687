package store_test

import (
	"bytes"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"scanwarden/confirm/store"
)

// budgetProxy forwards a PostgreSQL connection. While armed, it closes a connection instead of passing on the answer to
// COMMIT.
type budgetProxy struct {
	network, server string // of the real server
	armed           atomic.Int64
	lost            atomic.Int64
}

// commitAnswer is the server's message after a COMMIT (CommandComplete).
var commitAnswer = []byte("C\x00\x00\x00\x0bCOMMIT\x00")

// startBudgetProxy returns the database behind a proxy.
func (l testDatabase) startBudgetProxy(t testing.TB) (testDatabase, *budgetProxy) {
	t.Helper()
	u, err := url.Parse(l.URL)
	must(t, err)
	q := u.Query()
	p := &budgetProxy{network: "tcp", server: u.Host}
	if dir := q.Get("host"); strings.HasPrefix(dir, "/") {
		p.network, p.server = "unix", filepath.Join(dir, ".s.PGSQL.5432")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var open sync.WaitGroup
	open.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			open.Go(func() { p.forward(client) })
		}
	})
	t.Cleanup(func() { listener.Close(); open.Wait() })
	q.Del("host")
	q.Set("sslmode", "disable")
	u.Host, u.RawQuery = listener.Addr().String(), q.Encode()
	l.URL = u.String()
	return l, p
}

// forward copies between a client and the server until one of them closes.
func (p *budgetProxy) forward(client net.Conn) {
	defer client.Close()
	server, err := net.Dial(p.network, p.server)
	if err != nil {
		return
	}
	go func() {
		io.Copy(server, client)
		server.Close()
	}()
	defer server.Close()
	answer := make([]byte, 1<<16)
	for {
		n, err := server.Read(answer)
		if err != nil {
			return
		}
		if bytes.Contains(answer[:n], commitAnswer) && p.armed.Add(-1) >= 0 {
			p.lost.Add(1)
			return
		}
		if _, err := client.Write(answer[:n]); err != nil {
			return
		}
	}
}

// A call whose COMMIT was not answered is asked for again: a confirmed change must not fail for it. At most one call
// more is counted.
func TestRateLimitSurvivesALostCommit(t *testing.T) {
	postgresOnly(t, func(t *testing.T, l testDatabase) {
		behind, proxy := l.startBudgetProxy(t)
		limiter := behind.openStore(t).RateLimiter(store.Limits{}, nil)
		must(t, limiter.Wait(t.Context(), confirmedWrite))
		proxy.armed.Store(1)
		must(t, limiter.Wait(t.Context(), confirmedWrite))
		var taken int
		must(t, l.raw.QueryRow(`SELECT taken FROM budget`).Scan(&taken))
		if proxy.lost.Load() != 1 || taken != 3 {
			t.Errorf("%d answers were lost, and %d calls counted", proxy.lost.Load(), taken)
		}
	})
}
