package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// batch is a transaction under way, and the audit entries that it will write.
type batch struct {
	tx   *sql.Tx
	log  tree
	args []any // n, line, hashes and checkpoint of each new entry
}

// begin starts a transaction. It takes the lock on the log's head first: whoever holds it is alone, so that
// transactions of several changes cannot wait for each other in a circle.
func (s *Store) begin(ctx context.Context) (*batch, error) {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	b := &batch{tx: tx}
	if b.log, err = lockHead(ctx, tx); err == nil {
		err = s.trust(ctx, b)
	}
	if err != nil {
		tx.Rollback() // the first error says more
		return nil, err
	}
	return b, nil
}

func lockHead(ctx context.Context, tx *sql.Tx) (tree, error) {
	var n int64
	var edge string
	err := tx.QueryRowContext(ctx, `UPDATE audit_head SET n = n WHERE one = 1 RETURNING n, edge`).Scan(&n, &edge)
	if err != nil {
		return tree{}, fmt.Errorf("lock audit log: %w", err)
	}
	return parseTree(n, edge)
}

// trust refuses to go on from a head that nobody with our key has signed: signing what follows would launder
// whatever was altered before it.
func (s *Store) trust(ctx context.Context, b *batch) error {
	now, err := b.log.head()
	if err != nil || now == s.signed {
		return err
	}
	if now.size < s.signed.size {
		return fmt.Errorf("the audit log had %d entries and now has %d: somebody cut it; run `scanwarden audit verify`", s.signed.size, now.size)
	}
	if now.size == 0 {
		return nil
	}
	var checkpoint string
	err = b.tx.QueryRowContext(ctx, `SELECT checkpoint FROM audit WHERE n = $1`, now.size-1).Scan(&checkpoint)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err := s.key.check(now, checkpoint); err != nil {
		return fmt.Errorf("the audit log's last entry does not hold (%w): servers that share a ledger must share audit.key; if yours do, run `scanwarden audit verify`", err)
	}
	s.signed = now
	return nil
}

// write makes the transitions, and an entry for each whose guard matched. However many they are, each kind of
// statement is executed once: on a network, round trips are what a transaction consists of.
func (b *batch) write(ctx context.Context, all []*transition) error {
	byID := make(map[string]*transition, len(all))
	for _, t := range all {
		t.matched = false
		byID[t.id] = t
	}
	if err := b.insert(ctx, all, byID); err != nil {
		return err
	}
	if err := b.move(ctx, all, byID); err != nil {
		return err
	}
	if err := b.decide(ctx, all); err != nil {
		return err
	}
	for _, t := range all {
		if !t.matched {
			continue
		}
		if err := b.record(t.entry); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) insert(ctx context.Context, all []*transition, byID map[string]*transition) error {
	n, args := gather(all, func(t *transition) []any { return t.insert })
	if n == 0 {
		return nil
	}
	rows, err := b.tx.QueryContext(ctx, `INSERT INTO change (`+columns+`) VALUES `+values(n, columnValues)+`
		ON CONFLICT DO NOTHING RETURNING id`, args...)
	return eachRow(rows, err, func() error {
		var id string
		if err := rows.Scan(&id); err != nil {
			return err
		}
		byID[id].matched = true
		return nil
	})
}

// move is where every guard of the ledger stands: what does not match leaves no row to alter. A new value
// that is the empty string leaves the old one.
func (b *batch) move(ctx context.Context, all []*transition, byID map[string]*transition) error {
	n, args := gather(all, func(t *transition) []any { return t.move })
	if n == 0 {
		return nil
	}
	rows, err := b.tx.QueryContext(ctx, `
		WITH move (of, to_state, at, rounds, new_owner, new_lease, new_outcome,
			shown, from_state, from_version, expires_after, person) AS (VALUES `+values(n, moveValues)+`)
		UPDATE change SET state = to_state, version = version + 1, updated = at, round = round + rounds,
			owner = CASE WHEN new_owner = '' THEN owner ELSE new_owner END,
			lease = CASE WHEN new_owner = '' THEN lease ELSE new_lease END,
			outcome = CASE WHEN new_outcome = '' THEN outcome ELSE new_outcome END
		FROM move
		WHERE id = of AND digest = shown AND state = from_state AND version = from_version
			AND expires > expires_after
			AND NOT EXISTS (SELECT 1 FROM decision WHERE change_id = of AND decision.person = move.person)
		RETURNING id, operation, target, requester, via, round, owner, lease, outcome`, args...)
	return eachRow(rows, err, func() error {
		var id string
		var e entry
		var row altered
		if err := rows.Scan(&id, &e.Operation, &e.Target, &e.Requester, &e.Via, &e.Round,
			&row.owner, &row.lease, &row.outcome); err != nil {
			return err
		}
		byID[id].moved(e, row)
		return nil
	})
}

// moveValues has types because PostgreSQL takes parameters in a WITH for text.
const moveValues = `(?, ?, CAST(? AS BIGINT), CAST(? AS BIGINT), ?, CAST(? AS BIGINT), ?, ?, ?,
	CAST(? AS BIGINT), CAST(? AS BIGINT), ?)`

// moved takes over what the altered row says: the audit entry tells of it, not of what the caller holds.
func (t *transition) moved(e entry, row altered) {
	t.matched, t.row = true, row
	t.entry.Operation, t.entry.Target, t.entry.Round = e.Operation, e.Target, e.Round
	t.entry.Requester, t.entry.Via = e.Requester, e.Via
}

func (b *batch) decide(ctx context.Context, all []*transition) error {
	n, args := gather(all, func(t *transition) []any {
		if t.matched {
			return t.decision
		}
		return nil
	})
	if n == 0 {
		return nil
	}
	_, err := b.tx.ExecContext(ctx, `INSERT INTO decision (change_id, person, version, decision) VALUES `+
		values(n, `(?, ?, ?, ?)`), args...)
	return err
}

// gather joins what part finds in the transitions that have it, and says how many did.
func gather(all []*transition, part func(*transition) []any) (n int, args []any) {
	for _, t := range all {
		if p := part(t); p != nil {
			n++
			args = append(args, p...)
		}
	}
	return n, args
}

// eachRow calls scan for each row of a query's result.
func eachRow(rows *sql.Rows, err error, scan func() error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(); err != nil {
			return err
		}
	}
	return rows.Err()
}

// record adds an entry; its number is given here.
func (b *batch) record(e entry) error {
	e.N, e.Time = b.log.size, e.Time.UTC()
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write audit entry: %w", err)
	}
	hashes, err := b.log.add(string(line))
	if err != nil {
		return fmt.Errorf("write audit entry: %w", err)
	}
	b.args = append(b.args, e.N, string(line), formatHashes(hashes), "")
	return nil
}

// finish signs the new head and commits. A transaction without entries has altered nothing, and is dropped.
func (s *Store) finish(ctx context.Context, b *batch) error {
	if len(b.args) == 0 {
		return nil
	}
	now, err := b.log.head()
	if err != nil {
		return err
	}
	if b.args[len(b.args)-1], err = s.key.sign(now); err != nil {
		return fmt.Errorf("sign audit log: %w", err)
	}
	insert := `INSERT INTO audit (n, line, hashes, checkpoint) VALUES ` + values(len(b.args)/4, `(?, ?, ?, ?)`)
	if _, err := b.tx.ExecContext(ctx, insert, b.args...); err != nil {
		return fmt.Errorf("append to audit log: %w", err)
	}
	_, err = b.tx.ExecContext(ctx, `UPDATE audit_head SET n = $1, edge = $2 WHERE one = 1`, now.size, b.log.String())
	if err != nil {
		return fmt.Errorf("move audit head: %w", err)
	}
	if err := b.tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	s.signed = now
	return nil
}

// values returns n rows of parameters for a VALUES list, numbered through, each shaped like row, in which "?"
// stands for a parameter.
func values(n int, row string) string {
	var sb strings.Builder
	for i, parameter := range strings.SplitAfter(strings.Repeat(row+",", n), "?") {
		if before, ok := strings.CutSuffix(parameter, "?"); ok {
			sb.WriteString(before + "$" + strconv.Itoa(i+1))
			continue
		}
		sb.WriteString(strings.TrimSuffix(parameter, ","))
	}
	return sb.String()
}
