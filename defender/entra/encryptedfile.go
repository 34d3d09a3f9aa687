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
	maxEncryptedFile = 4 << 20 // bytes; a sign-in has about 20 KiB
	keySize          = 32      // AES-256
	lockPollInterval = 20 * time.Millisecond
)

// encryptedFile is a file that only this user on this machine can read. It is encrypted by AES-256-GCM under a
// key in the operating system's keyring. Each registration has a file and a key of its own. The tokens
// themselves do not fit there: keyrings take two or three kilobytes (Windows 2,560 bytes), and a sign-in has
// more. MSAL's own extensions, which would encrypt the file, need cgo.
type encryptedFile struct {
	path string
	aead cipher.AEAD
}

// openEncryptedFile loads the key of identity, or creates one. It writes nothing to disk if the keyring is not
// available.
func openEncryptedFile(ctx context.Context, dir, identity string) (*encryptedFile, error) {
	digest := sha256.Sum256([]byte(identity))
	name := "sign-in-" + hex.EncodeToString(digest[:8])
	f := &encryptedFile{path: filepath.Join(dir, name)}
	if _, err := loadKey(ctx, name); err != nil && !errors.Is(err, errNoKey) {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, errors.New("the directory SCANWARDEN_STATE_DIR cannot be created")
	}
	unlock, err := f.lock(ctx) // otherwise two processes could create a key each
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

// read returns the decrypted content. It returns nil if the file is missing or was not written under this key.
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

// write replaces the file atomically. A concurrent reader, or one after a crash, finds either the old content
// or the new.
func (f *encryptedFile) write(content []byte) error {
	next, err := os.CreateTemp(filepath.Dir(f.path), filepath.Base(f.path)+".*") // has mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(next.Name()) // fails after the rename, which is fine
	_, err = next.Write(f.aead.Seal(nil, nil, content, nil))
	if err = errors.Join(err, next.Sync(), next.Close()); err != nil {
		return err
	}
	return os.Rename(next.Name(), f.path)
}

// lock waits until no other process holds the file's lock, or until ctx ends. The lock is on a file beside it,
// because the file itself is replaced. It ends with the process at the latest.
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
