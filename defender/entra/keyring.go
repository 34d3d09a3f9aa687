package entra

import (
	"context"
	"encoding/base64"
	"errors"
	"time"

	"github.com/zalando/go-keyring"
)

const (
	keyService = "scanwarden"
	keyringTimeout  = 20 * time.Second // for the protected store, in which a person may have to type a password
)

// errNoKey means that the protected store is there, and has no key of ours.
var errNoKey = errors.New("no key is kept yet")

var errNoKeyring = errors.New("this machine has no protected store for its key that is unlocked (on Linux a Secret Service such as GNOME Keyring)")

// loadKey gets the key from the protected store: the Secret Service over D-Bus, Apple's Keychain or Windows'
// Credential Manager.
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
		return nil, errNoKey // somebody else's: ours takes its place
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

// withKeyringTimeout does not wait longer for the store than storeTime. It cannot be stopped: its goroutine ends with its
// answer, be it the person's.
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
