package store

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// merkleTree is the right edge of the log's Merkle tree: the roots of its complete subtrees, largest first. The
// edge is enough to append an entry and to compute the root, so neither has to read the log.
type merkleTree struct {
	size int64
	edge []tlog.Hash
}

// parseEdge returns the edge of a tree of that size from the encoding of String.
func parseEdge(size int64, edge string) ([]tlog.Hash, error) {
	hashes, err := parseHashes(edge)
	if err != nil || size < 0 || len(hashes) != bits.OnesCount64(uint64(size)) {
		return nil, fmt.Errorf("the head of the audit log, at %d entries, is damaged; run `scanwarden audit verify`", size)
	}
	return hashes, nil
}

// String returns the hashes of the edge in base64, separated by spaces.
func (t merkleTree) String() string { return formatHashes(t.edge) }

// addLine appends an entry and returns the hashes that it completes: its own, then those of the ever larger
// subtrees that end with it.
func (t *merkleTree) addLine(line string) ([]tlog.Hash, error) {
	completed, err := tlog.StoredHashes(t.size, []byte(line), t)
	if err != nil {
		return nil, err
	}
	merged := len(completed) - 1
	t.edge = append(slices.Clip(t.edge[:len(t.edge)-merged]), completed[merged])
	t.size++
	return completed, nil
}

// currentHead returns the size and the root of the tree.
func (t merkleTree) currentHead() (logHead, error) {
	root, err := tlog.TreeHash(t.size, &t)
	return logHead{size: t.size, root: root}, err
}

// ReadHashes implements tlog.HashReader.
func (t *merkleTree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	edge := edgeIndexes(t.size)
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		at := slices.Index(edge, index)
		if at < 0 || at >= len(t.edge) {
			return nil, fmt.Errorf("hash %d is not at the edge of a tree of %d entries", index, t.size)
		}
		hashes[i] = t.edge[at]
	}
	return hashes, nil
}

// edgeIndexes returns the indexes of the edge's hashes in the numbering of tlog: one complete subtree for each bit
// of size.
func edgeIndexes(size int64) []int64 {
	var indexes []int64
	for done := int64(0); done < size; {
		level := bits.Len64(uint64(size-done)) - 1
		indexes = append(indexes, tlog.StoredHashIndex(level, done>>level))
		done += 1 << level
	}
	return indexes
}

func formatHashes(hashes []tlog.Hash) string {
	texts := make([]string, len(hashes))
	for i, h := range hashes {
		texts[i] = h.String()
	}
	return strings.Join(texts, " ")
}

func parseHashes(text string) ([]tlog.Hash, error) {
	var hashes []tlog.Hash
	for _, field := range strings.Fields(text) {
		h, err := tlog.ParseHash(field)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, h)
	}
	return hashes, nil
}
