package store_test

import (
	"crypto/rand"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

func TestOpenRefuses(t *testing.T) {
	keys := t.TempDir()
	for url, want := range map[string]string{
		"":                                 "SCANWARDEN_DATABASE_URL",
		"ledger.db":                        `"sqlite:PATH" or "postgres://..."`,
		"mysql://host/db":                  `"sqlite:PATH" or "postgres://..."`,
		"sqlite:":                          "no file on disk",
		"sqlite::memory:":                  "no file on disk",
		"sqlite:file:x.db":                 "no file on disk",
		"sqlite://host/x":                  "host name",
		"postgres://u:hush@host:port/db":   "SCANWARDEN_DATABASE_URL",
		"postgres://u:hush@127.0.0.1:1/db": "connect",
		"postgresql://u:hush@h/db?sslmode=sometime": "SCANWARDEN_DATABASE_URL",
	} {
		_, err := store.Open(t.Context(), store.Config{URL: url, KeyDir: keys})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want a sentence with %q", url, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: the password is in the error: %v", url, err)
		}
	}
	_, err := store.Open(t.Context(), store.Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "x")})
	if err == nil || !strings.Contains(err.Error(), "SCANWARDEN_STATE_DIR") {
		t.Errorf("no key directory: %v", err)
	}
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Log("modes mean little on Windows")
		return
	}
	state := filepath.Join(t.TempDir(), "state")
	// Characters with a meaning in a URI are allowed in a path.
	cfg := store.Config{URL: "sqlite:" + state + "/a b%20c?d#e/ledger.db", KeyDir: filepath.Join(state, "keys")}
	s := testDatabase{Config: cfg}.openStore(t)
	insert(t, s)
	must(t, s.RecordHead())
	files := map[string]fs.FileMode{}
	must(t, filepath.WalkDir(state, func(path string, d fs.DirEntry, err error) error {
		must(t, err)
		info, err := d.Info()
		files[strings.TrimPrefix(path, state)] = info.Mode()
		return err
	}))
	want := map[string]fs.FileMode{
		"": fs.ModeDir | 0o700, "/a b%20c?d#e": fs.ModeDir | 0o700, "/keys": fs.ModeDir | 0o700,
		"/a b%20c?d#e/ledger.db": 0o600, "/a b%20c?d#e/ledger.db-wal": 0o600, "/a b%20c?d#e/ledger.db-shm": 0o600,
		"/keys/audit.key": 0o600, "/keys/audit.pub": 0o600,
	}
	want[strings.TrimPrefix(testDatabase{Config: cfg}.pinFile(t), state)] = 0o600
	for path, mode := range want {
		if files[path] != mode {
			t.Errorf("%s has mode %v, want %v", path, files[path], mode)
		}
		delete(files, path)
	}
	if len(files) > 0 {
		t.Errorf("there are more files: %v", files)
	}
}

func TestNewerLedgerIsRefused(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		must(t, s.Ping(t.Context()))
		l.alter(t, `UPDATE schema_version SET version = version + 1`)
		_, err := store.Open(t.Context(), l.Config)
		if err == nil || !strings.Contains(err.Error(), "newer scanwarden") {
			t.Errorf("got %v, want a sentence about a newer scanwarden", err)
		}
	})
}

// The first process creates the tables and the key; the others use them.
func TestOpenAtOnce(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		inParallel(8, func(int) {
			s, err := store.Open(t.Context(), l.Config)
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			if err := s.Insert(t.Context(), mustNewChange(t)); err != nil {
				t.Error(err)
			}
		})
		s := l.openStore(t)
		if n := mustVerify(t, s).Entries; n != 8 {
			t.Errorf("%d entries under one key, want 8", n)
		}
		left, err := filepath.Glob(filepath.Join(l.KeyDir, ".new-*"))
		if err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	})
}

// SQLite does not wait by itself if another process writes while a new file changes to WAL.
func TestOpenWaitsForAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	raw, err := sql.Open("sqlite", path+"?_txlock=immediate&_pragma=busy_timeout(10000)") // its commit may meet a reader
	must(t, err)
	defer raw.Close()
	tx, err := raw.Begin()
	must(t, err)
	_, err = tx.Exec(`CREATE TABLE other (a BIGINT)`)
	must(t, err)
	opened := make(chan error)
	go func() {
		s, err := store.Open(t.Context(), store.Config{URL: "sqlite:" + path, KeyDir: t.TempDir()})
		if err == nil {
			err = s.Close()
		}
		opened <- err
	}()
	select {
	case err := <-opened:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	must(t, tx.Commit())
	must(t, <-opened)
}

func TestKeySurvives(t *testing.T) {
	l := newSQLiteDatabase(t)
	head := mustVerify(t, l.openStore(t))
	public, err := os.ReadFile(filepath.Join(l.KeyDir, "audit.pub"))
	must(t, err)
	if head.Key+"\n" != string(public) {
		t.Errorf("audit.pub holds %q, and the head names %q", public, head.Key)
	}
	must(t, os.Remove(filepath.Join(l.KeyDir, "audit.pub"))) // it follows from the other half
	if again := mustVerify(t, l.openStore(t)); again.Key != head.Key {
		t.Errorf("the key was %s and is %s", head.Key, again.Key)
	}
	if again, err := os.ReadFile(filepath.Join(l.KeyDir, "audit.pub")); err != nil || string(again) != string(public) {
		t.Errorf("audit.pub came back as %q, %v", again, err)
	}
}

func TestDamagedKeyIsRefused(t *testing.T) {
	l := newSQLiteDatabase(t)
	l.openStore(t)
	path := filepath.Join(l.KeyDir, "audit.key")
	whole, err := os.ReadFile(path)
	must(t, err)
	secret := string(whole[len(whole)-20:])
	foreign, _, err := note.GenerateKey(rand.Reader, "foreign")
	must(t, err)
	for name, text := range map[string]string{
		"empty":     "",
		"truncated": string(whole[:len(whole)-8]),
		"altered":   strings.Replace(string(whole), "scanwarden-audit", "scanwarden-audits", 1),
		"foreign":   foreign,
	} {
		must(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := store.Open(t.Context(), l.Config)
		if err == nil || !strings.Contains(err.Error(), "backup") || strings.Contains(err.Error(), strings.TrimSpace(secret)) {
			t.Errorf("%s: got %v, want a sentence without the key", name, err)
		}
	}
}

func TestClosedLedger(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s, err := store.Open(t.Context(), l.Config)
		must(t, err)
		must(t, s.Ping(t.Context()))
		must(t, s.Close())
		if err := s.Ping(t.Context()); err == nil {
			t.Error("a closed ledger answers")
		}
		if err := s.Insert(t.Context(), mustNewChange(t)); err == nil || errors.Is(err, confirm.ErrMoved) {
			t.Errorf("insert into a closed ledger: %v", err)
		}
	})
}

// Opening a ledger whose key is lost must not make it look altered, and must not overwrite the remaining public half.
func TestALostKeyIsNotReplaced(t *testing.T) {
	l := newSQLiteDatabase(t)
	l.openStore(t)
	public := filepath.Join(l.KeyDir, "audit.pub")
	before, err := os.ReadFile(public)
	must(t, err)
	key := filepath.Join(l.KeyDir, "audit.key")
	must(t, os.Rename(key, key+".away"))
	if _, err := store.Open(t.Context(), l.Config); err == nil || !strings.Contains(err.Error(), "restore") {
		t.Errorf("opened without its key: %v", err)
	}
	if _, err := os.Lstat(key); err == nil {
		t.Error("another key was made")
	}
	must(t, os.Rename(key+".away", key))
	must(t, os.WriteFile(public, []byte("another\n"), 0o600))
	if _, err := store.Open(t.Context(), l.Config); err == nil || !strings.Contains(err.Error(), "audit.pub") {
		t.Errorf("opened beside another key's public half: %v", err)
	}
	if now, err := os.ReadFile(public); err != nil || string(now) != "another\n" {
		t.Errorf("audit.pub was overwritten with %q, %v", now, err)
	}
	must(t, os.WriteFile(public, before, 0o600))
	_, err = store.Open(t.Context(), l.Config)
	must(t, err)
}
