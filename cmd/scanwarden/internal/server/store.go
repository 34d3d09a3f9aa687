package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/confirm/store"
	"scanwarden/defender/entra"
)

// prepareStore returns the location of the ledger and the keys, and creates the directory.
func prepareStore(c *config.Config, env config.Environment) (store.Config, error) {
	if _, err := c.MakeStateDir(env); err != nil {
		return store.Config{}, err
	}
	return StoreConfig(c, env)
}

// StoreConfig returns the location of the ledger and the keys. It creates nothing. The built-in simulator always has a
// ledger of its own, whatever database is configured.
func StoreConfig(c *config.Config, env config.Environment) (store.Config, error) {
	dir, err := c.StateDirPath(env)
	if err != nil {
		return store.Config{}, err
	}
	url := c.DatabaseURL
	if url == "" || c.Simulator {
		url = "sqlite:" + filepath.Join(dir, "ledger.db")
	}
	location := store.Config{URL: url, KeyDir: dir}
	if c.DatabaseAuth == "entra" && !c.Simulator {
		location.Password = databasePassword(c, dir)
	}
	return location, nil
}

// databasePassword returns a function that returns a current token of the application for PostgreSQL. It makes no call
// before that.
func databasePassword(c *config.Config, stateDir string) func(context.Context) (string, error) {
	source := sync.OnceValues(func() (*entra.Source, error) {
		scope, err := c.DatabaseScope()
		if err != nil {
			return nil, err
		}
		app, err := newAppSource(c, c.Azure, stateDir)
		if err != nil {
			return nil, err
		}
		return app.For(scope), nil
	})
	return func(ctx context.Context) (string, error) {
		s, err := source()
		if err != nil {
			return "", err
		}
		token, err := s.Get(ctx, entra.TokenRequest{})
		return token.Text, err
	}
}

// mentionSimulator returns the advice to name the ledger of the simulator, if there is one and it was not named.
func mentionSimulator(c *config.Config, env config.Environment) string {
	simulated := *c
	simulated.Simulator = true
	dir, err := simulated.StateDirPath(env)
	if _, missing := os.Stat(filepath.Join(dir, "ledger.db")); err != nil || missing != nil || c.Simulator {
		return ""
	}
	return "; add --simulator for what was changed in the simulated tenant"
}

// ErrNoStore is returned if there is no ledger yet. That is not the same as an empty ledger: it may have been removed.
var ErrNoStore = errors.New("there is no ledger")

// OpenStore opens the ledger of a server for reading. It creates neither a ledger nor keys, and returns ErrNoStore if
// there is no ledger.
func OpenStore(ctx context.Context, c *config.Config, env config.Environment) (*store.Store, error) {
	location, err := StoreConfig(c, env)
	if err != nil {
		return nil, err
	}
	if path, ok := strings.CutPrefix(location.URL, "sqlite:"); ok {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w at %s yet: start `scanwarden stdio` or `scanwarden serve` first, or name another one with SCANWARDEN_DATABASE_URL or SCANWARDEN_STATE_DIR%s", ErrNoStore, path, mentionSimulator(c, env))
		}
	}
	ledger, err := store.OpenExisting(ctx, location)
	if errors.Is(err, store.ErrNoLedger) {
		return nil, fmt.Errorf("%w in the database yet: start `scanwarden serve` first, or name another one with SCANWARDEN_DATABASE_URL", ErrNoStore)
	}
	return ledger, err
}
