package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

// behindLossyProxy runs test on a PostgreSQL database behind a proxy that loses answers.
func behindLossyProxy(t *testing.T, test func(t *testing.T, l testDatabase, p *lossyProxy)) {
	t.Helper()
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		if strings.HasPrefix(l.URL, "sqlite:") {
			return // no network lies between us and SQLite; see TestACommitThatSQLiteRefuses
		}
		l, p := l.behindProxy(t)
		test(t, l, p)
	})
}

// The connection breaks between a COMMIT and its answer. Whether PostgreSQL has committed already or does so a little
// later, the caller gets the success.
func TestALostAnswerIsASuccess(t *testing.T) {
	for _, way := range []string{cutAnswer, delayCommit} {
		t.Run(way, func(t *testing.T) {
			behindLossyProxy(t, func(t *testing.T, l testDatabase, p *lossyProxy) {
				s := l.openStore(t)
				lose := func() {
					p.loseNext(way)
					if way == delayCommit {
						release := p.release
						time.AfterFunc(200*time.Millisecond, func() { close(release) })
					}
				}
				insert(t, s) // the first connection prepares its statements, which are not part of a transaction
				lose()
				c := insert(t, s)
				for _, m := range []confirm.Move{approval("ada"), claimKeys("a"), finish(confirm.Applied)} {
					lose()
					c = mustMove(t, s, c, m)
					if got := mustRead(t, s, c.ID); got.State != m.To || got.Version != c.Version {
						t.Errorf("the change is %s at version %d, want %s at %d", got.State, got.Version, m.To, c.Version)
					}
				}
				insert(t, s)
				if n := mustVerify(t, s).Entries; n != 6 {
					t.Errorf("the log has %d entries, want 6", n)
				}
			})
		})
	}
}

// A COMMIT that never arrived is an error, which does not leave open what happened. The same move works afterwards.
func TestACommitThatNeverArrivedIsAnError(t *testing.T) {
	behindLossyProxy(t, func(t *testing.T, l testDatabase, p *lossyProxy) {
		s := l.openStore(t)
		c := insert(t, s)
		p.loseNext(cutCommit)
		if _, err := s.Move(t.Context(), c, approval("ada")); err == nil || errors.Is(err, confirm.ErrUnknownCommit) || errors.Is(err, confirm.ErrMoved) {
			t.Errorf("got %v, want an error of the connection", err)
		}
		if got := mustRead(t, s, c.ID); got.State != confirm.Pending {
			t.Errorf("the change is %s", got.State)
		}
		mustMove(t, s, c, approval("ada"))
		mustVerify(t, s)
	})
}

// While PostgreSQL cannot be reached, the caller hears that the result is not known, and never that nothing happened.
func TestAnUnreachableLedgerLeavesTheResultOpen(t *testing.T) {
	behindLossyProxy(t, func(t *testing.T, l testDatabase, p *lossyProxy) {
		s := l.openStore(t)
		s.SetPatience(300 * time.Millisecond)
		c := insert(t, s)
		p.loseNext(cutAnswer)
		p.setRefusing(true)
		_, err := s.Move(t.Context(), c, approval("ada"))
		if !errors.Is(err, confirm.ErrUnknownCommit) {
			t.Errorf("got %v, want ErrUnknownCommit", err)
		}
		p.setRefusing(false)
		if got := mustRead(t, l.openStore(t), c.ID); got.State != confirm.Approved {
			t.Errorf("the change is %s", got.State)
		}
		insert(t, s)
		mustVerify(t, s)
	})
}

// A COMMIT that fails inside SQLite has written nothing, and the next transaction is not part of it.
func TestACommitThatSQLiteRefuses(t *testing.T) {
	l := newSQLiteDatabase(t)
	s := l.openStore(t)
	c := insert(t, s)
	must(t, s.FailNextCommit(t.Context()))
	if _, err := s.Move(t.Context(), c, approval("ada")); err == nil || !strings.Contains(err.Error(), "nothing was written") {
		t.Errorf("got %v, want an error that says that nothing was written", err)
	}
	if got := mustRead(t, s, c.ID); got.State != confirm.Pending {
		t.Errorf("the change is %s", got.State)
	}
	mustMove(t, s, c, approval("ada"))
	mustVerify(t, s)
}

// Only an answer of a session that goes on proves that a transaction was not committed.
func TestWhatProvesThatNothingWasCommitted(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"a conflict":            {&pgconn.PgError{Severity: "ERROR", Code: "40001"}, true},
		"a constraint":          {&pgconn.PgError{Severity: "ERROR", Code: "23505"}, true},
		"a statement time-out":  {&pgconn.PgError{Severity: "ERROR", Code: "57014"}, false},
		"a server that stops":   {&pgconn.PgError{Severity: "FATAL", Code: "57P01"}, false},
		"a session that ends":   {&pgconn.PgError{Severity: "FATAL", Code: "XX000"}, false},
		"a time-out of our own": {context.DeadlineExceeded, false},
		"a broken connection":   {io.ErrUnexpectedEOF, false},
		"an answer of ROLLBACK": {errors.New("the server answered COMMIT with ROLLBACK"), false},
		"a lost connection":     {&pgconn.PgError{Severity: "ERROR", Code: "08006"}, false},
	} {
		if got := store.RejectsCommit(fmt.Errorf("commit: %w", c.err)); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
