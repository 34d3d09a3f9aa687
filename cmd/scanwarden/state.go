package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// defaultStateDir is the platform's place for what a program must remember between runs.
func defaultStateDir(env Environment, system string) (string, error) {
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

// StateDirPath is where the ledger and the keys are kept.
func (c *Config) StateDirPath(env Environment) (string, error) {
	if c.StateDir != "" {
		return c.StateDir, nil
	}
	return defaultStateDir(env, runtime.GOOS)
}

// makeStateDir is stateDirName, made if need be.
func (c *Config) MakeStateDir(env Environment) (string, error) {
	dir, err := c.StateDirPath(env)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("state directory: %w; set SCANWARDEN_STATE_DIR to a directory that can be written", err)
	}
	return dir, nil
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
	key, err := ReadFile(path, KeySize)
	if unread := (*fs.PathError)(nil); errors.As(err, &unread) {
		return nil, fmt.Errorf("%w; let this user read it, or remove it and a new one is made", err)
	}
	if len(key) != KeySize { // it may also be too large to have been read
		return nil, fmt.Errorf("%s does not hold %d bytes; remove it, and a new one is made (open confirmations are then asked again)", path, KeySize)
	}
	return key, nil
}
