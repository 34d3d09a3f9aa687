package server

import (
	"context"
	"fmt"
	"sync"
	"time"

	"scanwarden/tools/mcpserver"
)

// lazyBackend opens the house beside the door, so that the handshake is answered while the ledger is still
// being opened: no client waits for a disk.
type lazyBackend struct {
	start      func()        // starts to open, if nobody has yet
	built      chan struct{} // closed when house or err is set
	components *components
	err        error
}

// maxStartDelay is how long the opening may wait for a client's first word. Recovery cannot wait longer.
const maxStartDelay = time.Second

// buildInBackground opens the house when begin is called, or a call comes, or after a moment. failed is told why it
// cannot be opened; that ends the process. What is merely missing does not: it becomes the error of each
// tool call.
func (b *Builder) buildInBackground(ctx context.Context, failed func(error)) *lazyBackend {
	begun := make(chan struct{})
	backend := &lazyBackend{start: sync.OnceFunc(func() { close(begun) }), built: make(chan struct{})}
	if backend.err = b.cfg.MissingSettings(); backend.err != nil {
		b.log.Warn("every tool call will be refused", "reason", backend.err)
		close(backend.built)
		return backend
	}
	go func() {
		defer close(backend.built)
		select {
		case <-begun:
		case <-time.After(maxStartDelay):
		}
		if backend.components, backend.err = b.build(ctx); backend.err != nil {
			failed(backend.err)
		}
	}()
	return backend
}

// get returns the rooms as soon as they stand, or why they do not.
func (b *lazyBackend) get(ctx context.Context) (*mcpserver.Backend, error) {
	b.start()
	select {
	case <-b.built:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if b.err != nil {
		return nil, b.err
	}
	return &mcpserver.Backend{Service: b.components.service, Gate: b.components.gate}, nil
}

// health says why calls would fail right now, nil when they would not.
func (b *lazyBackend) health(ctx context.Context) error {
	if _, err := b.get(ctx); err != nil {
		return err
	}
	return b.components.store.Ping(ctx)
}

// close waits until the house stands, if it is still being opened, and shuts it.
func (b *lazyBackend) close(ctx context.Context) error {
	b.start()
	select {
	case <-b.built:
	case <-ctx.Done():
		return fmt.Errorf("the ledger is still being opened: %w", ctx.Err())
	}
	if b.components == nil {
		return nil
	}
	return b.components.close(ctx)
}
