package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"scanwarden/tools/mcpserver"
)

// backend opens the house beside the door, so that the handshake is answered while the ledger is still
// being opened: no client waits for a disk.
type backend struct {
	begin  func()        // starts to open, if nobody has yet
	opened chan struct{} // closed when house or err is set
	house  *house
	err    error
}

// idle is how long the opening may wait for a client's first word. Recovery cannot wait longer.
const idle = time.Second

// openBeside opens the house when begin is called, or a call comes, or after a moment. failed is told why it
// cannot be opened; that ends the process. What is merely missing does not: it becomes the error of each
// tool call.
func (bp blueprint) openBeside(ctx context.Context, failed func(error)) *backend {
	begun := make(chan struct{})
	b := &backend{begin: sync.OnceFunc(func() { close(begun) }), opened: make(chan struct{})}
	if b.err = bp.cfg.missing(); b.err != nil {
		bp.log.Warn("every tool call will be refused", "reason", b.err)
		close(b.opened)
		return b
	}
	go func() {
		defer close(b.opened)
		select {
		case <-begun:
		case <-time.After(idle):
		}
		if b.house, b.err = bp.open(ctx); b.err != nil {
			failed(b.err)
		}
	}()
	return b
}

// wait returns the rooms as soon as they stand, or why they do not.
func (b *backend) wait(ctx context.Context) (*mcpserver.Backend, error) {
	b.begin()
	select {
	case <-b.opened:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if b.err != nil {
		return nil, b.err
	}
	return &mcpserver.Backend{Service: b.house.desk, Gate: b.house.gate}, nil
}

// ready says why calls would fail right now, nil when they would not.
func (b *backend) ready(ctx context.Context) error {
	if _, err := b.wait(ctx); err != nil {
		return err
	}
	return b.house.store.Ping(ctx)
}

// close waits until the house stands, if it is still being opened, and shuts it.
func (b *backend) close(ctx context.Context) error {
	b.begin()
	select {
	case <-b.opened:
	case <-ctx.Done():
		return fmt.Errorf("the ledger is still being opened: %w", ctx.Err())
	}
	if b.house == nil {
		return nil
	}
	return b.house.close(ctx)
}
