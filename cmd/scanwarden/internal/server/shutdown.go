package server

import (
	"context"
	"errors"
	"time"
)

// shutdownTimeout bounds the end of the process, in which a write that Defender is still processing is waited for.
// Process managers kill after ten seconds.
const shutdownTimeout = 9 * time.Second

// exitReason returns why a server stopped: the cause with which running was canceled, or nil if the end was requested.
func exitReason(running, requested context.Context) error {
	if requested.Err() != nil || running.Err() == nil {
		return nil
	}
	return context.Cause(running)
}

// WithShutdownTimeout calls the steps in order, with a context that ends after shutdownTimeout. It returns their errors.
func WithShutdownTimeout(steps ...func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	var errs []error
	for _, step := range steps {
		errs = append(errs, step(ctx))
	}
	return errors.Join(errs...)
}

// closing returns a step of WithShutdownTimeout that calls end, which takes a bounded time by itself.
func closing(end func()) func(context.Context) error {
	return func(context.Context) error {
		end()
		return nil
	}
}
