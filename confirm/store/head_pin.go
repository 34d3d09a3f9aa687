package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// pinInterval bounds how long a committed head is not yet recorded in the state directory. A file that is synced for
// every commit would halve the rate of commits.
const pinInterval = time.Second

// headPin records the newest head of one ledger's log in a file beside the key, outside the database. Write access to
// the database does not reach that file, so that a log which was cut, or replaced by an older copy, is found.
// Several processes may share the file; the larger head wins. The zero value records nothing.
type headPin struct {
	path    string
	key     auditKey
	onError func(error) // may be nil

	mu         sync.Mutex
	latest     logHead
	checkpoint string      // of latest; "" if it is written already
	timer      *time.Timer // writes latest; nil if none is due
	failed     bool        // the last write
}

// newHeadPin returns the pin of the ledger in this directory. It reads nothing.
func newHeadPin(cfg Config, key auditKey, location string) *headPin {
	sum := sha256.Sum256([]byte(relativeLocation(cfg.KeyDir, location)))
	path := filepath.Join(cfg.KeyDir, "audit.head-"+hex.EncodeToString(sum[:4]))
	return &headPin{path: path, key: key, onError: cfg.OnPinError}
}

// relativeLocation returns the location of a ledger without the path of dir, so that a directory which is moved with
// its ledger keeps its pin.
func relativeLocation(dir, location string) string {
	file, isFile := strings.CutPrefix(location, "sqlite:")
	dir, err := filepath.Abs(dir)
	if !isFile || err != nil {
		return location
	}
	if relative, err := filepath.Rel(dir, file); err == nil && filepath.IsLocal(relative) {
		return "sqlite:" + relative
	}
	return location
}

// read returns the recorded head, and the zero head if there is none.
func (p *headPin) read() (logHead, error) {
	text, err := os.ReadFile(p.path)
	if errors.Is(err, fs.ErrNotExist) {
		return logHead{}, nil
	}
	if err != nil {
		return logHead{}, fmt.Errorf("%w; let this user read it", err)
	}
	head, err := p.key.openHead(string(text))
	if err != nil {
		return logHead{}, fmt.Errorf("%s: %w; restore it and audit.key from one backup, or, if the ledger was begun anew under another key, remove the file", p.path, err)
	}
	return head, nil
}

// update records the head of a committed log within pinInterval.
func (p *headPin) update(head logHead, checkpoint string) {
	if p.path == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if head.size <= p.latest.size {
		return
	}
	p.latest, p.checkpoint = head, checkpoint
	if p.timer == nil {
		p.timer = time.AfterFunc(pinInterval, func() { p.flush() })
	}
}

// flush writes the newest head now, unless it is written already.
func (p *headPin) flush() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	if p.checkpoint == "" {
		return nil
	}
	if recorded, err := p.read(); err == nil && recorded.size >= p.latest.size {
		p.checkpoint = "" // another process was faster
		return nil
	}
	err := writeFileAtomic(p.path, p.checkpoint, os.Rename)
	if err != nil {
		err = createError(p.path, err, stateDirSetting)
		if !p.failed && p.onError != nil {
			p.onError(err)
		}
	} else {
		p.checkpoint = ""
	}
	p.failed = err != nil
	return err
}

// openHead returns the head that a checkpoint signed with our key is of.
func (k auditKey) openHead(checkpoint string) (logHead, error) {
	n, err := note.Open([]byte(checkpoint), note.VerifierList(k.verifier))
	if err != nil {
		return logHead{}, errors.New("it holds no checkpoint that is signed by the key in audit.key")
	}
	return parseHead(n.Text)
}

// CheckHead returns nil if the log continues the one whose head was last recorded in the state directory. Otherwise
// entries were removed or replaced: the server must not start. CheckKey must have returned nil.
func (s *Store) CheckHead(ctx context.Context) error {
	pinned, err := s.pin.read() // before the log is read, which only grows
	if err != nil {
		return fmt.Errorf("check audit log: %w", err)
	}
	var now logHead
	err = s.readSnapshot(ctx, func(tx *sql.Tx) error {
		var checkpoint string
		err := tx.QueryRowContext(ctx, selectCheckpoint).Scan(&checkpoint)
		if err == nil {
			now, err = s.key.openHead(checkpoint)
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if !continues(now, pinned, storedHashes(ctx, tx)) {
			return errors.New(s.pin.describe(now, pinned))
		}
		if !s.inspected {
			s.pin.update(now, checkpoint)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("check audit log: %w", explainError(err))
	}
	return nil
}

// describe returns what is wrong with a log that does not continue the pinned one, and what to do.
func (p *headPin) describe(now, pinned logHead) string {
	what := fmt.Sprintf("its first %d entries are not those that were recorded in %s", pinned.size, p.path)
	if now.size < pinned.size {
		what = fmt.Sprintf("it has %d of the %d entries that were recorded in %s", now.size, pinned.size, p.path)
	}
	return what + ": entries were removed, or the database was replaced by another copy; " +
		"restore the newest copy, or, only if the loss is known (a restored backup, a failover), move that file away"
}

// continues reports whether the log with head now begins with the log with head pinned.
func continues(now, pinned logHead, hashes tlog.HashReader) bool {
	switch {
	case pinned.size == 0:
		return true
	case now.size <= pinned.size:
		return now == pinned
	}
	proof, err := tlog.ProveTree(now.size, pinned.size, hashes)
	return err == nil && tlog.CheckTree(proof, now.size, now.root, pinned.size, pinned.root) == nil
}

// storedHashes reads hashes of the log's tree from the rows of the log. They are not trusted: CheckTree proves them.
func storedHashes(ctx context.Context, q querier) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			level, n := tlog.SplitStoredHashIndex(index)
			entry := (n+1)<<level - 1 // the entry that completes the subtree
			var first int64
			var text string
			err := q.QueryRowContext(ctx, `SELECT n, hashes FROM audit WHERE n <= $1 ORDER BY n DESC LIMIT 1`, entry).Scan(&first, &text)
			if err != nil {
				return nil, err
			}
			lines := strings.Split(text, "\n")
			if entry-first >= int64(len(lines)) {
				return nil, fmt.Errorf("the hashes of entry %d are missing", entry)
			}
			hashes, err := parseHashes(lines[entry-first])
			if err != nil || level >= len(hashes) {
				return nil, fmt.Errorf("the hashes of entry %d are damaged", entry)
			}
			found[i] = hashes[level]
		}
		return found, nil
	})
}
