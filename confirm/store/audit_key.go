package store

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// logName names our log in its checkpoints, and our key in its signatures.
const logName = "scanwarden-audit"

// auditKey signs and verifies the heads of the log.
type auditKey struct {
	signer   note.Signer
	verifier note.Verifier
	public   string // the verifier key, in the form of package note
}

// loadKey reads the key in dir, and makes it on first use. Processes that start at once agree on one key.
func loadKey(dir string) (auditKey, error) {
	if dir == "" {
		return auditKey{}, errors.New("no directory is given for the audit signing key; set SCANWARDEN_STATE_DIR")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return auditKey{}, createError(dir, err, stateDirSetting)
	}
	k, err := readKey(dir)
	if errors.Is(err, fs.ErrNotExist) {
		path := filepath.Join(dir, "audit.key")
		if err := createKey(path); err != nil {
			return auditKey{}, createError(path, err, stateDirSetting)
		}
		k, err = readKey(dir)
	}
	if err != nil {
		return auditKey{}, err
	}
	return k, writePublicKey(filepath.Join(dir, "audit.pub"), k.public)
}

// readKey reads the key in dir and makes nothing; where there never was one it returns fs.ErrNotExist.
func readKey(dir string) (auditKey, error) {
	path, public := filepath.Join(dir, "audit.key"), filepath.Join(dir, "audit.pub")
	_, published := os.Lstat(public)
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && published == nil: // a key is made before its public half
		return auditKey{}, fmt.Errorf("%s is missing and %s is there; restore the first from a backup, or move the second and the ledger away to begin anew", path, public)
	case errors.Is(err, fs.ErrNotExist):
		return auditKey{}, fs.ErrNotExist
	case err != nil:
		return auditKey{}, fmt.Errorf("%w; let this user read it, or name another directory in %s", err, stateDirSetting)
	}
	k, err := parseKey(strings.TrimSpace(string(text)))
	if err != nil {
		return auditKey{}, fmt.Errorf("%s: %w; restore it from a backup, or move it away to begin with a new key and a new ledger", path, err)
	}
	return k, nil
}

// createKey puts a new key at path, unless another process was faster.
func createKey(path string) error {
	secret, _, err := note.GenerateKey(rand.Reader, logName)
	if err != nil {
		return err
	}
	if err := createPrivateFile(path, secret+"\n"); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// writePublicKey writes the verifier key beside the signing key, unless it is there already. Another one's is never
// overwritten: somebody may need it to check an older log.
func writePublicKey(path, public string) error {
	text := public + "\n"
	err := createPrivateFile(path, text)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return createError(path, err, stateDirSetting)
	}
	if err == nil {
		return nil
	}
	if have, err := os.ReadFile(path); err != nil || string(have) != text {
		return errors.Join(err, fmt.Errorf("%s is not the public half of audit.key; restore the two that belong together from a backup", path))
	}
	return nil
}

// createPrivateFile makes a file for its owner alone, or fails with fs.ErrExist.
func createPrivateFile(path, text string) error {
	if _, err := os.Lstat(path); err == nil {
		return fs.ErrExist
	}
	return writeFileAtomic(path, text, os.Link)
}

// writeFileAtomic writes text to a file of its own, mode 0600, and then lets put give it its name: nobody ever finds
// half of it.
func writeFileAtomic(path, text string, put func(from, to string) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails, rightly, when put has renamed it
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return put(f.Name(), path)
}

// parseKey derives the public half from the secret one: "PRIVATE+KEY+NAME+HASH+BASE64", where the base64
// holds one byte for the algorithm and then the Ed25519 seed (golang.org/x/mod/sumdb/note).
func parseKey(secret string) (auditKey, error) {
	malformed := errors.New("this is not an audit signing key")
	signer, err := note.NewSigner(secret)
	if err != nil {
		return auditKey{}, malformed
	}
	fields := strings.SplitN(secret, "+", 5)
	seed, err := base64.StdEncoding.DecodeString(fields[len(fields)-1])
	if err != nil || len(seed) != 1+ed25519.SeedSize {
		return auditKey{}, malformed
	}
	private := ed25519.NewKeyFromSeed(seed[1:])
	public, err := note.NewEd25519VerifierKey(logName, private.Public().(ed25519.PublicKey))
	if err != nil {
		return auditKey{}, malformed
	}
	verifier, err := note.NewVerifier(public)
	if err != nil || verifier.KeyHash() != signer.KeyHash() {
		return auditKey{}, malformed
	}
	return auditKey{signer: signer, verifier: verifier, public: public}, nil
}

// logHead is a state of the log: how many entries it has, and the root of their tree.
type logHead struct {
	size int64
	root tlog.Hash
}

// checkpointText is a checkpoint's (https://c2sp.org/tlog-checkpoint): origin, size and root, a line each.
func (h logHead) checkpointText() string {
	return fmt.Sprintf("%s\n%d\n%s\n", logName, h.size, h.root)
}

func (k auditKey) signHead(h logHead) (string, error) {
	signed, err := note.Sign(&note.Note{Text: h.checkpointText()}, k.signer)
	return string(signed), err
}

// verifyHead reports why checkpoint is not this head under our signature.
func (k auditKey) verifyHead(h logHead, checkpoint string) error {
	n, err := note.Open([]byte(checkpoint), note.VerifierList(k.verifier))
	if err != nil {
		return errors.New("its checkpoint is not signed by the key in audit.key")
	}
	if n.Text != h.checkpointText() {
		return errors.New("the signed checkpoint tells of another log")
	}
	return nil
}
