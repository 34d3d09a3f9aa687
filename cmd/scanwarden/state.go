package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"scanwarden/confirm/store"
)

// defaultStateDir is the platform's place for what a program must remember between runs.
func defaultStateDir(env environment, system string) (string, error) {
	var base string
	switch system {
	case "windows":
		base = env["LocalAppData"]
	case "darwin", "ios":
		if home := env["HOME"]; home != "" {
			base = filepath.Join(home, "Library", "Application Support")
		}
	default:
		base = env["XDG_STATE_HOME"]
		if home := env["HOME"]; base == "" && home != "" {
			base = filepath.Join(home, ".local", "state")
		}
	}
	if base == "" {
		return "", errors.New("there is no home directory to keep the ledger in: set SCANWARDEN_STATE_DIR to a directory of scanwarden's own")
	}
	return filepath.Join(base, "scanwarden"), nil
}

// stateDirName is where the ledger and the keys are kept.
func (c *config) stateDirName(env environment) (string, error) {
	if c.StateDir != "" {
		return c.StateDir, nil
	}
	return defaultStateDir(env, runtime.GOOS)
}

// stateDir is stateDirName, made if need be.
func (c *config) stateDir(env environment) (string, error) {
	dir, err := c.stateDirName(env)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("state directory: %w; set SCANWARDEN_STATE_DIR to a directory that can be written", err)
	}
	return dir, nil
}

// ledger says where the changes and the keys are kept, and makes the directory.
func (c *config) ledger(env environment) (store.Config, error) {
	if _, err := c.stateDir(env); err != nil {
		return store.Config{}, err
	}
	return c.ledgerPlace(env)
}

// ledgerPlace says where the changes and the keys are kept, for those who only look.
func (c *config) ledgerPlace(env environment) (store.Config, error) {
	dir, err := c.stateDirName(env)
	if err != nil {
		return store.Config{}, err
	}
	url := c.DatabaseURL
	if url == "" {
		url = "sqlite:" + filepath.Join(dir, "ledger.db")
	}
	return store.Config{URL: url, KeyDir: dir}, nil
}

const keySize = 32

// serverKey returns the key that seals requestState and session ids, and makes it on first use. Several
// processes may do so at once: a link fails when the name is taken, so that the first one's key is everybody's,
// and nobody ever reads half a key. Its errors are told as the server key's.
func serverKey(dir string) ([]byte, error) {
	path := filepath.Join(dir, "server.key")
	if key, err := readKey(path); !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	fresh, err := os.CreateTemp(dir, "server.key.*") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("%w; set SCANWARDEN_STATE_DIR to a directory that can be written", err)
	}
	defer os.Remove(fresh.Name())
	key := make([]byte, keySize)
	rand.Read(key) // never fails, see crypto/rand
	_, err = fresh.Write(key)
	if err := errors.Join(err, fresh.Sync(), fresh.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(fresh.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return readKey(path)
}

func readKey(path string) ([]byte, error) {
	key, err := readFile(path, keySize)
	if unread := (*fs.PathError)(nil); errors.As(err, &unread) {
		return nil, fmt.Errorf("%w; let this user read it, or remove it and a new one is made", err)
	}
	if len(key) != keySize { // it may also be too large to have been read
		return nil, fmt.Errorf("%s does not hold %d bytes; remove it, and a new one is made (open confirmations are then asked again)", path, keySize)
	}
	return key, nil
}
