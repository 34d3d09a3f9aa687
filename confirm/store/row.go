package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"scanwarden/confirm"
)

// columns of table change, in the order in which Insert gives them and scan takes them.
const columns = `id, code, operation, target, digest, proposal, requester, via, local, channels, needed,
	created, expires, state, version, round, outcome, owner, lease, updated`

// changes reads the changes that clause selects, newest first, with their decisions: one statement, so that
// both are of the same moment.
func changes(ctx context.Context, q querier, clause string, args ...any) ([]confirm.Change, error) {
	var found []confirm.Change
	err := eachChange(ctx, q, clause, args, func(c confirm.Change, err error) error {
		if err != nil {
			return fmt.Errorf("%s cannot be used: %w; run `scanwarden audit verify`", c.ID, err)
		}
		found = append(found, c)
		return nil
	})
	return found, err
}

// eachChange calls yield for each change, or with the reason why a row of the table makes none: then only its
// ID is set. It stops at the first error of yield.
func eachChange(ctx context.Context, q querier, clause string, args []any, yield func(confirm.Change, error) error) error {
	rows, err := q.QueryContext(ctx, `SELECT `+columns+`, decision FROM (SELECT * FROM change `+clause+`) AS c
		LEFT JOIN (SELECT change_id, version AS at_version, decision FROM decision) AS d ON change_id = id
		ORDER BY created DESC, id DESC, at_version`, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var r row
	var c confirm.Change
	var bad error
	for rows.Next() {
		if err := r.scan(rows); err != nil {
			return err
		}
		if r.id != c.ID {
			if c.ID != "" {
				if err := yield(c, bad); err != nil {
					return err
				}
			}
			c, bad = r.change()
		}
		if bad == nil && r.decision.Valid {
			c.Decisions, bad = appendDecision(c.Decisions, r.decision.String)
		}
	}
	if err := rows.Err(); err != nil || c.ID == "" {
		return err
	}
	return yield(c, bad)
}

// row is a row of table change, joined with one decision on it.
type row struct {
	id, code, operation, target, digest, proposal, requester, via, channels, state, outcome, owner string
	local, needed, created, expires, version, round, lease, updated                                int64
	decision                                                                                       sql.NullString
}

func (r *row) scan(rows *sql.Rows) error {
	return rows.Scan(&r.id, &r.code, &r.operation, &r.target, &r.digest, &r.proposal, &r.requester, &r.via, &r.local,
		&r.channels, &r.needed, &r.created, &r.expires, &r.state, &r.version, &r.round, &r.outcome, &r.owner,
		&r.lease, &r.updated, &r.decision)
}

func (r *row) change() (confirm.Change, error) {
	c := confirm.Change{
		ID: r.id, Code: r.code, Digest: r.digest, Requester: confirm.Principal(r.requester), Via: r.via,
		Local: r.local != 0, Created: fromMicros(r.created), Expires: fromMicros(r.expires),
		State: confirm.State(r.state), Version: r.version, Round: int(r.round), Needed: int(r.needed),
		Owner: r.owner, Lease: fromMicros(r.lease), Updated: fromMicros(r.updated),
	}
	var p proposal
	if err := json.Unmarshal([]byte(r.proposal), &p); err != nil {
		return c, fmt.Errorf("its proposal cannot be read: %w", err)
	}
	c.Proposal = p.restore(r.operation, r.target)
	if err := json.Unmarshal([]byte(r.channels), &c.Channels); err != nil {
		return c, fmt.Errorf("its channels cannot be read: %w", err)
	}
	var err error
	c.Outcome, err = parseOutcome(r.outcome)
	return c, err
}

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
