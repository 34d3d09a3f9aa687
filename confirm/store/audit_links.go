package store

import (
	"context"
	"database/sql"
	"fmt"

	"scanwarden/confirm"
)

// linkState is a link that was made and, as far as the log has told, not taken back since.
type linkState struct {
	linkEvent
	entry int64 // which made it
	at    int64
}

// linkSet are those that stand, by either side.
type linkSet struct {
	from map[confirm.Principal]linkState
	to   map[confirm.Principal]bool
}

// apply takes entry e into account, or says why no ledger can have come to it.
func (s linkSet) apply(e entry) error {
	before, stands := s.from[e.Link.From]
	switch {
	case e.Event == eventLinked && stands:
		return fmt.Errorf("%s is linked a second time: its row was altered behind the log's back", e.Link.From)
	case e.Event == eventLinked && s.to[e.Link.To]:
		return fmt.Errorf("%s is linked from a second side: its row was altered behind the log's back", e.Link.To)
	case e.Event == eventLinked:
		s.from[e.Link.From], s.to[e.Link.To] = linkState{linkEvent: *e.Link, entry: e.N, at: micros(e.Time)}, true
		return nil
	case e.Event != eventUnlinked:
		return fmt.Errorf("%q is nothing that befalls a link", e.Event)
	case !stands || before.To != e.Link.To:
		return fmt.Errorf("%s is unlinked from what it was not linked to: its row was altered behind the log's back", e.Link.From)
	}
	delete(s.from, e.Link.From)
	delete(s.to, e.Link.To)
	return nil
}

// compareLinks compares the table of links with the log.
func (v *logVerifier) compareLinks(ctx context.Context, tx *sql.Tx) error {
	rows, err := readLinks(ctx, tx)
	if err != nil {
		return err
	}
	for _, l := range rows {
		logged, known := v.links.from[l.From]
		if !known {
			return badEntry(v.log.size, "the link of %s is in the ledger, and nothing in the log tells of it", l.From)
		}
		delete(v.links.from, l.From)
		if logged.linkEvent != (linkEvent{From: l.From, To: l.To, Name: l.Name, How: l.How}) || logged.at != micros(l.At) {
			return badEntry(logged.entry, "the link of %s was altered behind the log's back", l.From)
		}
	}
	for from, logged := range v.links.from {
		return badEntry(logged.entry, "the link of %s, which it tells of, is not in the ledger any more", from)
	}
	return nil
}
