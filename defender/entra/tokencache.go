package entra

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/cache"
)

// tokenCache keeps what MSAL remembers of the person who signed in: between runs in a sealed file where there is one
// and a protected store for its key, else in memory alone.
//
// It is MSAL's cache, and MSAL reads it, works, and writes it again: whoever does that holds the shelf
// meanwhile, so that neither another goroutine nor another process writes in between.
type tokenCache struct {
	dir, name string // "" keeps nothing between runs

	semaphore    chan struct{} // has one place, taken by who holds the shelf, who may touch what follows
	opened  bool
	file    *encryptedFile // nil in memory
	content []byte  // in memory

	hint atomic.Pointer[string]
}

func newTokenCache(dir, identity string) *tokenCache {
	return &tokenCache{dir: dir, name: identity, semaphore: make(chan struct{}, 1)}
}

// lock waits for the shelf; the caller releases it.
func (s *tokenCache) lock(ctx context.Context) (release func(), problem *Error) {
	select {
	case s.semaphore <- struct{}{}:
	case <-ctx.Done():
		return nil, noAnswerError()
	}
	if !s.opened {
		s.openFile(ctx)
	}
	unlock := func() {}
	if s.file != nil {
		var err error
		if unlock, err = s.file.lock(ctx); err != nil {
			<-s.semaphore
			return nil, &Error{Temporary: true, Hint: "another process holds the kept sign-in, or its directory cannot be written: " +
				"check SCANWARDEN_STATE_DIR, or try again"}
		}
	}
	return func() { unlock(); <-s.semaphore }, nil
}

// openFile finds out where to keep things. It is tried once: a store that a person has to unlock asks them each time.
func (s *tokenCache) openFile(ctx context.Context) {
	s.opened = true
	if s.dir == "" {
		return
	}
	// The store has a time of its own: whoever happens to call first may be gone before the person has typed.
	file, err := openEncryptedFile(context.WithoutCancel(ctx), s.dir, s.name)
	if err != nil {
		remark := " The sign-in is kept in memory only, and has to be done again after a restart: " + err.Error() + "."
		s.hint.Store(&remark)
		return
	}
	s.file = file
}

// storageHint is a sentence about where the sign-in is kept, "" when it is where it was meant to be.
func (s *tokenCache) storageHint() string {
	if remark := s.hint.Load(); remark != nil {
		return *remark
	}
	return ""
}

// replaceAll puts content in the place of all there is.
func (s *tokenCache) replaceAll(ctx context.Context, content []byte) *Error {
	release, problem := s.lock(ctx)
	if problem != nil {
		return problem
	}
	defer release()
	return s.store(content)
}

func (s *tokenCache) store(content []byte) *Error {
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
func (s *tokenCache) Replace(_ context.Context, into cache.Unmarshaler, _ cache.ReplaceHints) error {
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
func (s *tokenCache) Export(_ context.Context, from cache.Marshaler, _ cache.ExportHints) error {
	content, err := from.Marshal()
	if err != nil {
		return errors.New("MSAL's cache has no form to be written in")
	}
	if problem := s.store(content); problem != nil {
		return problem
	}
	return nil
}
