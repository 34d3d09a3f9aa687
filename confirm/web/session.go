package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"time"

	"scanwarden/confirm"
)

const (
	// sessionIdle ends a session without requests.
	sessionIdle = 30 * time.Minute
	// sessionTTL ends every session, so that lost roles are noticed at the latest then.
	sessionTTL = 8 * time.Hour
	// renewAfter bounds how often the cookie is sent again.
	renewAfter = time.Minute
	// maxSessionLen bounds the cookie in bytes. Browsers drop cookies of more than 4096 bytes.
	maxSessionLen = 3800
	// sessionCookie is the name of the cookie without its prefix.
	sessionCookie = "session"
)

// SignedIn is a person after a sign-in.
type SignedIn struct {
	Principal confirm.Principal `json:"p"`
	Name      string            `json:"n,omitempty"` // may be empty
	Groups    []string          `json:"g,omitempty"` // verified groups, named as in the policy's approvers
	// Token identifies the bearer token that signed the person in, without revealing it; "" for a sign-in without one.
	Token string `json:"t,omitempty"`
	// Contexts are the authentication contexts that the person has satisfied, oldest first.
	Contexts []confirm.AuthContext `json:"c,omitempty"`
}

// session is what the cookie holds, encrypted.
type session struct {
	SignedIn
	ID    string `json:"i"` // random; names the session in forms and after its end
	Began int64  `json:"b"` // Unix seconds
	Seen  int64  `json:"s"` // Unix seconds of the last renewal
}

// isLive reports whether the session has neither been idle too long nor reached its absolute end.
func (s session) isLive(now time.Time) bool {
	return s.ID != "" && s.Principal != "" && now.Unix() < s.Began+int64(sessionTTL.Seconds()) && now.Unix() < s.Seen+int64(sessionIdle.Seconds())
}

// EndedSessions is where processes with the same server key tell each other which sessions were signed out. Without it a
// sign-out is known to one process, until that ends.
type EndedSessions struct {
	// Record keeps the id of an ended session until the session would have ended by itself.
	Record func(ctx context.Context, id string, now, until time.Time) error
	// Has reports whether any process has recorded the end of a session. After an error the session counts as ended.
	Has func(ctx context.Context, id string) (bool, error)
}

// Sessions keeps people signed in. A session is an encrypted cookie, so that every replica with the same server key
// reads it. It ends after 30 minutes without requests, 8 hours after the sign-in, and at the sign-out, also for copies of
// the cookie. It is safe for concurrent use; make one with NewSessions.
type Sessions struct {
	key    func() ([]byte, error)
	secure bool
	now    func() time.Time
	holds  func(SignedIn) bool // reports whether the sign-in still holds; nil means that it does
	shared EndedSessions

	mu    sync.Mutex
	ended map[string]int64 // absolute end in Unix seconds, by id of a session that was signed out
}

// NewSessions returns Sessions with keys derived from the server key of 32 bytes. secure means that the public URL is
// https. A nil now means time.Now.
func NewSessions(key func() ([]byte, error), secure bool, now func() time.Time) *Sessions {
	if now == nil {
		now = time.Now
	}
	return &Sessions{key: key, secure: secure, now: now, ended: map[string]int64{}}
}

// Start begins a session for a signed-in person, and ends the one that the browser had. The id is always new, so
// that no person can choose the session of another. It returns an error for a person without a principal, if name and
// groups are too long for a cookie, and if the end of the earlier session cannot be recorded.
func (s *Sessions) Start(w http.ResponseWriter, r *http.Request, who SignedIn) error {
	if who.Principal == "" {
		return errors.New("start session: there is no principal")
	}
	now := s.now().Unix()
	cookie, err := s.cookie(session{SignedIn: who, ID: rand.Text(), Began: now, Seen: now})
	if err != nil {
		return fmt.Errorf("start session: %w", err)
	}
	if err := s.revoke(r); err != nil {
		return fmt.Errorf("start session: %w", err)
	}
	http.SetCookie(w, cookie)
	return nil
}

// Viewer returns the person whose session the request belongs to. With renew it counts as activity and the cookie is
// sent again, at most once a minute: a script that polls must not keep a session alive. It returns false without exactly
// one valid cookie.
func (s *Sessions) Viewer(w http.ResponseWriter, r *http.Request, renew bool) (Viewer, bool) {
	current, ok := s.read(r)
	if !ok {
		return Viewer{}, false
	}
	if now := s.now(); renew && now.Unix()-current.Seen >= int64(renewAfter.Seconds()) {
		current.Seen = now.Unix()
		if cookie, err := s.cookie(current); err == nil { // without it the session only ends earlier
			http.SetCookie(w, cookie)
		}
	}
	return Viewer{Principal: current.Principal, Name: current.Name, Groups: current.Groups, Contexts: current.Contexts, Session: current.ID}, true
}

// End ends the session of the request, also for copies of its cookie, and removes the cookie from the browser. On an error
// the session has ended for this process and this browser only.
func (s *Sessions) End(w http.ResponseWriter, r *http.Request) error {
	err := s.revoke(r)
	http.SetCookie(w, hostCookie(sessionCookie, "", s.secure))
	return err
}

// revoke records that the session of the request has ended. The list needs no size limit: each entry costs a sign-in,
// and entries are removed after their absolute end.
func (s *Sessions) revoke(r *http.Request) error {
	current, ok := s.read(r)
	if !ok {
		return nil
	}
	now, until := s.now(), current.Began+int64(sessionTTL.Seconds())
	s.remember(current.ID, now.Unix(), until)
	if s.shared.Record == nil {
		return nil
	}
	return s.shared.Record(context.WithoutCancel(r.Context()), current.ID, now, time.Unix(until, 0))
}

// remember keeps the id of a session that has ended until its absolute end.
func (s *Sessions) remember(id string, now, until int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.ended, func(_ string, until int64) bool { return until <= now })
	s.ended[id] = until
}

// hasEnded reports whether a session was signed out, here or at another process.
func (s *Sessions) hasEnded(ctx context.Context, id string) bool {
	s.mu.Lock()
	_, ended := s.ended[id]
	s.mu.Unlock()
	if ended || s.shared.Has == nil {
		return ended
	}
	ended, err := s.shared.Has(ctx, id)
	return ended || err != nil
}

// read returns the live session of the request.
func (s *Sessions) read(r *http.Request) (session, bool) {
	cookies := r.CookiesNamed(cookieName(sessionCookie, s.secure))
	if len(cookies) != 1 {
		return session{}, false
	}
	seals, err := s.sealer()
	if err != nil {
		return session{}, false
	}
	var current session
	if !seals.open(cookies[0].Value, &current) || !current.isLive(s.now()) || s.holds != nil && !s.holds(current.SignedIn) {
		return session{}, false
	}
	return current, !s.hasEnded(r.Context(), current.ID)
}

// cookie returns the encrypted session as a cookie.
func (s *Sessions) cookie(current session) (*http.Cookie, error) {
	seals, err := s.sealer()
	if err != nil {
		return nil, err
	}
	value, err := seals.seal(current)
	if err != nil {
		return nil, err
	}
	if len(value) > maxSessionLen {
		return nil, errors.New("the name and the groups are too long for a cookie; have an operator assign fewer roles")
	}
	return hostCookie(sessionCookie, value, s.secure), nil
}

// sealer returns what encrypts the cookies. The server key is read each time, because it may become available later.
func (s *Sessions) sealer() (sealer, error) {
	key, err := s.key()
	if err != nil {
		return sealer{}, fmt.Errorf("read the server key: %w", err)
	}
	return newSealer(key, "scanwarden session v1")
}
