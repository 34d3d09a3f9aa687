package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"scanwarden/confirm"
)

const (
	// fetchWait bounds how long Show waits for the browser to fetch the page. An opener that reports success may have
	// shown nothing.
	fetchWait = 10 * time.Second
	// linkTTL bounds how long a one-time link can be opened.
	linkTTL = 2 * time.Minute
	// readingTime is how long the pages stay after the last change has ended, so that a person can read how it ended.
	readingTime = 2 * time.Minute
	// lastPageTimeout bounds the wait for the browser to fetch the page to which the last form leads.
	lastPageTimeout = time.Second
	// shutdownTimeout bounds the wait for requests in flight when the pages end.
	shutdownTimeout = 2 * time.Second
)

// LocalConfig configures the pages of a user's own stdio server.
type LocalConfig struct {
	Pages ChangesConfig // Authenticate, Base, Hosts and Secure are set by Local
	User  confirm.Principal
	// Open shows an address in the user's browser. It returns an error if there is none to be found.
	Open func(ctx context.Context, url string) error
}

// ErrNoBrowser means that no browser has fetched the page.
var ErrNoBrowser = errors.New("no browser has opened the page")

// Local serves the change pages to the user of this machine: on a loopback address and a random port, while a change that
// was shown waits, and for two minutes after it has ended. It is safe for concurrent use.
//
// The browser is opened with a one-time link, which it trades for a cookie. The link, the cookie and the path are random.
// None of them is returned, logged, or shown anywhere else: whoever has the link could decide.
type Local struct {
	cfg LocalConfig

	mu      sync.Mutex
	running *localServer       // nil while nothing waits
	opened  map[string]opening // by change, while running
	ended   sync.WaitGroup
	ctx     context.Context // ends with Close
	stop    context.CancelFunc
}

// NewLocal returns Local pages. Nothing listens before Show. Close ends them.
func NewLocal(cfg LocalConfig) *Local {
	if cfg.Pages.Log == nil {
		cfg.Pages.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Pages.Now == nil {
		cfg.Pages.Now = time.Now
	}
	ctx, stop := context.WithCancel(context.Background())
	return &Local{cfg: cfg, ctx: ctx, stop: stop, opened: map[string]opening{}}
}

// Close ends the pages and waits for their goroutines.
func (l *Local) Close() {
	l.stop()
	l.ended.Wait()
}

// Show opens the page of a change in the user's browser, and returns nil once the browser has fetched it. It returns
// ErrNoBrowser if that does not happen within ten seconds; its text names no address. A page that was opened a moment ago,
// or often already, is not opened again: a model that repeats its call must not fill the screen.
func (l *Local) Show(ctx context.Context, c confirm.Change) error {
	if l.openedEnough(c) {
		return nil
	}
	s, err := l.serve(c)
	if err != nil {
		return err
	}
	link, fetched := s.newLink(c, l.cfg.Pages.Now())
	ctx, cancel := context.WithTimeout(ctx, fetchWait)
	defer cancel()
	opened := make(chan error, 1)
	l.ended.Go(func() { opened <- l.cfg.Open(ctx, link) }) // a browser that was just started may not return
	for {
		select {
		case <-fetched:
			l.recordOpened(c)
			return nil
		case err := <-opened:
			if err != nil {
				return fmt.Errorf("%w: %w", ErrNoBrowser, withoutLink(err, link))
			}
			opened = nil
		case <-ctx.Done():
			return ErrNoBrowser
		}
	}
}

const (
	// reopenAfter is how soon the page of the same change can be opened again.
	reopenAfter = 5 * time.Second
	// maxOpened bounds how often the page of one change is opened.
	maxOpened = 5
)

// opening counts how often the page of a change was opened.
type opening struct {
	times int
	last  time.Time
}

// openedEnough reports whether the page of c is not to be opened again now.
func (l *Local) openedEnough(c confirm.Change) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	o := l.opened[c.ID]
	return o.times >= maxOpened || o.times > 0 && l.cfg.Pages.Now().Sub(o.last) < reopenAfter
}

// recordOpened counts that a browser has the page of c.
func (l *Local) recordOpened(c confirm.Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.opened[c.ID] = opening{l.opened[c.ID].times + 1, l.cfg.Pages.Now()}
}

// withoutLink returns err unless its text has the link, which no log may have.
func withoutLink(err error, link string) error {
	if strings.Contains(err.Error(), link) {
		return errors.New("the browser could not be started")
	}
	return err
}

// serve returns the running server, started if need be, and keeps it until the change has ended and was read.
func (l *Local) serve(c confirm.Change) (*localServer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx.Err() != nil {
		return nil, errors.New("the pages are closed")
	}
	if l.running == nil {
		s, err := l.start()
		if err != nil {
			return nil, err
		}
		l.running = s
	}
	l.running.shown++
	s := l.running
	l.ended.Go(func() { l.release(s, c) })
	return s, nil
}

// release waits until the change has ended and a person had time to read how. The last one ends the server.
func (l *Local) release(s *localServer, c confirm.Change) {
	if gate, err := l.cfg.Pages.Gate(l.ctx); err == nil {
		_, _ = gate.Wait(l.ctx, c.ID) // with an error, too, the server ends after the reading time
	}
	select {
	case <-time.After(readingTime):
	case <-l.ctx.Done():
	}
	s.waitDue()
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.shown--; s.shown > 0 {
		return
	}
	if l.running == s {
		l.running = nil
		clear(l.opened)
	}
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		_ = s.http.Close()
	}
}
