package mcpserver

import (
	"context"
	"net/http"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"scanwarden/tools/mcpserver/internal/limits"
)

// serveInitialize passes an initialize message to the library if the caller may open another session.
func (h *httpHandler) serveInitialize(w http.ResponseWriter, r *http.Request, body []byte) {
	caller := r.Context().Value(callerKey{}).(callerIdentity)
	if len(body) > limits.HandshakeBytes {
		h.refuseLimited(w, r, h.server.limits.Refuse(limits.Handshake, 0))
		return
	}
	opening, err := h.ids.open.Open(caller.sessionOwner())
	if err != nil {
		h.refuseLimited(w, r, err)
		return
	}
	h.serveSession(w, r, &sessionUse{opening: opening, releases: []func(){opening.Close}})
}

// serveSession passes a request to the library, and frees the sessions that it used.
func (h *httpHandler) serveSession(w http.ResponseWriter, r *http.Request, use *sessionUse) {
	defer use.release()
	h.next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), sessionUseKey{}, use)))
}

// endSession ends a session in the library, which does that only at a DELETE of its owner.
func (h *httpHandler) endSession(owner, id string) {
	ctx := withCaller(context.Background(), callerIdentity{session: owner})
	r, err := http.NewRequestWithContext(ctx, http.MethodDelete, "/", nil)
	if err != nil {
		return // the method and the URL are constants
	}
	r.Header.Set(server.HeaderKeySessionID, id)
	h.next.ServeHTTP(discardResponse{}, r)
}

// discardResponse is a http.ResponseWriter without a client.
type discardResponse struct{}

func (discardResponse) Header() http.Header         { return http.Header{} }
func (discardResponse) WriteHeader(int)             {}
func (discardResponse) Write(p []byte) (int, error) { return len(p), nil }

// maxClientName bounds the bytes of a client's name and version that a session keeps.
const maxClientName = 128

// trimSession bounds what the library keeps of an initialize message for as long as the session lasts: the name, and
// the only capability that this package reads.
func trimSession(ctx context.Context, _ any, _ *mcp.InitializeRequest, _ *mcp.InitializeResult) {
	session, ok := server.ClientSessionFromContext(ctx).(server.SessionWithClientInfo)
	if !ok {
		return
	}
	info := session.GetClientInfo()
	session.SetClientInfo(mcp.Implementation{Name: clipText(info.Name), Version: clipText(info.Version)})
	var kept mcp.ClientCapabilities
	if e := session.GetClientCapabilities().Elicitation; e != nil {
		kept.Elicitation = &mcp.ElicitationCapability{}
		if e.Form != nil {
			kept.Elicitation.Form = e.Form
		}
		if e.URL != nil {
			kept.Elicitation.URL = e.URL
		}
	}
	kept.Extensions = keptExtensions(session.GetClientCapabilities())
	session.SetClientCapabilities(kept)
}

// clipText returns the first maxClientName bytes of s, in memory of their own.
func clipText(s string) string {
	return strings.ToValidUTF8(strings.Clone(s[:min(len(s), maxClientName)]), "")
}
