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

// origin names our log in its checkpoints, and our key in its signatures.
const origin = "scanwarden-audit"

// key signs and verifies the heads of the log.
type key struct {
	signer   note.Signer
	verifier note.Verifier
	public   string // the verifier key, in the form of package note
}

// loadKey reads the key in dir, and makes it on first use. Processes that start at once agree on one key.
func loadKey(dir string) (key, error) {
	if dir == "" {
		return key{}, errors.New("no directory is given for the audit signing key; set SCANWARDEN_STATE_DIR")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return key{}, unmade(dir, err, placeOfKeys)
	}
	k, err := findKey(dir)
	if errors.Is(err, fs.ErrNotExist) {
		path := filepath.Join(dir, "audit.key")
		if err := makeKey(path); err != nil {
			return key{}, unmade(path, err, placeOfKeys)
		}
		k, err = findKey(dir)
	}
	if err != nil {
		return key{}, err
	}
	return k, publish(filepath.Join(dir, "audit.pub"), k.public)
}

// findKey reads the key in dir and makes nothing; where there never was one it returns fs.ErrNotExist.
func findKey(dir string) (key, error) {
	path, public := filepath.Join(dir, "audit.key"), filepath.Join(dir, "audit.pub")
	_, published := os.Lstat(public)
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && published == nil: // a key is made before its public half
		return key{}, fmt.Errorf("%s is missing and %s is there; restore the first from a backup, or move the second and the ledger away to begin anew", path, public)
	case errors.Is(err, fs.ErrNotExist):
		return key{}, fs.ErrNotExist
	case err != nil:
		return key{}, fmt.Errorf("%w; let this user read it, or name another directory in %s", err, placeOfKeys)
	}
	k, err := parseKey(strings.TrimSpace(string(text)))
	if err != nil {
		return key{}, fmt.Errorf("%s: %w; restore it from a backup, or move it away to begin with a new key and a new ledger", path, err)
	}
	return k, nil
}

// makeKey puts a new key at path, unless another process was faster.
func makeKey(path string) error {
	secret, _, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return err
	}
	if err := createPrivate(path, secret+"\n"); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// publish writes the verifier key beside the signing key, unless it is there already. Another one's is never
// overwritten: somebody may need it to check an older log.
func publish(path, public string) error {
	text := public + "\n"
	err := createPrivate(path, text)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return unmade(path, err, placeOfKeys)
	}
	if err == nil {
		return nil
	}
	if have, err := os.ReadFile(path); err != nil || string(have) != text {
		return errors.Join(err, fmt.Errorf("%s is not the public half of audit.key; restore the two that belong together from a backup", path))
	}
	return nil
}

// createPrivate makes a file for its owner alone, or fails with fs.ErrExist.
func createPrivate(path, text string) error {
	if _, err := os.Lstat(path); err == nil {
		return fs.ErrExist
	}
	return place(path, text, os.Link)
}

// place writes text to a file of its own, mode 0600, and then lets put give it its name: nobody ever finds
// half of it.
func place(path, text string, put func(from, to string) error) error {
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
func parseKey(secret string) (key, error) {
	malformed := errors.New("this is not an audit signing key")
	signer, err := note.NewSigner(secret)
	if err != nil {
		return key{}, malformed
	}
	fields := strings.SplitN(secret, "+", 5)
	seed, err := base64.StdEncoding.DecodeString(fields[len(fields)-1])
	if err != nil || len(seed) != 1+ed25519.SeedSize {
		return key{}, malformed
	}
	private := ed25519.NewKeyFromSeed(seed[1:])
	public, err := note.NewEd25519VerifierKey(origin, private.Public().(ed25519.PublicKey))
	if err != nil {
		return key{}, malformed
	}
	verifier, err := note.NewVerifier(public)
	if err != nil || verifier.KeyHash() != signer.KeyHash() {
		return key{}, malformed
	}
	return key{signer: signer, verifier: verifier, public: public}, nil
}

// head is a state of the log: how many entries it has, and the root of their tree.
type head struct {
	size int64
	root tlog.Hash
}

// text is a checkpoint's (https://c2sp.org/tlog-checkpoint): origin, size and root, a line each.
func (h head) text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", origin, h.size, h.root)
}

func (k key) sign(h head) (string, error) {
	signed, err := note.Sign(&note.Note{Text: h.text()}, k.signer)
	return string(signed), err
}

// check reports why checkpoint is not this head under our signature.
func (k key) check(h head, checkpoint string) error {
	n, err := note.Open([]byte(checkpoint), note.VerifierList(k.verifier))
	if err != nil {
		return errors.New("its checkpoint is not signed by the key in audit.key")
	}
	if n.Text != h.text() {
		return errors.New("the signed checkpoint tells of another log")
	}
	return nil
}
