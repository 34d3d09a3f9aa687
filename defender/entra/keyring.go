package entra

import (
	"context"
	"encoding/base64"
	"errors"
	"time"

	"github.com/zalando/go-keyring"
)

const (
	keyService     = "scanwarden"
	keyringTimeout = 20 * time.Second // long enough for a user to type the keyring's password
)

// errNoKey reports that the keyring is available and holds no key for the registration.
var errNoKey = errors.New("no key is kept yet")

var errNoKeyring = errors.New("this machine has no unlocked keyring for its key (on Linux a Secret Service such as GNOME Keyring)")

// loadKey returns the key from the keyring: the Secret Service over D-Bus, Apple's Keychain or Windows'
// Credential Manager. The error is errNoKey if there is none, and errNoKeyring if the keyring cannot be used.
func loadKey(ctx context.Context, name string) ([]byte, error) {
	text, err := withKeyringTimeout(ctx, func() (string, error) { return keyring.Get(keyService, name) })
	if errors.Is(err, keyring.ErrNotFound) {
		return nil, errNoKey
	}
	if err != nil {
		return nil, errNoKeyring
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != keySize {
		return nil, errNoKey // not written by scanwarden: a new key replaces it
	}
	return key, nil
}

func saveKey(ctx context.Context, name string, key []byte) error {
	_, err := withKeyringTimeout(ctx, func() (string, error) {
		return "", keyring.Set(keyService, name, base64.StdEncoding.EncodeToString(key))
	})
	if err != nil {
		return errNoKeyring
	}
	return nil
}

// withKeyringTimeout returns the result of call, or an error after keyringTimeout. The keyring cannot be
// interrupted: the goroutine ends when it answers.
func withKeyringTimeout(ctx context.Context, call func() (string, error)) (string, error) {
	type answer struct {
		text string
		err  error
	}
	ctx, cancel := context.WithTimeout(ctx, keyringTimeout)
	defer cancel()
	answers := make(chan answer, 1)
	go func() {
		text, err := call()
		answers <- answer{text, err}
	}()
	select {
	case a := <-answers:
		return a.text, a.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
