package defender_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"

	"scanwarden/defender"
)

// changeableService is a service with a response that can be changed between calls, so that a fuzz run needs one server.
type changeableService struct {
	mu     sync.Mutex
	answer http.HandlerFunc
}

func (c *changeableService) set(answer http.HandlerFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = answer
}

func (c *changeableService) serve(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	answer := c.answer
	c.mu.Unlock()
	answer(w, r)
}

// FuzzError checks for any response that nothing panics, the status is kept, and the error text is bounded and printable.
func FuzzError(f *testing.F) {
	f.Add(404, "Retry-After", "5", `{"error":{"code":"c","message":"m","target":"t"}}`)
	f.Add(307, "Location", "http://[broken", "<html>")
	f.Add(200, "Content-Type", "text/html\x00", `{"value":[{"id":7}]}`)
	f.Add(429, "Retry-After", "99999999999999999999", "")
	f.Add(401, "X", "", `{"error":{"message":"No TVM license`+"\u202e"+`"}}`)
	f.Add(403, "X", "", `{"error":{"message":"API required roles: A.B, application roles:"}}`)
	f.Add(799, "X", "", "\xff")
	var c changeableService
	s := startService(f, c.serve)
	reader, writer := newClient(f, s.config()), newWriter(f, s.config())
	f.Fuzz(func(t *testing.T, status int, header, value, body string) {
		s.takeRequests()
		if status < 200 || status > 999 {
			status = 200 + (status%800+800)%800 // 1xx is not a final response
		}
		c.set(func(w http.ResponseWriter, _ *http.Request) {
			switch http.CanonicalHeaderKey(header) {
			case "Location", "Retry-After", "Content-Type", "X": // others may break the HTTP message itself
				w.Header()[http.CanonicalHeaderKey(header)] = []string{strings.Map(dropUnsendable, value)}
			}
			w.WriteHeader(status)
			io.WriteString(w, body)
		})
		if _, err := reader.Scanners(t.Context(), defender.Actor{}); err != nil || status != 200 {
			assertPresentable(t, err, status)
		}
		_, err := sendWrite(t.Context(), writer, newDelete(t), nil)
		if err != nil || status < 200 || status > 204 {
			assertPresentable(t, err, status)
		}
		if errors.Is(err, defender.ErrNotSent) {
			t.Errorf("a write with status %d is reported as not sent: %v", status, err)
		}
	})
}

// dropUnsendable removes characters that net/http refuses in a header.
func dropUnsendable(r rune) rune {
	if unicode.IsControl(r) {
		return -1
	}
	return r
}

func assertPresentable(t *testing.T, err error, status int) {
	t.Helper()
	e := asError(t, err)
	if e.Status != status || e.Next == "" {
		t.Errorf("status %d became %+v", status, e)
	}
	text := e.Error()
	if n := utf8.RuneCountInString(text); n > 1600 || !utf8.ValidString(text) {
		t.Errorf("%d characters: %q", n, text)
	}
	for _, r := range text {
		if !unicode.IsPrint(r) {
			t.Errorf("%U in %q", r, text)
		}
	}
}

// FuzzPath checks that an id is refused before anything is sent, or that exactly the documented path is requested.
func FuzzPath(f *testing.F) {
	for _, id := range append(badIDs, scanID, "BatchDelete", "A_-9") {
		f.Add(id)
	}
	s := startService(f, respond(200, bare))
	w := newWriter(f, s.config())
	f.Fuzz(func(t *testing.T, id string) {
		byHand := defender.Write{Method: "PATCH", Path: collection + "/" + id, Body: json.RawMessage(`{"isActive":false}`)}
		writes := []defender.Write{byHand}
		made, err := defender.UpdateScan(id, labScan(nil))
		if err == nil {
			writes = append(writes, made)
		}
		sent := 0
		for _, write := range writes {
			_, sendErr := sendWrite(t.Context(), w, write, nil)
			switch {
			case sendErr == nil:
				sent++
			case !errors.Is(sendErr, defender.ErrNotSent):
				t.Errorf("%q: %v", id, sendErr)
			}
		}
		if (sent > 0) != (err == nil) {
			t.Errorf("%q: UpdateScan returned %v, and %d were sent", id, err, sent)
		}
		calls := s.takeRequests()
		if len(calls) != sent {
			t.Errorf("%q: %d calls for %d writes", id, len(calls), sent)
		}
		for _, call := range calls {
			if call.Method != "PATCH" || call.URI != "/api/DeviceAuthenticatedScanDefinitions/"+id {
				t.Errorf("%q requested %s %s", id, call.Method, call.URI)
			}
		}
	})
}

// FuzzState checks that no JSON makes a Definition panic. A member with a secret's name, in any letter case and at any
// depth, must not be kept or shown.
func FuzzState(f *testing.F) {
	for _, body := range []string{
		`{"scanAuthenticationParams":{"authPassword":"SECRET"}}`,
		`{"ScanAuthenticationParams":{"PRIVPASSWORD":"SECRET","type":{"password":"SECRET"}}}`,
		`{"a":[{"communityString":"SECRET"}],"intervalInHours":null,"scannerAgent":{"lastSeen":"x"}}`,
		fixture(f, "add-network-authpriv.new-page.response"),
		fixture(f, "add-windows.old-page.response"),
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var raw any
		if json.Unmarshal([]byte(body), &raw) != nil {
			var d defender.Definition
			if json.Unmarshal([]byte(body), &d) == nil {
				t.Errorf("%q is not JSON, and is a definition", body)
			}
			return
		}
		var d defender.Definition
		poisoned, _ := json.Marshal(plantCanary(raw))
		if json.Unmarshal(poisoned, &d) != nil {
			return
		}
		shown, err := json.Marshal(d)
		if err != nil {
			t.Errorf("cannot be shown: %v", err)
		}
		if !json.Valid(d.Canonical()) {
			t.Errorf("state %s", d.Canonical())
		}
		if all := string(d.Canonical()) + string(shown) + fmt.Sprintf("%+v", d); strings.Contains(all, canary) {
			t.Errorf("%s\nleaks into %s", poisoned, all)
		}
	})
}

// plantCanary sets every member with a secret's name to the canary.
func plantCanary(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			switch strings.ToLower(name) {
			case "authpassword", "privpassword", "communitystring", "password", "privatekey":
				v[name] = canary
			default:
				v[name] = plantCanary(member)
			}
		}
	case []any:
		for i := range v {
			v[i] = plantCanary(v[i])
		}
	}
	return v
}

// FuzzReference checks that a frozen body of any layout is refused, or sent with only its reference replaced.
func FuzzReference(f *testing.F) {
	f.Add(`{"a":[1,`, `],"scanAuthenticationParams":`, ` , "z":null}`)
	f.Add(`{"scanAuthenticationParams":`, ``, `}`)
	f.Add(` {"scan\u0041uthenticationParams" :`, ` `, ` }`)
	s := startService(f, respond(200, bare))
	w := newWriter(f, s.config())
	f.Fuzz(func(t *testing.T, a, b, after string) {
		before := a + b
		body := before + ref + after
		_, err := sendWrite(t.Context(), w, defender.Write{Method: "POST", Path: collection, Body: json.RawMessage(body)}, coreCredential())
		sent := s.takeRequests()
		switch {
		case errors.Is(err, defender.ErrNotSent) && len(sent) == 0:
		case err != nil || len(sent) != 1:
			t.Errorf("%q: %v after %d calls", body, err, len(sent))
		case len(sent[0].Body) != len(body)-len(ref)+len(filled) || !json.Valid([]byte(sent[0].Body)):
			t.Errorf("%q was sent as %q", body, sent[0].Body)
		case !strings.Contains(before+after, `"credential"`) && !strings.Contains(before+after, `\`) && sent[0].Body != before+filled+after:
			t.Errorf("%q was sent as %q", body, sent[0].Body)
		}
	})
}
