package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"scanwarden/defender/entra/entratest"
)

const initializeMessage = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"raw","version":"1"}}}`

// post sends one message. An empty token sends no Authorization header.
func (s *entraStack) post(t *testing.T, token, session, message string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "POST", s.url, strings.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if session != "" {
		r.Header.Set("Mcp-Session-Id", session)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return resp
}

// TestEntraRefusesForeignTokens: every token that was not issued for this server and this moment is refused.
func TestEntraRefusesForeignTokens(t *testing.T) {
	t.Parallel()
	s := newServingEntraStack(t)
	good := s.entra.UserClaims(s.ada, serverApp, []string{"Scans.Use"}, []string{"Scans.Approver"})
	but := func(name string, value any) map[string]any {
		claims := maps.Clone(good)
		claims[name] = value
		return claims
	}
	with := func(claims map[string]any, how ...entratest.Forgery) string { return s.entra.Sign(claims, how...) }
	now := time.Now()
	for name, tt := range map[string]struct {
		token  string
		status int
	}{
		"a good one":            {with(good), 200},
		"none":                  {"", 401},
		"junk":                  {"junk", 401},
		"for another app":       {with(but("aud", otherApp)), 401},
		"for Defender":          {with(but("aud", entratest.Defender)), 401},
		"by another tenant":     {with(but("iss", s.entra.Issuer(otherApp))), 401},
		"of another tenant":     {with(but("tid", otherApp)), 401},
		"of version 1":          {with(but("ver", "1.0")), 401},
		"expired":               {with(but("exp", now.Add(-2*time.Minute).Unix())), 401},
		"without an end":        {with(but("exp", nil)), 401},
		"before its time":       {with(but("nbf", now.Add(10*time.Minute).Unix())), 401},
		"signed with alg none":  {with(good, entratest.AlgNone()), 401},
		"signed with a secret":  {with(good, entratest.PublicKeyAsSecret()), 401},
		"signed by another key": {with(good, entratest.ForeignKey()), 401},
		"without a key id":      {with(good, entratest.KeyID("")), 401},
		"without a scope":       {with(but("scp", "/")), 403},
		"of another scope":      {with(but("scp", "Scans.User")), 403},
		"of an app, no role":    {with(s.entra.AppClaims(otherApp, serverApp, []string{"Scans.Approver"})), 403},
	} {
		t.Run(name, func(t *testing.T) {
			resp := s.post(t, tt.token, "", initializeMessage)
			challenge := resp.Header.Get("WWW-Authenticate")
			if resp.StatusCode != tt.status {
				t.Errorf("status %d, want %d (%s)", resp.StatusCode, tt.status, challenge)
			}
			if tt.status != 200 && !strings.Contains(challenge, "resource_metadata=") {
				t.Errorf("challenge %q names no metadata", challenge)
			}
		})
	}
}

// TestEntraMetadata: a client that was refused finds the Entra ID to sign in to.
func TestEntraMetadata(t *testing.T) {
	t.Parallel()
	s := newServingEntraStack(t)
	_, where, _ := strings.Cut(s.post(t, "", "", initializeMessage).Header.Get("WWW-Authenticate"), `resource_metadata="`)
	where, _, _ = strings.Cut(where, `"`)
	status, body := httpGet(t, where)
	var metadata struct {
		Resource             string   `json:"resource"`
		AuthorizationServers []string `json:"authorization_servers"`
	}
	err := json.Unmarshal([]byte(body), &metadata)
	if err != nil || status != 200 || metadata.Resource != s.url ||
		len(metadata.AuthorizationServers) != 1 || metadata.AuthorizationServers[0] != s.entra.Issuer(s.entra.Tenant()) {
		t.Errorf("got %d %s: %v", status, body, err)
	}
}

// TestEntraFacade: the server describes its Entra ID to clients only if an operator has enabled that.
func TestEntraFacade(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]int{"true": http.StatusOK, "false": http.StatusNotFound} {
		s := newServingEntraStack(t, "SCANWARDEN_HTTP_OAUTH_FACADE="+setting)
		origin := strings.TrimSuffix(s.url, "/mcp")
		status, body := httpGet(t, origin+"/.well-known/oauth-authorization-server")
		if status != want || strings.Contains(body, `"issuer":"`+origin+`"`) != (want == http.StatusOK) {
			t.Errorf("%s: %d %s", setting, status, body)
		}
	}
}

// TestEntraClients: users are accepted with the client applications that an operator lists, and with no other.
func TestEntraClients(t *testing.T) {
	t.Parallel()
	s := newEntraStack(t, entratest.Defender)
	s.configure("http: {clients: [" + otherApp + "]}\n")
	s.url = s.serve(t).url
	for client, want := range map[string]int{otherApp: http.StatusOK, serverApp: http.StatusUnauthorized} {
		if resp := s.post(t, s.userToken(s.ada, map[string]any{"azp": client}), "", initializeMessage); resp.StatusCode != want {
			t.Errorf("with the client %s: %d, want %d", client, resp.StatusCode, want)
		}
	}
}

// TestEntraKeyFetches: many forged tokens cause few fetches of keys, and a good token is still accepted afterwards.
func TestEntraKeyFetches(t *testing.T) {
	t.Parallel()
	s := newServingEntraStack(t)
	claims := s.entra.UserClaims(s.ada, serverApp, []string{"Scans.Use"}, nil)
	began := time.Now()
	for i := range 60 {
		if resp := s.post(t, s.entra.Sign(claims, entratest.KeyID(fmt.Sprint("forged-", i))), "", initializeMessage); resp.StatusCode == 200 {
			t.Fatal("a forged token was let in")
		}
	}
	if resp := s.post(t, s.entra.Sign(claims), "", initializeMessage); resp.StatusCode != 200 {
		t.Errorf("after the flood a good token gets %d", resp.StatusCode)
	}
	// One fetch at the start, and one for each minute that began since.
	if n, most := s.entra.KeyFetches(), 2+int(time.Since(began)/time.Minute); n > most {
		t.Errorf("the keys were fetched %d times for 60 forged tokens, want at most %d", n, most)
	}
}

// TestEntraSessions: a session belongs to the user who began it.
func TestEntraSessions(t *testing.T) {
	t.Parallel()
	s := newServingEntraStack(t)
	ada, bob := s.userToken(s.ada, nil), s.userToken(s.bob, nil)
	id := s.post(t, ada, "", initializeMessage).Header.Get("Mcp-Session-Id")
	const list = `{"jsonrpc":"2.0","id":2,"method":"tools/list"}`
	agent := s.userToken(s.ada, map[string]any{"xms_act_fct": "11"})
	for name, tt := range map[string]struct {
		token, session string
		status         int
	}{
		"her own": {ada, id, 200}, "another's": {bob, id, 404}, "her agent's": {agent, id, 404}, "made up": {ada, id + "x", 404},
	} {
		if resp := s.post(t, tt.token, tt.session, list); resp.StatusCode != tt.status {
			t.Errorf("%s: status %d, want %d", name, resp.StatusCode, tt.status)
		}
	}
}
