package main

import (
	"context"
	"net"
	"sync"
)

// pipeListener is a listener whose connections are pipes, so that a synctest bubble knows when all is at rest, and its time
// passes at once.
type pipeListener struct {
	accepted chan net.Conn
	closed   chan struct{}
	close    func()
}

func newPipeListener() pipeListener {
	w := pipeListener{accepted: make(chan net.Conn), closed: make(chan struct{})}
	w.close = sync.OnceFunc(func() { close(w.closed) })
	return w
}

func (w pipeListener) Dial(ctx context.Context) (net.Conn, error) {
	select {
	case <-w.closed:
		return nil, net.ErrClosed
	default:
	}
	near, far := net.Pipe()
	select {
	case w.accepted <- far:
		return near, nil
	case <-w.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (w pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-w.accepted:
		return c, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

func (w pipeListener) Close() error   { w.close(); return nil }
func (w pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }
