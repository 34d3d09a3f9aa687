package server

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"scanwarden/cmd/scanwarden/internal/config"
)

// serverKey seals what must come back unchanged: requestState, session ids, proofs.
func (b *Builder) serverKey() ([]byte, error) {
	ledger, err := prepareStore(b.cfg, b.env)
	if err != nil {
		return nil, err
	}
	key, err := loadServerKey(ledger.KeyDir)
	if err == nil && len(key) != KeySize {
		err = errors.New("server.key has the wrong size")
	}
	return key, err
}

const KeySize = 32

// loadServerKey returns the key that seals requestState and session ids, and makes it on first use. Several
// processes may do so at once: a link fails when the name is taken, so that the first one's key is everybody's,
// and nobody ever reads half a key. Its errors are told as the server key's.
func loadServerKey(dir string) ([]byte, error) {
	path := filepath.Join(dir, "server.key")
	if key, err := ReadKey(path); !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	fresh, err := os.CreateTemp(dir, "server.key.*") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("%w; set SCANWARDEN_STATE_DIR to a directory that can be written", err)
	}
	defer os.Remove(fresh.Name())
	key := make([]byte, KeySize)
	rand.Read(key) // never fails, see crypto/rand
	_, err = fresh.Write(key)
	if err := errors.Join(err, fresh.Sync(), fresh.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(fresh.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return ReadKey(path)
}

func ReadKey(path string) ([]byte, error) {
	key, err := config.ReadFile(path, KeySize)
	if unread := (*fs.PathError)(nil); errors.As(err, &unread) {
		return nil, fmt.Errorf("%w; let this user read it, or remove it and a new one is made", err)
	}
	if len(key) != KeySize { // it may also be too large to have been read
		return nil, fmt.Errorf("%s does not hold %d bytes; remove it, and a new one is made (open confirmations are then asked again)", path, KeySize)
	}
	return key, nil
}
