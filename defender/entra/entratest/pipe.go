package entratest

import (
	"context"
	"net"
	"sync"
)

// Pipe is a listener whose connections stay in memory. A testing/synctest bubble knows when all goroutines wait on
// such connections; on those of a real port it does not.
type Pipe struct {
	accepted chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

// NewPipe returns an open listener.
func NewPipe() *Pipe {
	return &Pipe{accepted: make(chan net.Conn), closed: make(chan struct{})}
}

// DialContext connects to the listener, for any network and address. It waits until the connection is accepted, p is
// closed or ctx ends.
func (p *Pipe) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.accepted <- far:
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept returns the next connection, or net.ErrClosed.
func (p *Pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.accepted:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and DialContext. Connections stay open.
func (p *Pipe) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr returns the loopback address, which only serves as a name.
func (p *Pipe) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443} }
