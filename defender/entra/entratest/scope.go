package entratest

import (
	"net/http"
	"slices"
	"strings"
)

// defaultScope requests everything that was granted.
const defaultScope = ".default"

// scopeRequest is a parsed scope parameter, and the nonce that came with it.
type scopeRequest struct {
	resource string   // "" if only OpenID Connect scopes are requested
	names    []string // of the resource; {".default"} means everything
	openID   []string // openid, profile, email, offline_access
	nonce    string   // for the ID token
	context  string   // authentication context that the claims parameter requests; "" for none
}

// splitScope returns the resource and the name of a scope such as https://host/mcp/Scans.Use. A scope without a
// resource belongs to Graph.
func splitScope(scope string) (resource, name string) {
	cut := strings.LastIndex(scope, "/")
	if cut < 0 {
		return graph, scope
	}
	return scope[:cut], scope[cut+1:]
}

// readScope parses a scope parameter. It refuses scopes of several resources, and .default beside other names.
func readScope(text string) (scopeRequest, error) {
	var a scopeRequest
	for _, scope := range strings.Fields(text) {
		if slices.Contains([]string{"openid", "profile", "email", "offline_access"}, scope) {
			a.openID = append(a.openID, scope)
			continue
		}
		resource, name := splitScope(scope)
		if a.resource != "" && a.resource != resource {
			return scopeRequest{}, newRefusal(http.StatusBadRequest, "invalid_scope", 28000, "The scope parameter contains more than one resource.")
		}
		a.resource, a.names = resource, append(a.names, name)
	}
	if len(a.names) > 1 && slices.Contains(a.names, defaultScope) || slices.Contains(a.names, "") {
		return scopeRequest{}, newRefusal(http.StatusBadRequest, "invalid_scope", 70011, "The provided value for the input parameter 'scope' is not valid.")
	}
	return a, nil
}

func (a scopeRequest) wantsOpenID(openID string) bool { return slices.Contains(a.openID, openID) }

// isDefault reports whether .default is requested.
func (a scopeRequest) isDefault() bool { return slices.Equal(a.names, []string{defaultScope}) }

// checkConsent returns the audience of a user's token and the permissions it carries: those requested, if the
// app was consented to them. The caller holds s.mu.
func (s *Server) checkConsent(app App, a scopeRequest) (audience, []string, error) {
	if a.resource == "" { // a sign-in alone; its access token is for Graph
		return audience{name: graph}, a.openID, nil
	}
	to, err := s.findAudience(a.resource)
	if err != nil {
		return audience{}, nil, err
	}
	consented := s.grantedFor(app.Consented, to)
	asked := a.names
	if a.isDefault() {
		asked = consented
	}
	lacks := func(name string) bool { return !slices.Contains(consented, name) }
	if len(asked) == 0 || slices.ContainsFunc(asked, lacks) {
		denied := newRefusal(http.StatusBadRequest, "invalid_grant", 65001, "The user or administrator has not consented to use the application.")
		denied.subError = "consent_required"
		return audience{}, nil, denied
	}
	return to, asked, nil
}

// scopeText returns the scope of a token answer: the granted scopes in full, and .default if it was requested.
func (a scopeRequest) scopeText(granted []string) string {
	if a.resource == "" {
		return strings.Join(granted, " ")
	}
	var full []string
	for _, name := range granted {
		full = append(full, a.resource+"/"+name)
	}
	if a.isDefault() {
		full = append(full, a.resource+"/"+defaultScope)
	}
	return strings.Join(full, " ")
}
