package entra

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"time"
)

const (
	maxSealed = 4 << 20 // bytes of the file; a sign-in has about 20 KiB
	keySize   = 32      // AES-256
	lockPause = 20 * time.Millisecond
)

// sealed is a file that only this user on this machine can read: encrypted by AES-256-GCM, under a key that is in the
// operating system's protected store. Each registration has a file and a key of its own. The tokens themselves cannot be there: credential managers take two or
// three kilobytes (Windows 2,560 bytes), and a sign-in has more. MSAL's own extensions, which would encrypt the
// file, need cgo.
type sealed struct {
	path string
	aead cipher.AEAD
}

// openSealed gets the key, or makes one. Nothing is written to disk unless there is a store for it.
func openSealed(ctx context.Context, dir, identity string) (*sealed, error) {
	digest := sha256.Sum256([]byte(identity))
	name := "sign-in-" + hex.EncodeToString(digest[:8])
	f := &sealed{path: filepath.Join(dir, name)}
	if _, err := loadKey(ctx, name); err != nil && !errors.Is(err, errNoKey) {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, errors.New("the directory SCANWARDEN_STATE_DIR cannot be made")
	}
	unlock, err := f.lock(ctx) // else two processes make a key each
	if err != nil {
		return nil, errors.New("the directory SCANWARDEN_STATE_DIR cannot be written")
	}
	defer unlock()
	key, err := loadKey(ctx, name)
	if errors.Is(err, errNoKey) {
		key, err = makeKey(ctx, name)
	}
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	f.aead, err = cipher.NewGCMWithRandomNonce(block)
	return f, err
}

// read returns nil for a file that is not there, or was not written so.
func (f *sealed) read() []byte {
	data, err := readFile(f.path, maxSealed)
	if err != nil {
		return nil
	}
	content, err := f.aead.Open(nil, nil, data, nil)
	if err != nil {
		return nil
	}
	return content
}

// write replaces the file at once: who reads meanwhile, or after a crash, finds the old content or the new.
func (f *sealed) write(content []byte) error {
	next, err := os.CreateTemp(filepath.Dir(f.path), filepath.Base(f.path)+".*") // has mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(next.Name()) // after the rename there is none
	_, err = next.Write(f.aead.Seal(nil, nil, content, nil))
	if err = errors.Join(err, next.Sync(), next.Close()); err != nil {
		return err
	}
	return os.Rename(next.Name(), f.path)
}

// lock waits until no other process has the file. The lock is on a file beside it, since the file itself is
// replaced, and ends with the process at the latest.
func (f *sealed) lock(ctx context.Context) (unlock func(), err error) {
	file, err := os.OpenFile(f.path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		taken, err := tryLock(file)
		if taken {
			return func() { _ = file.Close() }, nil
		}
		if err != nil || !pause(ctx, lockPause) {
			_ = file.Close()
			return nil, errors.Join(err, ctx.Err())
		}
	}
}

func makeKey(ctx context.Context, name string) ([]byte, error) {
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails
	return key, saveKey(ctx, name, key)
}
