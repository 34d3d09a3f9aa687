package server

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// TestServerKeyIsOne: all processes that start at once in an empty directory get the same complete key, and so does the
// next.
func TestServerKeyIsOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys := make([][]byte, 32)
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() {
			var err error
			if keys[i], err = loadServerKey(dir); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	again, err := loadServerKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if len(key) != KeySize || !bytes.Equal(key, again) {
			t.Fatalf("different keys: %x and %x", key, again)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("left behind: %v, %v", files, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "server.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode: %v, %v", info.Mode(), err)
	}
}

// TestServerKeyWithANewline: the file was written with a newline at its end, by an editor or a template.
func TestServerKeyWithANewline(t *testing.T) {
	t.Parallel()
	want := bytes.Repeat([]byte("\n"), KeySize) // a key may itself end with newlines
	for _, end := range []string{"", "\n", "\r\n"} {
		path := filepath.Join(t.TempDir(), "server.key")
		if err := os.WriteFile(path, append(bytes.Clone(want), end...), 0o600); err != nil {
			t.Fatal(err)
		}
		if key, err := ReadKey(path); err != nil || !bytes.Equal(key, want) {
			t.Errorf("with %q at its end: %x, %v", end, key, err)
		}
	}
}

func TestServerKeyOfTheWrongSize(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, KeySize - 1, KeySize + 1} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "server.key"), make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		if key, err := loadServerKey(dir); err == nil {
			t.Errorf("%d bytes were taken for a key: %x", size, key)
		}
	}
}
