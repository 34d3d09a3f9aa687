package store

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// MaxReceipt bounds the bytes of a receipt that VerifyReceipt reads.
const MaxReceipt = 16 << 20

// VerifyReceipt returns the receipt in text if each of its bytes is as the owner of the key made it. It needs no ledger. key
// is the text of audit.pub. The error names the first thing that does not verify.
func VerifyReceipt(text []byte, key string) (Receipt, error) {
	verifier, err := newPublicVerifier(key)
	if err != nil {
		return Receipt{}, err
	}
	r, err := decodeReceipt(text)
	if err != nil {
		return Receipt{}, err
	}
	if !verifier.Verify(r.signedText(), r.Signature) {
		return Receipt{}, errors.New("the signature of the receipt does not verify: it was altered, or made with another key than the one in --key")
	}
	head, err := openCheckpoint(r.Checkpoint, verifier)
	if err != nil {
		return Receipt{}, fmt.Errorf("check the receipt: %w", err)
	}
	for _, e := range r.Entries {
		if err := e.verify(head); err != nil {
			return Receipt{}, fmt.Errorf("entry %d: %w", e.N, err)
		}
	}
	proven, err := summarizeEntries(r)
	if err != nil {
		return Receipt{}, err
	}
	if !bytes.Equal(proven.encode(), text) {
		return Receipt{}, errors.New("the summary of the receipt is not what its entries record")
	}
	return proven, nil
}

// newPublicVerifier returns the verifier of the text of audit.pub.
func newPublicVerifier(key string) (note.Verifier, error) {
	verifier, err := note.NewVerifier(trimKeyText([]byte(key)))
	if err != nil || verifier.Name() != logName {
		return nil, fmt.Errorf("--key is not a public key of an audit log; give the file audit.pub, or its text, which begins with %q", logName+"+")
	}
	return verifier, nil
}

// decodeReceipt returns the receipt in text. It accepts only the exact bytes that encode writes, so that no field can be
// unknown, repeated or written in another way.
func decodeReceipt(text []byte) (r Receipt, err error) {
	if len(text) > MaxReceipt {
		return r, fmt.Errorf("the file has more than %d bytes; no receipt is that large", MaxReceipt)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return r, fmt.Errorf("the file is not a receipt: %w; give the file as `scanwarden audit receipt` printed it", err)
	}
	switch {
	case r.Format != receiptFormat:
		return r, fmt.Errorf("format is %q, and this program reads %q; use a newer version of scanwarden", r.Format, receiptFormat)
	case !bytes.Equal(r.encode(), text):
		return r, errors.New("the file is not exactly as `scanwarden audit receipt` prints it: a field is repeated, or its layout was changed; ask for the file again")
	case len(r.Entries) == 0:
		return r, errors.New("entries is empty, so that the receipt proves nothing; ask for another receipt")
	}
	return r, nil
}

// verify returns nil if the log with this head has the line at N.
func (e ReceiptEntry) verify(head logHead) error {
	if n, err := entryNumber(e.Line); err != nil || n != e.N {
		return errors.New("its line has another number")
	}
	if tlog.RecordHash([]byte(e.Line)) != e.Hash {
		return errors.New("its hash is not that of its line")
	}
	if e.N < 0 || e.N >= head.size || tlog.CheckRecord(e.Proof, head.size, head.root, e.N, e.Hash) != nil {
		return errors.New("its proof does not lead to the checkpoint, so that the log does not have it")
	}
	return nil
}

// openCheckpoint returns the head in a checkpoint that has exactly one signature, which verifies.
func openCheckpoint(checkpoint string, verifier note.Verifier) (logHead, error) {
	n, err := note.Open([]byte(checkpoint), note.VerifierList(verifier))
	if err != nil || len(n.Sigs) != 1 {
		return logHead{}, errors.New("its checkpoint is not signed by this key")
	}
	signature, err := base64.StdEncoding.DecodeString(n.Sigs[0].Base64)
	written := fmt.Sprintf("%s\n— %s %s\n", n.Text, logName, base64.StdEncoding.EncodeToString(signature))
	if err != nil || written != checkpoint {
		return logHead{}, errors.New("its checkpoint has bytes that its signature does not cover")
	}
	return parseHead(n.Text)
}

// parseHead returns the head in the text of a verified checkpoint.
func parseHead(text string) (logHead, error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || lines[0] != logName { // extension lines may follow
		return logHead{}, errors.New("its checkpoint is of another log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 {
		return logHead{}, errors.New("its checkpoint has no size")
	}
	root, err := tlog.ParseHash(lines[2])
	return logHead{size: size, root: root}, err
}
