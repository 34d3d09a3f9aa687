package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"scanwarden/confirm"
)

// changeQuery selects rows of table change. The zero value selects all.
type changeQuery struct {
	clause string // WHERE and what may follow it
	args   []any
}

// readChanges returns the selected changes, newest first, with their decisions. One statement reads both, so that
// they are of the same moment. The error names each row that cannot be decoded; the other changes are returned
// beside it.
func readChanges(ctx context.Context, q querier, where changeQuery) ([]confirm.Change, error) {
	var found []confirm.Change
	var unusable []error
	err := eachChange(ctx, q, where, func(c confirm.Change, err error) error {
		if err != nil {
			unusable = append(unusable, unusableError(c, err))
			return nil
		}
		found = append(found, c)
		return nil
	})
	return found, errors.Join(append(unusable, err)...)
}

// unusableError returns the error of a row that cannot be decoded.
func unusableError(c confirm.Change, err error) error {
	return fmt.Errorf("%s cannot be used: %w; run `scanwarden audit verify`", c.ID, err)
}

// eachChange calls yield for each selected change. If a row cannot be decoded, yield receives a change that has at
// least its ID, and the reason. It stops at the first error of yield.
func eachChange(ctx context.Context, q querier, where changeQuery, yield func(confirm.Change, error) error) error {
	rows, err := q.QueryContext(ctx, `SELECT id, code, operation, target, digest, requester, via, created, expires,
			state, settled, c.version, round, outcome, owner, lease, updated, proposed, decision
		FROM (SELECT * FROM change `+where.clause+`) AS c
		LEFT JOIN proposal AS p ON p.change_id = id LEFT JOIN decision AS d ON d.change_id = id
		ORDER BY created DESC, id DESC, d.version`, where.args...)
	if err != nil {
		return explainError(err)
	}
	defer rows.Close()
	var r changeRow
	var c confirm.Change
	var bad error
	for rows.Next() {
		if err := r.scanFrom(rows); err != nil {
			return explainError(err)
		}
		if r.id != c.ID {
			if c.ID != "" {
				if err := yield(c, bad); err != nil {
					return err
				}
			}
			c, bad = r.toChange()
		}
		if bad == nil && r.decision.Valid {
			c.Decisions, bad = appendDecision(c.Decisions, r.decision.String)
		}
	}
	if err := rows.Err(); err != nil || c.ID == "" {
		return explainError(err)
	}
	return yield(c, bad)
}

// changeRow is a row of table change, joined with its proposal and one of its decisions.
type changeRow struct {
	id, code, operation, target, digest, requester, via, state, outcome, owner string
	created, expires, settled, version, round, lease, updated                  int64
	proposed, decision                                                         sql.NullString
}

func (r *changeRow) scanFrom(rows *sql.Rows) error {
	return rows.Scan(&r.id, &r.code, &r.operation, &r.target, &r.digest, &r.requester, &r.via, &r.created, &r.expires,
		&r.state, &r.settled, &r.version, &r.round, &r.outcome, &r.owner, &r.lease, &r.updated, &r.proposed, &r.decision)
}

// toChange returns the change without its decisions.
func (r *changeRow) toChange() (confirm.Change, error) {
	c := confirm.Change{
		ID: r.id, Code: r.code, Digest: r.digest, Requester: confirm.Principal(r.requester), Source: r.via,
		Created: fromMicros(r.created), Expires: fromMicros(r.expires),
		State: confirm.State(r.state), Version: r.version, Round: int(r.round),
		Owner: r.owner, Lease: fromMicros(r.lease), Updated: fromMicros(r.updated),
	}
	if r.settled != boolToInt(isSettled(c.State)) {
		return c, errors.New("its column settled contradicts its state")
	}
	var p storedProposal
	if err := json.Unmarshal([]byte(r.proposed.String), &p); err != nil {
		return c, fmt.Errorf("its proposal cannot be read: %w", err)
	}
	p.restoreTo(&c, r.operation, r.target)
	var err error
	c.Outcome, err = parseOutcome(r.outcome)
	return c, err
}

// parseOutcome returns the zero outcome for "".
func parseOutcome(text string) (o confirm.Outcome, err error) {
	if text == "" {
		return o, nil
	}
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return o, fmt.Errorf("its outcome cannot be read: %w", err)
	}
	return o, nil
}

func appendDecision(made []confirm.Decision, text string) ([]confirm.Decision, error) {
	var d confirm.Decision
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return made, fmt.Errorf("a decision on it cannot be read: %w", err)
	}
	return append(made, d), nil
}
