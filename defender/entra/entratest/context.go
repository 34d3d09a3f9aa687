package entratest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// AnswerContexts makes every ID token from now on have exactly these authentication contexts, whichever was requested.
// Without one the request is ignored, as Entra ID does where no Conditional Access policy targets the context.
func (s *Server) AnswerContexts(ids ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.contexts, s.fixedContexts = ids, true
}

// HonorContexts ends AnswerContexts: every user satisfies the context that is requested.
func (s *Server) HonorContexts() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.contexts, s.fixedContexts = nil, false
}

// contextsFor returns the acrs of an ID token. The caller holds s.mu.
func (s *Server) contextsFor(requested string) []string {
	switch {
	case s.fixedContexts:
		return s.contexts
	case requested == "":
		return nil
	}
	return []string{requested}
}

// readContext returns the authentication context that a claims parameter requests for the ID token, "" for none. It
// refuses what is not JSON, and a context that Entra ID cannot have.
func readContext(claims string) (string, error) {
	if claims == "" {
		return "", nil
	}
	var request struct {
		IDToken map[string]struct {
			Essential bool   `json:"essential"`
			Value     string `json:"value"`
		} `json:"id_token"`
	}
	if err := json.Unmarshal([]byte(claims), &request); err != nil {
		return "", newRefusal(http.StatusBadRequest, "invalid_request", 90100, "The claims parameter is not valid.")
	}
	asked, ok := request.IDToken["acrs"]
	if !ok {
		return "", nil
	}
	number, found := strings.CutPrefix(asked.Value, "c")
	if n, err := strconv.Atoi(number); !found || err != nil || n < 1 || n > 99 {
		return "", newRefusal(http.StatusBadRequest, "invalid_request", 90100, "The claims parameter names no authentication context.")
	}
	return asked.Value, nil
}
