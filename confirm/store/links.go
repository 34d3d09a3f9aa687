package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"scanwarden/confirm"
)

// linkEvent is the part of an audit entry about a link: it was made or, without How, taken back.
type linkEvent struct {
	From confirm.Principal `json:"from"`
	To   confirm.Principal `json:"to"`
	Name string            `json:"name,omitempty"`
	How  string            `json:"how,omitempty"`
}

// Audit events of a link.
const (
	eventLinked   = "linked"
	eventUnlinked = "unlinked"
)

// Link implements confirm.Store. It returns an error for an empty principal, and for a link of a principal with
// itself.
func (s *Store) Link(ctx context.Context, l confirm.Link) error {
	if l.From == "" || l.To == "" || l.From == l.To {
		return fmt.Errorf("link %q to %q: a link needs two principals", l.From, l.To)
	}
	err := s.writeTransition(ctx, &transition{
		guarded: &statement{query: insertLink, args: []any{string(l.From), string(l.To), l.Name, l.How, micros(l.At)}},
		entry: &entry{
			Time: l.At.UTC(), Event: eventLinked,
			Link: &linkEvent{From: l.From, To: l.To, Name: l.Name, How: l.How},
		},
	})
	if err != nil {
		return fmt.Errorf("link %s to %s: %w", l.From, l.To, err)
	}
	return nil
}

// Unlink implements confirm.Store.
func (s *Store) Unlink(ctx context.Context, from confirm.Principal, at time.Time, why string) error {
	gone := &linkEvent{From: from}
	err := s.writeTransition(ctx, &transition{
		guarded: &statement{query: deleteLink, args: []any{string(from)}, dest: []any{&gone.To}},
		entry:   &entry{Time: at.UTC(), Event: eventUnlinked, Link: gone, Note: why},
	})
	if errors.Is(err, confirm.ErrMoved) {
		err = confirm.ErrNotFound // there was nothing to delete
	}
	if err != nil {
		return fmt.Errorf("take back the link of %s: %w", from, err)
	}
	return nil
}

// Links implements confirm.Store.
func (s *Store) Links(ctx context.Context) ([]confirm.Link, error) {
	found, err := readLinks(ctx, s.read)
	if err != nil {
		return nil, fmt.Errorf("list links: %w", explainError(err))
	}
	return found, nil
}

func readLinks(ctx context.Context, q querier) ([]confirm.Link, error) {
	rows, err := q.QueryContext(ctx, `SELECT from_principal, to_principal, name, how, at FROM link ORDER BY at, from_principal`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []confirm.Link
	for rows.Next() {
		var l confirm.Link
		var at int64
		if err := rows.Scan(&l.From, &l.To, &l.Name, &l.How, &at); err != nil {
			return nil, err
		}
		l.At = fromMicros(at)
		found = append(found, l)
	}
	return found, rows.Err()
}
