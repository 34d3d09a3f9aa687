package store_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

func bobLink() confirm.Link {
	return confirm.Link{From: "slack:T1/UBOB", To: "entra:TENANT/BOB", Name: "Bob “<b>”", How: "sign-in", At: noon}
}

func cleoLink() confirm.Link {
	return confirm.Link{From: "slack:T1/UCLEO", To: "entra:TENANT/CLEO", How: "e-mail", At: noon.Add(time.Hour)}
}

func mustLink(t testing.TB, s *store.Store, links ...confirm.Link) {
	t.Helper()
	for _, l := range links {
		must(t, s.Link(t.Context(), l))
	}
}

func mustLinks(t testing.TB, s *store.Store) []confirm.Link {
	t.Helper()
	found, err := s.Links(t.Context())
	must(t, err)
	return found
}

func TestLinksComeBack(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		mustLink(t, s, cleoLink(), bobLink())
		if diff := cmp.Diff([]confirm.Link{bobLink(), cleoLink()}, mustLinks(t, l.openStore(t))); diff != "" {
			t.Errorf("another process reads others, or in another order (-want +got):\n%s", diff)
		}
		must(t, s.Unlink(t.Context(), bobLink().From, noon, "he left"))
		if diff := cmp.Diff([]confirm.Link{cleoLink()}, mustLinks(t, l.openStore(t))); diff != "" {
			t.Errorf("after one was taken back (-want +got):\n%s", diff)
		}
		mustLink(t, s, bobLink()) // and made again
		mustVerify(t, s)
	})
}

func TestAPrincipalIsLinkedOnce(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		mustLink(t, s, bobLink())
		entries := mustVerify(t, s).Entries
		from, to, both := bobLink(), bobLink(), bobLink()
		from.To, to.From = cleoLink().To, cleoLink().From
		for name, again := range map[string]confirm.Link{"from": from, "to": to, "both": both} {
			if err := s.Link(t.Context(), again); !errors.Is(err, confirm.ErrMoved) {
				t.Errorf("%s: got %v, want ErrMoved", name, err)
			}
		}
		if err := s.Unlink(t.Context(), cleoLink().From, noon, ""); !errors.Is(err, confirm.ErrNotFound) || errors.Is(err, confirm.ErrMoved) {
			t.Errorf("taking back what there is not: got %v, want ErrNotFound", err)
		}
		for name, odd := range map[string]confirm.Link{"nobody": {}, "no from": {To: "a"}, "no to": {From: "a"}, "oneself": {From: "a", To: "a"}} {
			if err := s.Link(t.Context(), odd); err == nil || errors.Is(err, confirm.ErrMoved) {
				t.Errorf("%s: got %v", name, err)
			}
		}
		if now := mustVerify(t, s).Entries; now != entries || len(mustLinks(t, s)) != 1 {
			t.Errorf("the log grew from %d to %d entries", entries, now)
		}
	})
}

func TestOneOfManyLinksWins(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		stores := []*store.Store{l.openStore(t), l.openStore(t)}
		var won atomic.Int64
		inParallel(16, func(i int) {
			link := bobLink()
			link.To += confirm.Principal(rune('A' + i))
			switch err := stores[i%2].Link(t.Context(), link); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, confirm.ErrMoved):
				t.Error(err)
			}
		})
		if n := mustVerify(t, stores[0]).Entries; won.Load() != 1 || n != 1 {
			t.Errorf("%d won, and the log has %d entries", won.Load(), n)
		}
	})
}

// No audit entry, no link.
func TestNoEntryNoLink(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		mustLink(t, s, bobLink())
		l.alter(t, `INSERT INTO audit (n, lines, hashes, checkpoint) VALUES (1, '', '', '')`)
		if err := s.Link(t.Context(), cleoLink()); err == nil || errors.Is(err, confirm.ErrMoved) {
			t.Errorf("link: got %v, want the error of the log", err)
		}
		if err := s.Unlink(t.Context(), bobLink().From, noon, ""); err == nil || errors.Is(err, confirm.ErrNotFound) {
			t.Errorf("unlink: got %v, want the error of the log", err)
		}
		if diff := cmp.Diff([]confirm.Link{bobLink()}, mustLinks(t, s)); diff != "" {
			t.Errorf("the links changed without an entry:\n%s", diff)
		}
		l.alter(t, `DELETE FROM audit WHERE n = 1`)
		mustVerify(t, s)
	})
}

func TestLogLinesOfLinks(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		mustLink(t, s, bobLink())
		must(t, s.Unlink(t.Context(), bobLink().From, noon.Add(time.Minute), "he left"))
		want := []string{
			`{"n":0,"time":"2026-11-21T12:00:00Z","event":"linked","link":{"from":"slack:T1/UBOB","to":"entra:TENANT/BOB",` +
				`"name":"Bob “\u003cb\u003e”","how":"sign-in"}}`,
			`{"n":1,"time":"2026-11-21T12:01:00Z","event":"unlinked","link":{"from":"slack:T1/UBOB","to":"entra:TENANT/BOB"},` +
				`"note":"he left"}`,
		}
		if diff := cmp.Diff(want, exportLines(t, s)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// Each way to tamper with the links, and the entry that Verify names.
func TestVerifyFindsInLinks(t *testing.T) {
	const bob = ` WHERE from_principal = 'slack:T1/UBOB'`
	for name, c := range map[string]struct {
		tamper string
		entry  int64
		why    string
	}{
		"to another": {`UPDATE link SET to_principal = 'entra:TENANT/EVE'` + bob, 1, "altered"},
		"from another": {`UPDATE link SET from_principal = 'slack:T1/UEVE'` + bob, 4,
			"slack:T1/UEVE is in the ledger, and nothing in the log"},
		"name":       {`UPDATE link SET name = 'Eve'` + bob, 1, "altered"},
		"how":        {`UPDATE link SET how = 'e-mail'` + bob, 1, "altered"},
		"at":         {`UPDATE link SET at = at + 1` + bob, 1, "altered"},
		"taken away": {`DELETE FROM link` + bob, 1, "no longer in the ledger"},
		"smuggled in": {`INSERT INTO link (from_principal, to_principal, name, how, at) VALUES ('slack:T1/UEVE', 'entra:TENANT/EVE', '', '', 0)`,
			4, "nothing in the log"},
		"put back": {`INSERT INTO link (from_principal, to_principal, name, how, at) VALUES ('slack:T1/UCLEO', 'entra:TENANT/CLEO', '', 'e-mail', 0)`,
			4, "nothing in the log"},
	} {
		t.Run(name, func(t *testing.T) {
			forEachDatabase(t, func(t *testing.T, l testDatabase) {
				s := l.openStore(t)
				insert(t, s)
				mustLink(t, s, bobLink(), cleoLink())
				must(t, s.Unlink(t.Context(), cleoLink().From, noon, ""))
				mustVerify(t, s)
				l.alter(t, c.tamper)
				_, err := s.Verify(t.Context())
				var bad *store.BadEntryError
				if !errors.As(err, &bad) || bad.Entry != c.entry || !strings.Contains(bad.Why, c.why) {
					t.Errorf("got %v, want entry %d because %q", err, c.entry, c.why)
				}
			})
		})
	}
}

// A link that was altered without an audit entry, and then used, leaves valid hashes. Verify finds the impossible event.
func TestVerifyChecksTransitionsOfLinks(t *testing.T) {
	eve := bobLink()
	eve.To = "entra:TENANT/EVE"
	other := bobLink()
	other.From = "slack:T1/UEVE"
	for name, tt := range map[string]struct {
		alter string
		after func(ctx context.Context, s *store.Store) error
		why   string
	}{
		"linked twice": {`DELETE FROM link`, func(ctx context.Context, s *store.Store) error { return s.Link(ctx, eve) }, "a second time"},
		"linked twice to": {`DELETE FROM link`, func(ctx context.Context, s *store.Store) error { return s.Link(ctx, other) },
			"from a second side"},
		"taken back from another": {`UPDATE link SET to_principal = 'entra:TENANT/EVE'`, func(ctx context.Context, s *store.Store) error {
			return s.Unlink(ctx, bobLink().From, noon, "")
		}, "was not linked to"},
		"taken back from nothing": {`UPDATE link SET from_principal = 'slack:T1/UEVE'`, func(ctx context.Context, s *store.Store) error {
			return s.Unlink(ctx, other.From, noon, "")
		}, "was not linked to"},
	} {
		t.Run(name, func(t *testing.T) {
			forEachDatabase(t, func(t *testing.T, l testDatabase) {
				s := l.openStore(t)
				mustLink(t, s, bobLink())
				l.alter(t, tt.alter)
				must(t, tt.after(t.Context(), s))
				var bad *store.BadEntryError
				if _, err := s.Verify(t.Context()); !errors.As(err, &bad) || bad.Entry != 1 || !strings.Contains(bad.Why, tt.why) {
					t.Errorf("got %v, want entry 1 to be bad because it %q", err, tt.why)
				}
			})
		})
	}
}

// Links and changes share transactions, and the log is valid.
func TestLinksAmongChanges(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		l.inOneTransaction(t, s, 12, func(i int, c confirm.Change) {
			if i%3 > 0 {
				if _, err := s.Move(t.Context(), c, approval("ada")); err != nil {
					t.Error(err)
				}
				return
			}
			link := bobLink()
			link.From += confirm.Principal(rune('A' + i))
			link.To += confirm.Principal(rune('A' + i))
			if err := s.Link(t.Context(), link); err != nil {
				t.Error(err)
			}
		})
		if n := mustVerify(t, s).Entries; n != 24 || len(mustLinks(t, s)) != 4 {
			t.Errorf("%d entries, want 24, and links %v", n, mustLinks(t, s))
		}
	})
}
