package store

import (
	"context"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// logName identifies our log in its checkpoints, and our key in its signatures.
const logName = "scanwarden-audit"

// auditKey signs and verifies the heads of the log.
type auditKey struct {
	signer   note.Signer
	verifier note.Verifier
	public   string // the verifier key, in the encoding of package note
	claims   []byte // authenticates claims; derived from the secret
}

// loadKey returns key if it was read already. Otherwise it creates one, if the log is empty. Processes that start at the
// same time agree on one key.
func (d *database) loadKey(ctx context.Context, dir string, key auditKey) (auditKey, error) {
	if key.signer == nil {
		var err error
		if key, err = d.createMissingKey(ctx, dir); err != nil {
			return auditKey{}, err
		}
	}
	return key, writePublicKey(filepath.Join(dir, "audit.pub"), key.public)
}

// createMissingKey creates the key of an empty log and returns it. It returns an error if the log has entries: a new
// key could not continue it, and would stand in the way of the lost one.
func (d *database) createMissingKey(ctx context.Context, dir string) (auditKey, error) {
	var entries int64
	if err := d.read.QueryRowContext(ctx, `SELECT n FROM audit_head`).Scan(&entries); err != nil {
		return auditKey{}, explainError(err)
	}
	if entries == 0 {
		path := filepath.Join(dir, "audit.key")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return auditKey{}, createError(dir, err, stateDirSetting)
		}
		if err := createKey(path); err != nil {
			return auditKey{}, createError(path, err, stateDirSetting)
		}
	}
	key, err := readKey(dir) // another process may have created it
	if errors.Is(err, fs.ErrNotExist) {
		err = missingKeyError(dir)
	}
	return key, err
}

// missingKeyError names the files of the key and where to take them from.
func missingKeyError(dir string) error {
	return fmt.Errorf("%s and audit.pub are missing, and this ledger needs them: restore both from a backup of the state directory, or copy them from another server of this ledger",
		filepath.Join(dir, "audit.key"))
}

// readKey returns the key in dir, or fs.ErrNotExist if there never was one. It creates nothing.
func readKey(dir string) (auditKey, error) {
	if dir == "" {
		return auditKey{}, errors.New("no directory is given for the audit signing key; set SCANWARDEN_STATE_DIR")
	}
	path, public := filepath.Join(dir, "audit.key"), filepath.Join(dir, "audit.pub")
	_, published := os.Lstat(public)
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && published == nil: // audit.key is created before audit.pub
		return auditKey{}, fmt.Errorf("%s is missing and %s is there; restore the first from a backup, or move the second and the ledger away to start again", path, public)
	case errors.Is(err, fs.ErrNotExist):
		return auditKey{}, fs.ErrNotExist
	case err != nil:
		return auditKey{}, fmt.Errorf("%w; let this user read it, or name another directory in %s", err, stateDirSetting)
	}
	k, err := parseKey(trimKeyText(text))
	if err != nil {
		return auditKey{}, fmt.Errorf("%s: %w; restore it from a backup, or move it away to begin with a new key and a new ledger", path, err)
	}
	return k, nil
}

// trimKeyText returns the key in a file without a byte order mark and the white space around it, which it may have got
// on its way into a mounted secret.
func trimKeyText(text []byte) string {
	return strings.TrimSpace(strings.TrimPrefix(string(text), "\uFEFF"))
}

// createKey writes a new key to path, unless another process has created one meanwhile.
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

// writePublicKey writes the verifier key beside the signing key, unless it is there already. A different verifier
// key is never overwritten: it may be needed to check an older log.
func writePublicKey(path, public string) error {
	text := public + "\n"
	err := createPrivateFile(path, text)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return createError(path, err, stateDirSetting)
	}
	if err == nil {
		return nil
	}
	if have, err := os.ReadFile(path); err != nil || trimKeyText(have) != public {
		return errors.Join(err, fmt.Errorf("%s is not the public half of audit.key; restore the two that belong together from a backup", path))
	}
	return nil
}

// createPrivateFile writes a new file with mode 0600. It returns fs.ErrExist if the file exists.
func createPrivateFile(path, text string) error {
	if _, err := os.Lstat(path); err == nil {
		return fs.ErrExist
	}
	return writeFileAtomic(path, text, os.Link)
}

// writeFileAtomic writes text to a temporary file with mode 0600 and lets put give it its name, so that no process
// can read half of it.
func writeFileAtomic(path, text string, put func(from, to string) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails if put has renamed it, as it should
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return put(f.Name(), path)
}

// parseKey derives the public half from the secret "PRIVATE+KEY+NAME+HASH+BASE64". The base64 part holds one byte
// for the algorithm and then the Ed25519 seed (golang.org/x/mod/sumdb/note).
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
	claims, err := hkdf.Expand(sha256.New, seed[1:], "scanwarden ledger claims v1", sha256.Size)
	if err != nil {
		return auditKey{}, malformed
	}
	return auditKey{signer: signer, verifier: verifier, public: public, claims: claims}, nil
}

// logHead identifies a state of the log: the number of entries, and the root of their tree.
type logHead struct {
	size int64
	root tlog.Hash
}

// signedSets are the parts of the ledger that a head signs beside the log, because they must not lose a row.
type signedSets struct {
	links  string   // the LinkSetHash
	claims claimSum // of the keys that changes hold
}

// checkpointText returns the text of a checkpoint (https://c2sp.org/tlog-checkpoint): origin, size and root, one
// line each. An extension line has the LinkSetHash, where there are sealed links, and one the sum of the claims, where
// there are any.
func (h logHead) checkpointText(sets signedSets) string {
	text := fmt.Sprintf("%s\n%d\n%s\n", logName, h.size, h.root)
	if sets.links != "" {
		text += linksExtension + sets.links + "\n"
	}
	if claims := sets.claims.String(); claims != "" {
		text += claimsExtension + claims + "\n"
	}
	return text
}

// The beginnings of the extension lines.
const (
	linksExtension  = "links "
	claimsExtension = "claims "
)

// signHead returns the signed checkpoint of h and of these sets.
func (k auditKey) signHead(h logHead, sets signedSets) (string, error) {
	signed, err := note.Sign(&note.Note{Text: h.checkpointText(sets)}, k.signer)
	return string(signed), err
}

// verifyHead returns nil if checkpoint is h, signed with our key. It returns the sets at that time.
func (k auditKey) verifyHead(h logHead, checkpoint string) (signedSets, error) {
	n, err := note.Open([]byte(checkpoint), note.VerifierList(k.verifier))
	if err != nil {
		return signedSets{}, errors.New("its checkpoint is not signed by the key in audit.key")
	}
	sets, err := parseSets(n.Text)
	if err != nil || n.Text != h.checkpointText(sets) {
		return signedSets{}, errors.New("the signed checkpoint is of another log")
	}
	return sets, nil
}

// parseSets returns the sets in the text of a checkpoint.
func parseSets(text string) (sets signedSets, err error) {
	for line := range strings.SplitSeq(text, "\n") {
		if links, found := strings.CutPrefix(line, linksExtension); found {
			sets.links = links
		}
		if claims, found := strings.CutPrefix(line, claimsExtension); found {
			sets.claims, err = parseClaimSum(claims)
		}
	}
	return sets, err
}

// openSets returns the sets in the newest checkpoint. It returns an error if the checkpoint is not signed, or is of a
// log with fewer than known entries.
func (s *Store) openSets(checkpoint string, known int64) (signedSets, error) {
	if checkpoint == "" && known == 0 {
		return signedSets{}, nil
	}
	n, err := note.Open([]byte(checkpoint), note.VerifierList(s.key.verifier))
	if err != nil {
		return signedSets{}, errors.New("the newest entry of the audit log is not signed with audit.key: servers that share a ledger must share audit.key; if yours do, run `scanwarden audit verify`")
	}
	var origin, size string
	if lines := strings.Split(n.Text, "\n"); len(lines) > 2 {
		origin, size = lines[0], lines[1]
	}
	if entries, err := strconv.ParseInt(size, 10, 64); err != nil || origin != logName || entries < known {
		return signedSets{}, fmt.Errorf("the audit log had %d entries and now has fewer: entries were removed; run `scanwarden audit verify`", known)
	}
	return parseSets(n.Text)
}
