package store_test

import (
	"errors"
	"strings"
	"testing"

	"scanwarden/confirm"
)

// A process that knows the log does not follow one that continues from an earlier head, even where another process has
// signed it.
func TestAForkedLogIsNotFollowed(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		first := l.openStore(t)
		c := insert(t, first)
		var n int64
		var edge string
		must(t, l.raw.QueryRow(`SELECT n, edge FROM audit_head`).Scan(&n, &edge))
		c = mustMove(t, first, c, approval("ada"))
		l.alter(t, `DELETE FROM audit WHERE n >= $1`, n)
		l.alter(t, `UPDATE audit_head SET n = $1, edge = $2`, n, edge)
		second := l.openStore(t) // it cannot know better
		insert(t, second)
		insert(t, second)
		if _, err := first.Move(t.Context(), c, claim("me")); err == nil || !strings.Contains(err.Error(), "does not continue") {
			t.Errorf("the process that knew the log got %v", err)
		}
		if _, err := first.Move(t.Context(), c, claim("me")); err == nil {
			t.Error("it followed the second time")
		}
	})
}

// What several processes write in turn is one log to each of them, also for changes from before their start.
func TestProcessesFollowEachOther(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		one := l.openStore(t)
		old := insert(t, one)
		two := l.openStore(t)
		first := insert(t, two)
		second := mustMove(t, one, first, approval("ada"))
		old = mustMove(t, two, old, approval("ada"))
		mustMove(t, two, second, claim("me"), finish(confirm.Applied))
		mustMove(t, l.openStore(t), old, claim("me"), finish(confirm.Applied))
		if _, err := one.Move(t.Context(), second, claim("you")); !errors.Is(err, confirm.ErrMoved) {
			t.Errorf("the second claim got %v", err)
		}
		mustVerify(t, two)
	})
}

// A link that was written without an entry is not signed by the next one.
func TestAForgedLinkIsNotSigned(t *testing.T) {
	sealed := func(l confirm.Link, mac string) confirm.Link {
		l.MAC = mac
		return l
	}
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		mustLink(t, s, sealed(bobLink(), "k.bob"))
		l.alter(t, `INSERT INTO link (from_principal, to_principal, name, how, at, mac) VALUES ('slack:T1/UEVE', 'entra:T/ADA', '', 'sign-in', 0, 'k.eve')`)
		if err := s.Link(t.Context(), sealed(cleoLink(), "k.cleo")); !errors.Is(err, confirm.ErrTampered) {
			t.Errorf("a link got %v", err)
		}
		if err := s.Unlink(t.Context(), bobLink().From, noon, "he left"); !errors.Is(err, confirm.ErrTampered) {
			t.Errorf("an unlink got %v", err)
		}
		l.alter(t, `DELETE FROM link WHERE mac = 'k.eve'`)
		mustLink(t, s, sealed(cleoLink(), "k.cleo"))
		must(t, s.Unlink(t.Context(), bobLink().From, noon, "he left"))
		mustVerify(t, s)
		links, set, err := l.openStore(t).LinkSet(t.Context())
		if err != nil || len(links) != 1 || set != confirm.LinkSetHash(links) {
			t.Errorf("there are %v with %q (%v)", links, set, err)
		}
	})
}
