package tools

import "context"

type progressKey struct{}

// WithProgress makes Progress of this context's work call note; a face uses it to show what is waited for.
// A nil note silences what an outer context asked for.
func WithProgress(ctx context.Context, note func(string)) context.Context {
	return context.WithValue(ctx, progressKey{}, note)
}

// Progress tells whoever waits what is going on. Without WithProgress it does nothing.
func Progress(ctx context.Context, note string) {
	if tell, _ := ctx.Value(progressKey{}).(func(string)); tell != nil {
		tell(note)
	}
}

// detach returns ctx for work that others wait for as well: it does not end with the caller, and has nothing
// more to tell them once they are gone.
func detach(ctx context.Context) context.Context {
	return WithProgress(context.WithoutCancel(ctx), func(note string) {
		if ctx.Err() == nil {
			Progress(ctx, note)
		}
	})
}
