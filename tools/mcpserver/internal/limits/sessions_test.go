package limits

import (
	"fmt"
	"slices"
	"testing"
)

// sessionTable is Sessions with the ids of the sessions that were ended, and of a bound of 3 for each and 5 for all.
type sessionTable struct {
	*Sessions
	ended    []string
	reported int
}

func newSessionTable() *sessionTable {
	s := &sessionTable{}
	b := Bounds{Slots: map[Limit]Scoped[int]{OpenSessions: {3, 5}}}
	s.Sessions = NewSessions(b, func(_, id string) { s.ended = append(s.ended, id); s.End(id) }, func(Limit) { s.reported++ })
	return s
}

// open opens a session, as a request that has ended.
func (s *sessionTable) open(t *testing.T, owner, id string) {
	t.Helper()
	o, err := s.Open(owner)
	if err != nil {
		t.Fatal(err)
	}
	o.Bind(id)
	o.Close()
}

func (s *sessionTable) wantEnded(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(s.ended, want) {
		t.Fatalf("ended %v, want %v", s.ended, want)
	}
}

func TestTheLeastRecentlyUsedSessionMakesRoom(t *testing.T) {
	s := newSessionTable()
	for _, id := range []string{"a1", "a2", "a3"} {
		s.open(t, "ada", id)
	}
	release, ok := s.Use("ada", "a1")
	if !ok {
		t.Fatal("a1 is not open")
	}
	release()
	s.open(t, "ada", "a4")
	s.wantEnded(t, "a2")
	if _, ok := s.Use("ada", "a2"); ok {
		t.Error("the ended session can be used")
	}
	if s.reported != 1 {
		t.Errorf("%d were reported", s.reported)
	}
}

// A session with a request in progress may have a prompt, which its end would withdraw.
func TestASessionInUseIsNeverEnded(t *testing.T) {
	s := newSessionTable()
	for _, id := range []string{"a1", "a2", "a3"} {
		s.open(t, "ada", id)
		if _, ok := s.Use("ada", id); !ok {
			t.Fatalf("%s is not open", id)
		}
	}
	_, err := s.Open("ada")
	wantRefused(t, err, OpenSessions, false)
	if _, ok := s.Use("ada", "from another replica"); ok {
		t.Error("a fourth session was added")
	}
	s.wantEnded(t)
}

// Where all owners together have too many sessions, the owner with the most gives one up.
func TestTheOwnerWithTheMostSessionsMakesRoom(t *testing.T) {
	s := newSessionTable()
	for i := range 3 {
		s.open(t, "greedy", fmt.Sprint("g", i))
	}
	s.open(t, "ada", "a1")
	s.open(t, "bob", "b1")
	s.open(t, "ada", "a2")
	s.wantEnded(t, "g0")
	for _, id := range []string{"a1", "a2"} {
		if _, ok := s.Use("ada", id); !ok {
			t.Errorf("%s is not open", id)
		}
	}
}

func TestARequestThatOpensNoSessionFreesItsRoom(t *testing.T) {
	s := newSessionTable()
	for range 10 {
		o, err := s.Open("ada")
		if err != nil {
			t.Fatal(err)
		}
		o.Close()
	}
	if s.total != 0 || len(s.owners) != 0 {
		t.Errorf("%d sessions of %d owners are left", s.total, len(s.owners))
	}
}

// The table stays bounded and consistent for sessions that were opened here, elsewhere, and ended.
func TestTheTableOfSessionsIsBounded(t *testing.T) {
	s := newSessionTable()
	for i := range 10_000 {
		owner := fmt.Sprint("owner ", i%7)
		if i%2 == 0 {
			s.open(t, owner, fmt.Sprint(i))
		} else if release, ok := s.Use(owner, fmt.Sprint(i)); ok {
			release()
		}
		if i%5 == 0 {
			s.End(fmt.Sprint(i))
		}
		if s.total > 5 || len(s.byID) != s.total || len(s.owners) > s.total || s.Sessions.ended.Len() > endedSessions {
			t.Fatalf("after %d: %d sessions, %d ids, %d owners", i, s.total, len(s.byID), len(s.owners))
		}
	}
}
