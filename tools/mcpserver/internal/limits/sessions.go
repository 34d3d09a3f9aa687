package limits

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// endedSessions bounds the ids of sessions that were ended to make room. A client that still uses one learns that it
// must open a new session.
const endedSessions = 4096

// Sessions bounds the sessions of each owner and of all owners. A session that no request uses is ended, the least
// recently used first, when its owner opens one too many. Create it with NewSessions. It is safe for concurrent use.
type Sessions struct {
	bound  Scoped[int]
	end    func(owner, id string) // ends a session in the transport
	report func(Limit)

	mu     sync.Mutex
	byID   map[string]*session
	owners map[string]map[*session]struct{}
	total  int
	ended  *simplelru.LRU[string, struct{}]
	uses   uint64
}

type session struct {
	owner, id string // id is "" until Opening.Bind
	requests  int    // requests that use it now
	lastUse   uint64 // value of Sessions.uses
}

// NewSessions returns Sessions with the bounds of OpenSessions. end ends a session that has to make room and must not
// call methods of Sessions other than End. report receives each session that was ended or refused; nil ignores them.
func NewSessions(bounds Bounds, end func(owner, id string), report func(Limit)) *Sessions {
	if report == nil {
		report = func(Limit) {}
	}
	ended, err := simplelru.NewLRU[string, struct{}](endedSessions, nil)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &Sessions{
		bound: bounds.Slots[OpenSessions], end: end, report: report,
		byID: map[string]*session{}, owners: map[string]map[*session]struct{}{}, ended: ended,
	}
}

// Opening is room for a session whose id is not known yet.
type Opening struct {
	sessions *Sessions
	session  *session
}

// Open makes room for a session of an owner. The caller must call Close when the request that opens it has ended. It
// returns an *Error if requests use all sessions of the owner.
func (s *Sessions) Open(owner string) (*Opening, error) {
	s.mu.Lock()
	opened, ended, err := s.add(owner, "")
	s.mu.Unlock()
	s.endNow(ended)
	if err != nil {
		s.report(OpenSessions)
		return nil, err
	}
	return &Opening{sessions: s, session: opened}, nil
}

// Bind gives the session its id.
func (o *Opening) Bind(id string) {
	o.sessions.mu.Lock()
	defer o.sessions.mu.Unlock()
	o.session.id = id
	o.sessions.byID[id] = o.session
}

// Close ends the request that opened the session. The room is free again if Bind was not called.
func (o *Opening) Close() {
	o.sessions.release(o.session)
}

// Use marks a session as used until release is called. ok is false if the session has been ended. A session that is
// not known was opened on another replica and is added.
func (s *Sessions) Use(owner, id string) (release func(), ok bool) {
	s.mu.Lock()
	used, found := s.byID[id]
	var ended *session
	var err error
	switch {
	case found:
		s.touch(used)
	case !s.ended.Contains(id):
		used, ended, err = s.add(owner, id)
	}
	s.mu.Unlock()
	s.endNow(ended)
	if used == nil || err != nil {
		return nil, false
	}
	return sync.OnceFunc(func() { s.release(used) }), true
}

// End removes a session that the transport has ended.
func (s *Sessions) End(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ended, ok := s.byID[id]; ok {
		s.remove(ended)
	}
}

// add adds a session that a request uses. It returns the session that had to make room, or nil; the caller passes it to
// endNow without the lock.
func (s *Sessions) add(owner, id string) (added, ended *session, err error) {
	if ended, err = s.makeRoom(owner); err != nil {
		return nil, nil, err
	}
	added = &session{owner: owner, id: id}
	s.touch(added)
	if s.owners[owner] == nil {
		s.owners[owner] = map[*session]struct{}{}
	}
	s.owners[owner][added] = struct{}{}
	s.total++
	if id != "" {
		s.byID[id] = added
	}
	return added, ended, nil
}

// endNow ends a removed session in the transport. It does nothing for nil.
func (s *Sessions) endNow(ended *session) {
	if ended != nil {
		s.report(OpenSessions)
		s.end(ended.owner, ended.id)
	}
}

// makeRoom removes the session to end, if one must be, and returns it. If all owners together have too many, it takes
// one of the owner with the most.
func (s *Sessions) makeRoom(owner string) (*session, error) {
	all := false
	if len(s.owners[owner]) < s.bound.Caller {
		if s.total < s.bound.All {
			return nil, nil
		}
		all = true
		for other := range s.owners {
			if len(s.owners[other]) > len(s.owners[owner]) {
				owner = other
			}
		}
	}
	var victim *session
	for each := range s.owners[owner] {
		if each.requests == 0 && (victim == nil || each.lastUse < victim.lastUse) {
			victim = each
		}
	}
	if victim == nil {
		return nil, &Error{Limit: OpenSessions, All: all, RetryAfter: slotRetry}
	}
	s.remove(victim)
	s.ended.Add(victim.id, struct{}{})
	return victim, nil
}

func (s *Sessions) touch(used *session) {
	s.uses++
	used.lastUse = s.uses
	used.requests++
}

func (s *Sessions) release(used *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if used.requests--; used.requests == 0 && used.id == "" {
		s.remove(used)
	}
}

// remove removes a session. It does nothing if the session was removed before.
func (s *Sessions) remove(gone *session) {
	if _, ok := s.owners[gone.owner][gone]; !ok {
		return
	}
	delete(s.owners[gone.owner], gone)
	if len(s.owners[gone.owner]) == 0 {
		delete(s.owners, gone.owner)
	}
	delete(s.byID, gone.id)
	s.total--
}
