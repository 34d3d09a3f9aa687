package store_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
)

// lossyProxy is a TCP proxy in front of PostgreSQL that can lose the answer to a COMMIT.
type lossyProxy struct {
	listener net.Listener
	server   string // path of PostgreSQL's Unix socket

	mu      sync.Mutex
	cut     string        // how to treat the next transaction; see the constants
	release chan struct{} // delayCommit sends the commit when it is closed
	refuse  bool          // accept no connection
	conns   map[net.Conn]bool
}

// The ways to lose the answer to a COMMIT.
const (
	cutAnswer   = "answer"  // PostgreSQL commits, and its answer is not passed on
	cutCommit   = "commit"  // the COMMIT never reaches PostgreSQL, which rolls back
	delayCommit = "delayed" // the client is cut off, and the COMMIT reaches PostgreSQL later
)

// behindProxy returns the PostgreSQL database l as reached through a proxy.
func (l testDatabase) behindProxy(t testing.TB) (testDatabase, *lossyProxy) {
	t.Helper()
	u, err := url.Parse(l.URL)
	must(t, err)
	q := u.Query()
	p := &lossyProxy{server: filepath.Join(q.Get("host"), ".s.PGSQL.5432"), conns: map[net.Conn]bool{}}
	p.listener, err = net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	q.Del("host")
	q.Set("sslmode", "disable")
	u.Host, u.RawQuery = p.listener.Addr().String(), q.Encode()
	l.URL = u.String()
	var all sync.WaitGroup
	all.Go(func() { p.accept(&all) })
	t.Cleanup(func() {
		p.listener.Close()
		p.closeAll()
		all.Wait()
	})
	return l, p
}

func (p *lossyProxy) accept(all *sync.WaitGroup) {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", p.server)
		if err != nil || !p.track(client, server) {
			client.Close()
			continue
		}
		all.Go(func() { p.forwardRequests(client, server) })
		all.Go(func() { p.forwardAnswers(client, server) })
	}
}

// track records open connections. It returns false, and closes server, if new connections are refused.
func (p *lossyProxy) track(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		if p.refuse {
			c.Close()
			continue
		}
		p.conns[c] = true
	}
	return !p.refuse
}

func (p *lossyProxy) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
	clear(p.conns)
}

// loseNext makes the proxy treat the next transaction that writes to the log as way says.
func (p *lossyProxy) loseNext(way string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut, p.release = way, make(chan struct{})
}

// setRefusing makes the proxy refuse new connections, or accept them again.
func (p *lossyProxy) setRefusing(refuse bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = refuse
}

// take reports whether the proxy is to lose something in this way, and then is not to do it again.
func (p *lossyProxy) take(way string) (release chan struct{}, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut != way {
		return nil, false
	}
	p.cut = ""
	return p.release, true
}

// forwardRequests passes on what the client sends. Our transactions end with the batch that holds the audit entry.
func (p *lossyProxy) forwardRequests(client, server net.Conn) {
	defer server.Close()
	defer client.Close()
	buf := make([]byte, 1<<20)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		if bytes.Contains(buf[:n], []byte(`"event":"`)) {
			if _, ok := p.take(cutCommit); ok {
				return
			}
			if release, ok := p.take(delayCommit); ok {
				client.Close()
				<-release
				server.Write(buf[:n])
				<-release // PostgreSQL must not see the end of the connection before it has committed
				return
			}
		}
		if _, err := server.Write(buf[:n]); err != nil {
			return
		}
	}
}

// forwardAnswers passes on PostgreSQL's messages, except the answer to a COMMIT that is to be lost.
func (p *lossyProxy) forwardAnswers(client, server net.Conn) {
	for {
		var head [5]byte
		if _, err := io.ReadFull(server, head[:]); err != nil {
			client.Close()
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
		if _, err := io.ReadFull(server, body); err != nil {
			client.Close()
			return
		}
		if head[0] == 'C' && string(body) == "COMMIT\x00" {
			if _, ok := p.take(cutAnswer); ok {
				client.Close()
				server.Close()
				return
			}
		}
		client.Write(append(head[:], body...)) // after delayCommit nobody reads, and that is no error
	}
}
