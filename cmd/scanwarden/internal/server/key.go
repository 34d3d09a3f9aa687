package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

// serverKey returns the key that authenticates requestState, session ids, proofs, and the records of the ledger.
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

// KeySize is the length of server.key in bytes.
const KeySize = 32

// ErrNoKey means that the state directory has no usable server.key.
var ErrNoKey = errors.New("there is no usable server.key")

// InspectStore returns the records of the ledger that do not verify under server.key. It returns ErrNoKey without that
// file. It creates nothing.
func InspectStore(ctx context.Context, cfg *config.Config, env config.Environment, ledger *store.Store) ([]confirm.Tampering, error) {
	key, err := ExistingKey(cfg, env)
	if err != nil {
		return nil, err
	}
	return confirm.Inspect(ctx, ledger, key)
}

// SettleChange ends a change of unknown outcome as the local user has found it in Defender. It returns ErrNoKey without
// server.key.
func SettleChange(ctx context.Context, cfg *config.Config, env config.Environment, ledger *store.Store, id string, as confirm.State) error {
	key, err := ExistingKey(cfg, env)
	if err != nil {
		return err
	}
	_, err = confirm.New(confirm.Config{Store: ledger, Key: key}).Settle(ctx, id, as, LocalUser(env))
	return err
}

// ExistingKey returns the server key, or ErrNoKey. It creates nothing.
func ExistingKey(cfg *config.Config, env config.Environment) ([]byte, error) {
	dir, err := cfg.StateDirPath(env)
	if err != nil {
		return nil, err
	}
	key, err := ReadKey(filepath.Join(dir, "server.key"))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoKey, err)
	}
	return key, nil
}

// loadServerKey returns the key in dir and creates it on first use. Several processes may do so at once: a hard link
// fails if the name exists, so all of them use the first key, and none reads a partial one. The caller adds that the
// error is about the server key.
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
	_, err = fresh.Write(randomKey())
	if err := errors.Join(err, fresh.Sync(), fresh.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(fresh.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return ReadKey(path)
}

// ReadKey returns the key in a file, or an error that explains how to replace it.
func ReadKey(path string) ([]byte, error) {
	key, err := config.ReadFile(path, KeySize+2)
	if unread := (*fs.PathError)(nil); errors.As(err, &unread) {
		return nil, fmt.Errorf("%w; let this user read it, or remove it and a new one is made", err)
	}
	for len(key) > KeySize && (key[len(key)-1] == '\n' || key[len(key)-1] == '\r') { // added on the way into a mounted secret
		key = key[:len(key)-1]
	}
	if len(key) != KeySize { // it may also be too large to have been read
		return nil, fmt.Errorf("%s does not hold %d bytes; remove it, and a new one is made (open changes and account links then have to be made again)", path, KeySize)
	}
	return key, nil
}
