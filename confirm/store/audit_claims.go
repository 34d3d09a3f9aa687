package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"

	"scanwarden/confirm"
)

// heldClaim is a row of table claim: a key of what a change writes, held until the outcome of the change is known.
type heldClaim struct{ target, key, change string }

// claimSum authenticates a set of claims: it is the sum of a MAC of each, modulo 2^256. The signed head of the audit log
// has it, so that a claim cannot be removed, altered or added without an entry. A sum needs no table to follow a claim
// or a release. The MACs need audit.key, so that no other set of rows can be found that has the same sum.
type claimSum [4]uint64

// add returns the sum with one more claim, and subtract without one.
func (s claimSum) add(mac claimSum) claimSum {
	var carry uint64
	for i := range s {
		s[i], carry = bits.Add64(s[i], mac[i], carry)
	}
	return s
}

func (s claimSum) subtract(mac claimSum) claimSum {
	var borrow uint64
	for i := range s {
		s[i], borrow = bits.Sub64(s[i], mac[i], borrow)
	}
	return s
}

// String returns the sum in base64, or "" if there are no claims.
func (s claimSum) String() string {
	if s == (claimSum{}) {
		return ""
	}
	var text []byte
	for _, part := range s {
		text = binary.BigEndian.AppendUint64(text, part)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// parseClaimSum returns the sum that String has encoded.
func parseClaimSum(text string) (s claimSum, err error) {
	if text == "" {
		return s, nil
	}
	sum, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(sum) != sha256.Size {
		return s, fmt.Errorf("the claims in a checkpoint, %q, cannot be read", text)
	}
	return newClaimSum(sum), nil
}

// newClaimSum returns the sum with these 32 bytes.
func newClaimSum(sum []byte) (s claimSum) {
	for i := range s {
		s[i] = binary.BigEndian.Uint64(sum[8*i:])
	}
	return s
}

// claimMAC returns the MAC of one claim.
func (k auditKey) claimMAC(c heldClaim) claimSum {
	mac := hmac.New(sha256.New, k.claims)
	for _, text := range []string{c.target, c.key, c.change} {
		fmt.Fprintf(mac, "%d:%s", len(text), text)
	}
	return newClaimSum(mac.Sum(nil))
}

// sumClaims returns the sum of these claims.
func (k auditKey) sumClaims(claims []heldClaim) (sum claimSum) {
	for _, c := range claims {
		sum = sum.add(k.claimMAC(c))
	}
	return sum
}

// claims returns what the change of e holds since e, which claims it.
func (e entry) claims() []heldClaim {
	held := make([]heldClaim, len(e.Keys))
	for i, key := range e.Keys {
		held[i] = heldClaim{e.Target, key, e.Change}
	}
	return held
}

// followClaims returns the sum after entry e of a change that held these claims before it.
func (k auditKey) followClaims(sum claimSum, e entry, held []heldClaim) claimSum {
	for _, c := range e.claims() {
		sum = sum.add(k.claimMAC(c))
	}
	if isSettled(e.To) {
		for _, c := range held {
			sum = sum.subtract(k.claimMAC(c))
		}
	}
	return sum
}

// updateClaims returns the sum of the claims after the transitions that have matched. before are the rows before them,
// which are read if one of the transitions claims: they must be those of the newest head. It notes which rows the others
// have inserted, so that these are deleted with the commit.
func (s *Store) updateClaims(all []*transition, before []heldClaim) (claimSum, error) {
	sum, rightful := s.lastSets.claims, map[heldClaim]bool{}
	if slices.ContainsFunc(all, (*transition).claims) && s.key.sumClaims(before) != sum {
		return sum, claimsError()
	}
	for _, c := range before {
		rightful[c] = true
	}
	for _, t := range all {
		if !t.guarded.matched || t.entry.Link != nil {
			continue
		}
		sum = s.key.followClaims(sum, *t.entry, t.held)
		for _, c := range t.entry.claims() {
			rightful[c] = true
		}
	}
	for _, t := range all {
		for i, key := range t.entry.Keys {
			row := heldClaim{t.read.Target, key, t.read.ID}
			if !t.guarded.matched && t.holders[i] == row.change && !rightful[row] {
				t.stray = append(t.stray, &statement{query: deleteClaim, args: []any{row.target, row.key, row.change}})
			}
		}
	}
	return sum, nil
}

// claimsError returns ErrTampered: the rows of table claim are not those of the signed head.
func claimsError() error {
	return confirm.NewTamperingError(confirm.Tampering{
		Kind: confirm.KindClaims,
		Reason: "the claims in the ledger, which keep two changes of one scan apart, are not those of its audit log, so no change is sent; " +
			"run `scanwarden audit verify`, and restore them or settle the changes of unknown outcome",
	})
}

// scanClaim appends a row of selectClaims to found.
func scanClaim(found *[]heldClaim) func(scan func(...any) error) error {
	return func(scan func(...any) error) error {
		var c heldClaim
		err := scan(&c.target, &c.key, &c.change)
		*found = append(*found, c)
		return err
	}
}

// CheckClaims implements confirm.Store. One statement reads the claims and the newest checkpoint, so that they are of the
// same moment.
func (s *Store) CheckClaims(ctx context.Context) error {
	known := s.knownSize.Load() // before the checkpoint is read, which may be newer
	rows, err := s.read.QueryContext(ctx, `SELECT coalesce(checkpoint, ''), target, key, change_id
		FROM (SELECT 1 AS one) AS o LEFT JOIN (SELECT checkpoint FROM audit ORDER BY n DESC LIMIT 1) AS a ON TRUE
		LEFT JOIN claim ON TRUE`)
	if err != nil {
		return fmt.Errorf("list claims: %w", explainError(err))
	}
	defer rows.Close()
	var checkpoint string
	var found []heldClaim
	for rows.Next() {
		var target, key, change sql.NullString
		if err := rows.Scan(&checkpoint, &target, &key, &change); err != nil {
			return fmt.Errorf("list claims: %w", explainError(err))
		}
		if change.Valid {
			found = append(found, heldClaim{target.String, key.String, change.String})
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("list claims: %w", explainError(err))
	}
	sets, err := s.openSets(checkpoint, known)
	if err != nil {
		return confirm.NewTamperingError(confirm.Tampering{Kind: confirm.KindClaims, Reason: err.Error()})
	}
	if s.key.sumClaims(found) != sets.claims {
		return claimsError()
	}
	return nil
}

// compareClaims checks that the table of claims agrees with the log.
func (v *logVerifier) compareClaims(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, selectClaims)
	if err != nil {
		return err
	}
	defer rows.Close()
	var found []heldClaim
	for rows.Next() {
		if err := scanClaim(&found)(rows.Scan); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if v.key.sumClaims(found) != v.sets.claims {
		return badEntry(v.log.size, "the claims in the ledger, which keep two changes of one scan apart, are not those of the log")
	}
	return nil
}
