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
	maxEncryptedFile = 4 << 20 // bytes of the file; a sign-in has about 20 KiB
	keySize   = 32      // AES-256
	lockPollInterval = 20 * time.Millisecond
)

// encryptedFile is a file that only this user on this machine can read: encrypted by AES-256-GCM, under a key that is in the
// operating system's protected store. Each registration has a file and a key of its own. The tokens themselves cannot be there: credential managers take two or
// three kilobytes (Windows 2,560 bytes), and a sign-in has more. MSAL's own extensions, which would encrypt the
// file, need cgo.
type encryptedFile struct {
	path string
	aead cipher.AEAD
}

// openEncryptedFile gets the key, or makes one. Nothing is written to disk unless there is a store for it.
func openEncryptedFile(ctx context.Context, dir, identity string) (*encryptedFile, error) {
	digest := sha256.Sum256([]byte(identity))
	name := "sign-in-" + hex.EncodeToString(digest[:8])
	f := &encryptedFile{path: filepath.Join(dir, name)}
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
		key, err = createKey(ctx, name)
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
func (f *encryptedFile) read() []byte {
	data, err := readFile(f.path, maxEncryptedFile)
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
func (f *encryptedFile) write(content []byte) error {
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
func (f *encryptedFile) lock(ctx context.Context) (unlock func(), err error) {
	file, err := os.OpenFile(f.path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		taken, err := tryLock(file)
		if taken {
			return func() { _ = file.Close() }, nil
		}
		if err != nil || !sleepContext(ctx, lockPollInterval) {
			_ = file.Close()
			return nil, errors.Join(err, ctx.Err())
		}
	}
}

func createKey(ctx context.Context, name string) ([]byte, error) {
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails
	return key, saveKey(ctx, name, key)
}
