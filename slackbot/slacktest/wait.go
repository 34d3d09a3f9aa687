package slacktest

import (
	"fmt"
	"time"
)

// Wait blocks until cond returns true, and fails the test after Options.WaitAtMost. It calls cond again after every
// change in the workspace; cond may call any method of s.
func (s *Server) Wait(what string, cond func() bool) {
	s.t.Helper()
	if !s.waitFor(cond) {
		s.t.Fatalf("slacktest: timed out after %v waiting for %s", s.options.WaitAtMost, what)
	}
}

func (s *Server) waitFor(cond func() bool) bool {
	late := time.NewTimer(s.options.WaitAtMost)
	defer late.Stop()
	for {
		s.mu.Lock()
		changed := s.changed // read before cond, so that no change is missed
		s.mu.Unlock()
		if cond() {
			return true
		}
		select {
		case <-changed:
		case <-late.C:
			return cond()
		}
	}
}

// WaitMessage waits for a message in the channel that all members can see, and returns it. A nil match accepts any.
func (s *Server) WaitMessage(channel string, match func(Message) bool) Message {
	s.t.Helper()
	return s.waitMessage("a message in "+channel, match, func(m Message) bool { return m.Channel == channel && !m.Ephemeral })
}

// WaitEphemeral waits for a message in any channel that only the user can see, and returns it. A nil match accepts
// any.
func (s *Server) WaitEphemeral(user string, match func(Message) bool) Message {
	s.t.Helper()
	return s.waitMessage("an ephemeral message to "+user, match, func(m Message) bool { return m.Ephemeral && m.To == user })
}

func (s *Server) waitMessage(what string, match, where func(Message) bool) (found Message) {
	s.t.Helper()
	ok := s.waitFor(func() bool {
		for _, m := range s.allMessages() {
			if where(m) && (match == nil || match(m)) {
				found = m
				return true
			}
		}
		return false
	})
	if !ok {
		s.t.Fatalf("slacktest: timed out after %v waiting for %s; the messages are:%s", s.options.WaitAtMost, what, s.transcript())
	}
	return found
}

// WaitView waits for a modal on top of the user's stack, and returns it. A nil match accepts any.
func (s *Server) WaitView(user string, match func(View) bool) View {
	s.t.Helper()
	return s.waitView("a modal before "+user, match, func() (View, bool) { return s.View(user) })
}

// WaitHome waits for the user's home tab, and returns it. A nil match accepts any.
func (s *Server) WaitHome(user string, match func(View) bool) View {
	s.t.Helper()
	return s.waitView("the home tab of "+user, match, func() (View, bool) { return s.Home(user) })
}

func (s *Server) waitView(what string, match func(View) bool, look func() (View, bool)) (found View) {
	s.t.Helper()
	s.Wait(what, func() bool {
		v, ok := look()
		found = v
		return ok && (match == nil || match(v))
	})
	return found
}

// WaitSockets waits until at least n sockets are open.
func (s *Server) WaitSockets(n int) {
	s.t.Helper()
	s.Wait(fmt.Sprintf("%d sockets", n), func() bool { return s.Sockets() >= n })
}

// transcript returns all messages as text for the test's log.
func (s *Server) transcript() string {
	said := ""
	for _, m := range s.allMessages() {
		said += fmt.Sprintf("\n\t%s %s to %q: %q", m.Channel, m.TS, m.To, m.All())
	}
	return said
}
