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

// Settings that determine where files are created.
const (
	databaseSetting = "SCANWARDEN_DATABASE_URL (or SCANWARDEN_STATE_DIR)"
	stateDirSetting = "SCANWARDEN_STATE_DIR"
)

// CheckLocation returns nil if Open could create the database and the key where cfg locates them. A key that
// exists must be valid. It leaves no files behind.
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

// probeCreate creates and removes a file in the place of path, or of the first missing directory above it. Looking
// at permissions is not enough: they do not apply to root, and some file systems refuse root all the same.
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

// createError names the file that was to be created. The system's error names a temporary file, which means
// nothing to the operator.
func createError(path string, err error, setting string) error {
	return fmt.Errorf("%s cannot be made: %w; set %s to a place that can be written", path, withoutPath(err), setting)
}

// withoutPath returns the system's error without the path that it names.
func withoutPath(err error) error {
	if named := (*fs.PathError)(nil); errors.As(err, &named) {
		return named.Err
	}
	if named := (*os.LinkError)(nil); errors.As(err, &named) {
		return named.Err
	}
	return err
}

// openError adds the file and the setting to the driver's error. It returns nil for nil.
func (d *database) openError(err error) error {
	if err == nil {
		return nil
	}
	if d.file != "" {
		err = fmt.Errorf("%s: %w", d.file, err)
	}
	if err := explainError(err); errors.As(err, new(*databaseError)) {
		return err // the sentence names the setting
	}
	return fmt.Errorf("%w; set SCANWARDEN_DATABASE_URL or SCANWARDEN_STATE_DIR to a ledger that can be opened", singleLineError{err})
}

// singleLineError joins the lines of an error of PostgreSQL's driver, which has one line for each address, with
// TLS and without. Equal lines appear once.
type singleLineError struct{ error }

func (e singleLineError) Error() string {
	first, rest, several := strings.Cut(e.error.Error(), "\n")
	if !several {
		return first
	}
	var lines []string
	for line := range strings.SplitSeq(rest, "\n") {
		if line = strings.TrimSpace(line); !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return first + " " + strings.Join(lines, ", ")
}

// Unwrap keeps errors.Is and errors.As working.
func (e singleLineError) Unwrap() error { return e.error }
