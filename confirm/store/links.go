package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"scanwarden/confirm"
)

// linkEvent is the part of an audit entry about a link: it was made or, without How, taken back.
type linkEvent struct {
	From confirm.Principal `json:"from"`
	To   confirm.Principal `json:"to"`
	Name string            `json:"name,omitempty"`
	How  string            `json:"how,omitempty"`
	MAC  string            `json:"mac,omitempty"`
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
		guarded: &statement{query: insertLink, args: []any{string(l.From), string(l.To), l.Name, l.How, micros(l.At), l.MAC}},
		link:    &l,
		entry: &entry{
			Time: l.At.UTC(), Event: eventLinked,
			Link: &linkEvent{From: l.From, To: l.To, Name: l.Name, How: l.How, MAC: l.MAC},
		},
	})
	if err != nil {
		return fmt.Errorf("link %s to %s: %w", l.From, l.To, err)
	}
	return nil
}

// Unlink implements confirm.Store.
func (s *Store) Unlink(ctx context.Context, from confirm.Principal, at time.Time, why string) error {
	gone, removed := &linkEvent{From: from}, &confirm.Link{From: from}
	err := s.writeTransition(ctx, &transition{
		guarded: &statement{query: deleteLink, args: []any{string(from)}, dest: []any{&gone.To, &removed.MAC}},
		link:    removed,
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

// LinkSet implements confirm.Store. One statement reads the links and the newest checkpoint, so that they are of the
// same moment.
func (s *Store) LinkSet(ctx context.Context) ([]confirm.Link, string, error) {
	known := s.knownSize.Load() // before the checkpoint is read, which may be newer
	var checkpoint string
	var found []confirm.Link
	rows, err := s.read.QueryContext(ctx, `SELECT coalesce(checkpoint, ''), from_principal, to_principal, name, how, at, mac
		FROM (SELECT 1 AS one) AS o LEFT JOIN (SELECT checkpoint FROM audit ORDER BY n DESC LIMIT 1) AS a ON TRUE
		LEFT JOIN link ON TRUE ORDER BY at, from_principal`)
	if err != nil {
		return nil, "", fmt.Errorf("list links: %w", explainError(err))
	}
	defer rows.Close()
	for rows.Next() {
		var row linkRow
		if err := rows.Scan(&checkpoint, &row.from, &row.to, &row.name, &row.how, &row.at, &row.mac); err != nil {
			return nil, "", fmt.Errorf("list links: %w", explainError(err))
		}
		if row.from.Valid {
			found = append(found, row.toLink())
		}
	}
	if err := rows.Err(); err != nil {
		return nil, "", fmt.Errorf("list links: %w", explainError(err))
	}
	sets, err := s.openSets(checkpoint, known)
	if err != nil {
		return nil, "", confirm.NewTamperingError(confirm.Tampering{Kind: confirm.KindLinkSet, Reason: err.Error()})
	}
	return found, sets.links, nil
}

// linkRow is a row of table link; the columns are null where a join found none.
type linkRow struct {
	from, to, name, how, mac sql.NullString
	at                       sql.NullInt64
}

func (r linkRow) toLink() confirm.Link {
	return confirm.Link{
		From: confirm.Principal(r.from.String), To: confirm.Principal(r.to.String), Name: r.name.String, How: r.how.String,
		At: fromMicros(r.at.Int64), MAC: r.mac.String,
	}
}

// readLinks returns all links, oldest first.
func readLinks(ctx context.Context, q querier) ([]confirm.Link, error) {
	rows, err := q.QueryContext(ctx, selectLinks)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []confirm.Link
	for rows.Next() {
		var row linkRow
		if err := row.scan(rows.Scan); err != nil {
			return nil, err
		}
		found = append(found, row.toLink())
	}
	return found, rows.Err()
}

// scan reads the columns of selectLinks.
func (r *linkRow) scan(scan func(dest ...any) error) error {
	return scan(&r.from, &r.to, &r.name, &r.how, &r.at, &r.mac)
}

// updateLinkSet returns the hash of the links after the transitions of links that have matched. The links before them
// must be those of the newest head: otherwise a row was written without an entry, and this head would sign it.
func (s *Store) updateLinkSet(ctx context.Context, tx transaction, all []*transition) (string, error) {
	var made, removed []confirm.Link
	for _, t := range all {
		switch {
		case t.link == nil || !t.guarded.matched:
		case t.entry.Event == eventLinked:
			made = append(made, *t.link)
		default:
			t.link.To, t.entry.Link.MAC = t.entry.Link.To, t.link.MAC
			removed = append(removed, *t.link)
		}
	}
	if len(made)+len(removed) == 0 {
		return s.lastSets.links, nil
	}
	var now []confirm.Link
	err := tx.run(ctx, &statement{query: selectLinks, each: func(scan func(...any) error) error {
		var row linkRow
		err := row.scan(scan)
		now = append(now, row.toLink())
		return err
	}})
	if err != nil {
		return "", err
	}
	before := append(slices.Clone(now), removed...)
	for _, l := range made {
		before = slices.DeleteFunc(before, func(b confirm.Link) bool { return b.From == l.From && b.To == l.To && b.MAC == l.MAC })
	}
	if confirm.LinkSetHash(before) != s.lastSets.links {
		return "", confirm.NewTamperingError(confirm.Tampering{
			Kind:   confirm.KindLinkSet,
			Reason: "the account links in the ledger are not those of its audit log, so none can be made or removed; run `scanwarden audit verify` and restore the links",
		})
	}
	return confirm.LinkSetHash(now), nil
}
