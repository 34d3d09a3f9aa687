package store_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"scanwarden/confirm/store"
)

// The error names the intended file and the setting, also for root.
func TestErrorNamesTheFileThatCannotBeMade(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Log("only Linux has a directory in which not even root can make a file")
		return
	}
	keys := t.TempDir()
	for _, c := range []struct {
		cfg  store.Config
		want string
	}{
		{store.Config{URL: "sqlite:/proc/x.db", KeyDir: keys}, "/proc/x.db cannot be made: no such file or directory; set SCANWARDEN_DATABASE_URL"},
		{store.Config{URL: "sqlite:/proc/a/x.db", KeyDir: keys}, "/proc/a/x.db cannot be made: no such file or directory; set SCANWARDEN_DATABASE_URL"},
		{store.Config{URL: "sqlite:/dev/null/x.db", KeyDir: keys}, "/dev/null/x.db cannot be made: not a directory; set SCANWARDEN_DATABASE_URL"},
		{store.Config{URL: "sqlite:" + filepath.Join(keys, "x.db"), KeyDir: "/proc/none"}, "cannot be made: no such file or directory; set SCANWARDEN_STATE_DIR"},
	} {
		_, err := store.Open(t.Context(), c.cfg)
		for doing, err := range map[string]error{"open": err, "check": store.CheckLocation(c.cfg)} {
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), ".new-") {
				t.Errorf("%s %s: got %v, want %q", doing, c.cfg.URL, err, c.want)
			}
		}
	}
}

func TestCheckLocationLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{"x.db", "a/b/x.db"} {
		if err := store.CheckLocation(store.Config{URL: "sqlite:" + filepath.Join(dir, path), KeyDir: filepath.Join(dir, "keys")}); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	must(t, os.WriteFile(filepath.Join(dir, "audit.key"), []byte("too short"), 0o600))
	if err := store.CheckLocation(store.Config{URL: "sqlite:" + filepath.Join(dir, "x.db"), KeyDir: dir}); err == nil || !strings.Contains(err.Error(), "restore it from a backup") {
		t.Errorf("a key that is cut short: %v", err)
	}
	if err := store.CheckLocation(store.Config{URL: "sqlite::memory:", KeyDir: dir}); err == nil || !strings.Contains(err.Error(), "no file on disk") {
		t.Errorf("a ledger in memory: %v", err)
	}
}

// A host name has several addresses, and each is tried with TLS and without.
func TestOpenErrorIsOneLine(t *testing.T) {
	_, err := store.Open(t.Context(), store.Config{URL: "postgres://nobody@127.0.0.1:1/none", KeyDir: t.TempDir()})
	if err == nil || strings.Contains(err.Error(), "\n") || strings.Count(err.Error(), "127.0.0.1:1 (") != 1 || !strings.HasSuffix(err.Error(), "can be opened") {
		t.Errorf("PostgreSQL that is not there: %q", err)
	}
	dir := t.TempDir()
	_, err = store.Open(t.Context(), store.Config{URL: "sqlite:" + dir, KeyDir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), dir+": ") || strings.Count(err.Error(), "; set ") != 1 {
		t.Errorf("a directory for a file: %v", err)
	}
}
