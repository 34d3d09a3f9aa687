package web

// Closing returns a channel that is closed when Close has been called.
func Closing(l *Local) <-chan struct{} { return l.ctx.Done() }
