package entra

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/cache"
)

// tokenCache holds MSAL's cache of the signed-in user. It is an encrypted file if there is a state directory
// and a keyring, and otherwise memory.
//
// MSAL reads the cache, works, and writes it back. The caller holds lock meanwhile, so that no other goroutine
// or process writes in between.
type tokenCache struct {
	dir, name string // "" keeps nothing between runs

	semaphore chan struct{} // capacity 1; its holder may use the fields below
	opened    bool
	file      *encryptedFile // nil if in memory
	content   []byte         // in memory

	hint atomic.Pointer[string]
}

func newTokenCache(dir, identity string) *tokenCache {
	return &tokenCache{dir: dir, name: identity, semaphore: make(chan struct{}, 1)}
}

// lock waits for exclusive use of the cache. The caller must call release.
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
			return nil, &Error{Temporary: true, Hint: "another process has locked the stored sign-in, or its directory cannot be written: " +
				"check SCANWARDEN_STATE_DIR, or try again"}
		}
	}
	return func() { unlock(); <-s.semaphore }, nil
}

// openFile opens the encrypted file, once. A keyring that a user must unlock would prompt on every attempt.
func (s *tokenCache) openFile(ctx context.Context) {
	s.opened = true
	if s.dir == "" {
		return
	}
	// The keyring has its own timeout: the first caller may be gone before the user has typed a password.
	file, err := openEncryptedFile(context.WithoutCancel(ctx), s.dir, s.name)
	if err != nil {
		hint := " The sign-in is kept in memory only and must be repeated after a restart: " + err.Error() + "."
		s.hint.Store(&hint)
		return
	}
	s.file = file
}

// storageHint returns a sentence about why the sign-in is kept in memory, or "" if it is kept as configured.
func (s *tokenCache) storageHint() string {
	if hint := s.hint.Load(); hint != nil {
		return *hint
	}
	return ""
}

// replaceAll locks the cache and replaces its whole content.
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
		return &Error{Hint: "the sign-in cannot be stored: check SCANWARDEN_STATE_DIR, and that its disk has free space"}
	}
	return nil
}

// Replace loads the cache into MSAL. Unreadable content counts as empty: the user signs in again, and it is
// overwritten. The caller holds the lock.
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

// Export stores MSAL's cache. The caller holds the lock.
func (s *tokenCache) Export(_ context.Context, from cache.Marshaler, _ cache.ExportHints) error {
	content, err := from.Marshal()
	if err != nil {
		return errors.New("MSAL's cache cannot be serialized")
	}
	if problem := s.store(content); problem != nil {
		return problem
	}
	return nil
}
