package server

import (
	"context"
	"fmt"
	"sync"
	"time"

	"scanwarden/confirm"
	"scanwarden/tools/mcpserver"
)

// lazyBackend builds the components in the background, so that the handshake is answered while the ledger is still
// being opened: no client waits for a disk.
type lazyBackend struct {
	start      func()        // starts building; later calls do nothing
	built      chan struct{} // closed when components or err is set
	components *components
	err        error // why there are no components, as tool calls receive it
	failure    error // why they could not be built; nil if settings are merely missing
}

// maxStartDelay bounds how long building waits for the first message of a client, because recovery must not wait
// longer.
const maxStartDelay = time.Second

// buildInBackground returns a backend that is built when start is called, a call comes, or maxStartDelay has passed.
// failed receives the error if it cannot be built, and returns what each tool call receives. Missing settings are no such
// error: they become that of each tool call.
func (b *Builder) buildInBackground(ctx context.Context, failed func(error) error) *lazyBackend {
	started := make(chan struct{})
	backend := &lazyBackend{start: sync.OnceFunc(func() { close(started) }), built: make(chan struct{})}
	if backend.err = b.cfg.MissingSettings(); backend.err != nil {
		b.log.Warn("every tool call will be refused", "reason", backend.err)
		b.finishBuild(backend)
		return backend
	}
	go func() {
		defer b.finishBuild(backend)
		select {
		case <-started:
		case <-time.After(maxStartDelay):
		}
		if backend.components, backend.failure = b.build(ctx); backend.failure != nil {
			backend.err = failed(backend.failure)
		}
	}()
	return backend
}

// finishBuild releases the calls that wait for the components.
func (b *Builder) finishBuild(backend *lazyBackend) {
	close(backend.built)
	if b.OnBuilt != nil {
		b.OnBuilt()
	}
}

// get waits for the components and returns them, or the error why they could not be built.
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

// gate waits for the components and returns their Gate.
func (b *lazyBackend) gate(ctx context.Context) (*confirm.Gate, error) {
	backend, err := b.get(ctx)
	if err != nil {
		return nil, err
	}
	return backend.Gate, nil
}

// health returns nil if calls can be served now.
func (b *lazyBackend) health(ctx context.Context) error {
	if _, err := b.get(ctx); err != nil {
		return err
	}
	return b.components.store.Ping(ctx)
}

// buildError returns why the components could not be built, and nil if they were or are still being built.
func (b *lazyBackend) buildError() error {
	select {
	case <-b.built:
		return b.failure
	default:
		return nil
	}
}

// close waits for the components if they are being built, and closes them.
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
