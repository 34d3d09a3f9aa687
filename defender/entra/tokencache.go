package entra

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/cache"
)

// shelf keeps what MSAL remembers of the person who signed in: between runs in a sealed file where there is one
// and a protected store for its key, else in memory alone.
//
// It is MSAL's cache, and MSAL reads it, works, and writes it again: whoever does that holds the shelf
// meanwhile, so that neither another goroutine nor another process writes in between.
type shelf struct {
	dir, name string // "" keeps nothing between runs

	held    chan struct{} // has one place, taken by who holds the shelf, who may touch what follows
	opened  bool
	file    *sealed // nil in memory
	content []byte  // in memory

	remark atomic.Pointer[string]
}

func newShelf(dir, identity string) *shelf {
	return &shelf{dir: dir, name: identity, held: make(chan struct{}, 1)}
}

// hold waits for the shelf; the caller releases it.
func (s *shelf) hold(ctx context.Context) (release func(), problem *Error) {
	select {
	case s.held <- struct{}{}:
	case <-ctx.Done():
		return nil, silence()
	}
	if !s.opened {
		s.open(ctx)
	}
	unlock := func() {}
	if s.file != nil {
		var err error
		if unlock, err = s.file.lock(ctx); err != nil {
			<-s.held
			return nil, &Error{Temporary: true, Hint: "another process holds the kept sign-in, or its directory cannot be written: " +
				"check SCANWARDEN_STATE_DIR, or try again"}
		}
	}
	return func() { unlock(); <-s.held }, nil
}

// open finds out where to keep things. It is tried once: a store that a person has to unlock asks them each time.
func (s *shelf) open(ctx context.Context) {
	s.opened = true
	if s.dir == "" {
		return
	}
	// The store has a time of its own: whoever happens to call first may be gone before the person has typed.
	file, err := openSealed(context.WithoutCancel(ctx), s.dir, s.name)
	if err != nil {
		remark := " The sign-in is kept in memory only, and has to be done again after a restart: " + err.Error() + "."
		s.remark.Store(&remark)
		return
	}
	s.file = file
}

// note is a sentence about where the sign-in is kept, "" when it is where it was meant to be.
func (s *shelf) note() string {
	if remark := s.remark.Load(); remark != nil {
		return *remark
	}
	return ""
}

// replace puts content in the place of all there is.
func (s *shelf) replace(ctx context.Context, content []byte) *Error {
	release, problem := s.hold(ctx)
	if problem != nil {
		return problem
	}
	defer release()
	return s.put(content)
}

func (s *shelf) put(content []byte) *Error {
	if s.file == nil {
		s.content = content
		return nil
	}
	if err := s.file.write(content); err != nil {
		return &Error{Hint: "the sign-in cannot be kept: check SCANWARDEN_STATE_DIR, and that there is room on its disk"}
	}
	return nil
}

// Replace is MSAL's read. What cannot be read is as good as nothing: a person signs in again, and it is
// written anew. The caller holds the shelf.
func (s *shelf) Replace(_ context.Context, into cache.Unmarshaler, _ cache.ReplaceHints) error {
	content := s.content
	if s.file != nil {
		content = s.file.read()
	}
	if content != nil && into.Unmarshal(content) == nil {
		return nil
	}
	return into.Unmarshal([]byte("{}"))
}

// Export is MSAL's write. The caller holds the shelf.
func (s *shelf) Export(_ context.Context, from cache.Marshaler, _ cache.ExportHints) error {
	content, err := from.Marshal()
	if err != nil {
		return errors.New("MSAL's cache has no form to be written in")
	}
	if problem := s.put(content); problem != nil {
		return problem
	}
	return nil
}
