package store

import (
	"context"
	"database/sql"
	"fmt"

	"scanwarden/confirm"
)

// linkState is a link that was made and not taken back, according to the log.
type linkState struct {
	linkEvent
	entry int64 // that made it
	at    int64
}

// linkSet holds the existing links by either side.
type linkSet struct {
	from map[confirm.Principal]linkState
	to   map[confirm.Principal]bool
}

// apply updates the set by entry e. It returns an error if no sequence of valid transitions can have led to e.
func (s linkSet) apply(e entry) error {
	before, exists := s.from[e.Link.From]
	switch {
	case e.Event == eventLinked && exists:
		return fmt.Errorf("%s is linked a second time: its row was altered without an audit entry", e.Link.From)
	case e.Event == eventLinked && s.to[e.Link.To]:
		return fmt.Errorf("%s is linked from a second side: its row was altered without an audit entry", e.Link.To)
	case e.Event == eventLinked:
		s.from[e.Link.From], s.to[e.Link.To] = linkState{linkEvent: *e.Link, entry: e.N, at: micros(e.Time)}, true
		return nil
	case e.Event != eventUnlinked:
		return fmt.Errorf("%q is no event of a link", e.Event)
	case !exists || before.To != e.Link.To:
		return fmt.Errorf("%s is unlinked from what it was not linked to: its row was altered without an audit entry", e.Link.From)
	}
	delete(s.from, e.Link.From)
	delete(s.to, e.Link.To)
	return nil
}

// hash returns the LinkSetHash of the links.
func (s linkSet) hash() string {
	var links []confirm.Link
	for _, l := range s.from {
		links = append(links, confirm.Link{From: l.From, To: l.To, MAC: l.MAC})
	}
	return confirm.LinkSetHash(links)
}

// compareLinks checks that the table of links agrees with the log.
func (v *logVerifier) compareLinks(ctx context.Context, tx *sql.Tx) error {
	rows, err := readLinks(ctx, tx)
	if err != nil {
		return err
	}
	for _, l := range rows {
		logged, known := v.links.from[l.From]
		if !known {
			return badEntry(v.log.size, "the link of %s is in the ledger, and nothing in the log made it", l.From)
		}
		delete(v.links.from, l.From)
		if logged.linkEvent != (linkEvent{From: l.From, To: l.To, Name: l.Name, How: l.How, MAC: l.MAC}) || logged.at != micros(l.At) {
			return badEntry(logged.entry, "the link of %s was altered without an audit entry", l.From)
		}
	}
	for from, logged := range v.links.from {
		return badEntry(logged.entry, "the link of %s, which it made, is no longer in the ledger", from)
	}
	return nil
}
