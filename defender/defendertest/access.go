package defendertest

import (
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
	"time"
)

// checkToken returns a 401 error unless the request has the bearer token of [Options].
func (s *Server) checkToken(r *request) error {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	right := s.options.Token == "" || subtle.ConstantTimeCompare([]byte(token), []byte(s.options.Token)) == 1
	if !ok || token == "" || !right {
		return &apiError{http.StatusUnauthorized, "Unauthorized", "Unauthorized (invalid or expired authorization header)."}
	}
	return nil
}

// checkRole returns a 403 error unless the token has the application role of r. The wording is what public clients report.
func (s *Server) checkRole(r route) error {
	if r.role == "" || s.options.Roles == nil || slices.Contains(s.options.Roles, r.role) {
		return nil
	}
	return &apiError{http.StatusForbidden, "Forbidden", "Missing application roles. API required roles: " + r.role +
		", application roles: " + strings.Join(s.options.Roles, ",") + "."}
}

// checkLimits returns a *throttledError unless both sliding windows have room for a call at now. A refused call takes no
// room.
func (s *Server) checkLimits(now time.Time) error {
	wait := max(s.waitTime(now, s.options.PerMinute, time.Minute), s.waitTime(now, s.options.PerHour, time.Hour))
	if wait > 0 {
		return &throttledError{wait}
	}
	if s.options.PerMinute > 0 || s.options.PerHour > 0 {
		old := func(t time.Time) bool { return now.Sub(t) >= time.Hour }
		s.accepted = append(slices.DeleteFunc(s.accepted, old), now)
	}
	return nil
}

// waitTime returns how long a window with room for limit calls stays full, or 0 if it has room.
func (s *Server) waitTime(now time.Time, limit int, window time.Duration) time.Duration {
	if limit <= 0 || len(s.accepted) < limit {
		return 0
	}
	return max(0, s.accepted[len(s.accepted)-limit].Add(window).Sub(now))
}
