package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The settings that say where things are.
const (
	databaseSetting = "SCANWARDEN_DATABASE_URL (or SCANWARDEN_STATE_DIR)"
	stateDirSetting = "SCANWARDEN_STATE_DIR"
)

// CheckLocation says why a ledger that is not there yet could not be made where cfg has it, nil when it could: a key that
// is there must be whole. It leaves nothing behind.
func CheckLocation(cfg Config) error {
	if path, ok := strings.CutPrefix(cfg.URL, "sqlite:"); ok {
		path, err := sqlitePath(path)
		if err != nil {
			return err
		}
		if err := probeCreate(path); err != nil {
			return createError(path, err, databaseSetting)
		}
	}
	if _, err := readKey(cfg.KeyDir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	path := filepath.Join(cfg.KeyDir, "audit.key")
	if err := probeCreate(path); err != nil {
		return createError(path, err, stateDirSetting)
	}
	return nil
}

// probeCreate makes a file where the one at path would be, or the first of the directories that are missing before it,
// and takes it away. Nothing less tells: root is refused by no permission, and by some file systems.
func probeCreate(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	for dir != filepath.Dir(dir) {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		dir = filepath.Dir(dir)
	}
	return writeFileAtomic(filepath.Join(dir, "ledger"), "", func(from, _ string) error {
		return errors.Join(os.Link(from, from+"-"), os.Remove(from+"-"))
	})
}

// createError names the file that was to be there: the system names a temporary one, which nobody has ever heard of.
func createError(path string, err error, setting string) error {
	return fmt.Errorf("%s cannot be made: %w; set %s to a place that can be written", path, withoutPath(err), setting)
}

// withoutPath is what the system says, without the name that it says it of.
func withoutPath(err error) error {
	if named := (*fs.PathError)(nil); errors.As(err, &named) {
		return named.Err
	}
	if named := (*os.LinkError)(nil); errors.As(err, &named) {
		return named.Err
	}
	return err
}

// openError adds to the driver's words which file it is, and what to do.
func (d *database) openError(err error) error {
	if err == nil {
		return nil
	}
	if d.file != "" {
		err = fmt.Errorf("%s: %w", d.file, err)
	}
	return fmt.Errorf("%w; set SCANWARDEN_DATABASE_URL or SCANWARDEN_STATE_DIR to a ledger that can be opened", singleLineError{err})
}

// singleLineError says on one line, and once, what PostgreSQL's driver has a line for: each address, with TLS and without.
type singleLineError struct{ error }

func (e singleLineError) Error() string {
	first, rest, several := strings.Cut(e.error.Error(), "\n")
	if !several {
		return first
	}
	var told []string
	for line := range strings.SplitSeq(rest, "\n") {
		if line = strings.TrimSpace(line); !slices.Contains(told, line) {
			told = append(told, line)
		}
	}
	return first + " " + strings.Join(told, ", ")
}

// Unwrap keeps what is told apart by its kind.
func (e singleLineError) Unwrap() error { return e.error }
