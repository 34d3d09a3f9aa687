package tools

import "context"

type progressKey struct{}

// WithProgress returns a context in which Progress calls note, so that an interface can show what is waited for. A
// nil note silences an outer context's note.
func WithProgress(ctx context.Context, note func(string)) context.Context {
	return context.WithValue(ctx, progressKey{}, note)
}

// Progress reports what the work of ctx is doing. It does nothing without WithProgress.
func Progress(ctx context.Context, note string) {
	if tell, _ := ctx.Value(progressKey{}).(func(string)); tell != nil {
		tell(note)
	}
}

// detach returns ctx for work that other callers wait for as well. It does not end with ctx, and reports no progress
// after ctx is done.
func detach(ctx context.Context) context.Context {
	return WithProgress(context.WithoutCancel(ctx), func(note string) {
		if ctx.Err() == nil {
			Progress(ctx, note)
		}
	})
}
