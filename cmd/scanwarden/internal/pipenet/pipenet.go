// Package pipenet is a network of pipes for tests. Its connections are known to testing/synctest, so that time in a
// bubble advances as soon as all goroutines wait.
package pipenet

import (
	"context"
	"net"
	"sync"
)

// Listener is a net.Listener; Dial makes its connections.
type Listener struct {
	accepted chan net.Conn
	closed   chan struct{}
	closing  func()
}

// NewListener returns a listener without an address of its own.
func NewListener() *Listener {
	l := &Listener{accepted: make(chan net.Conn), closed: make(chan struct{})}
	l.closing = sync.OnceFunc(func() { close(l.closed) })
	return l
}

// Dial connects to the listener. It returns net.ErrClosed after Close.
func (l *Listener) Dial(ctx context.Context) (net.Conn, error) {
	select {
	case <-l.closed:
		return nil, net.ErrClosed
	default:
	}
	near, far := net.Pipe()
	select {
	case l.accepted <- far:
		return near, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept waits for the next connection. It returns net.ErrClosed after Close.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.accepted:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends all waiting calls of Accept and Dial.
func (l *Listener) Close() error {
	l.closing()
	return nil
}

// Addr returns a loopback address that nothing listens on.
func (l *Listener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }
