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

// changeable is a service whose answer can be changed between calls: one server for a whole fuzzing run.
type changeable struct {
	mu     sync.Mutex
	answer http.HandlerFunc
}

func (c *changeable) set(answer http.HandlerFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer = answer
}

func (c *changeable) serve(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	answer := c.answer
	c.mu.Unlock()
	answer(w, r)
}

// FuzzError: whatever the answer, nothing panics, the status is kept, and what is shown is bounded and printable.
func FuzzError(f *testing.F) {
	f.Add(404, "Retry-After", "5", `{"error":{"code":"c","message":"m","target":"t"}}`)
	f.Add(307, "Location", "http://[broken", "<html>")
	f.Add(200, "Content-Type", "text/html\x00", `{"value":[{"id":7}]}`)
	f.Add(429, "Retry-After", "99999999999999999999", "")
	f.Add(401, "X", "", `{"error":{"message":"No TVM license`+"\u202e"+`"}}`)
	f.Add(403, "X", "", `{"error":{"message":"API required roles: A.B, application roles:"}}`)
	f.Add(799, "X", "", "\xff")
	var c changeable
	s := serve(f, c.serve)
	reader, writer := newClient(f, s.config()), newWriter(f, s.config())
	f.Fuzz(func(t *testing.T, status int, header, value, body string) {
		s.take()
		if status < 200 || status > 999 {
			status = 200 + (status%800+800)%800 // 1xx is no answer
		}
		c.set(func(w http.ResponseWriter, _ *http.Request) {
			switch http.CanonicalHeaderKey(header) {
			case "Location", "Retry-After", "Content-Type", "X": // others are HTTP's own, and break the answer itself
				w.Header()[http.CanonicalHeaderKey(header)] = []string{strings.Map(sendable, value)}
			}
			w.WriteHeader(status)
			io.WriteString(w, body)
		})
		if _, err := reader.Scanners(t.Context(), defender.Actor{}); err != nil || status != 200 {
			assertPresentable(t, err, status)
		}
		_, err := send(t.Context(), writer, deletion(t), nil)
		if err != nil || status < 200 || status > 204 {
			assertPresentable(t, err, status)
		}
		if errors.Is(err, defender.ErrNotSent) {
			t.Errorf("a write that was answered %d is called unsent: %v", status, err)
		}
	})
}

// sendable drops what net/http's parser takes for the end of HTTP itself.
func sendable(r rune) rune {
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

// FuzzPath: an id is refused before anything is sent, or exactly the documented path is requested.
func FuzzPath(f *testing.F) {
	for _, id := range append(badIDs, scanID, "BatchDelete", "A_-9") {
		f.Add(id)
	}
	s := serve(f, says(200, bare))
	w := newWriter(f, s.config())
	f.Fuzz(func(t *testing.T, id string) {
		byHand := defender.Write{Method: "PATCH", Path: collection + "/" + id, Body: json.RawMessage(`{"isActive":false}`)}
		writes := []defender.Write{byHand}
		made, err := defender.UpdateScan(id, lab(nil))
		if err == nil {
			writes = append(writes, made)
		}
		sent := 0
		for _, write := range writes {
			_, sendErr := send(t.Context(), w, write, nil)
			switch {
			case sendErr == nil:
				sent++
			case !errors.Is(sendErr, defender.ErrNotSent):
				t.Errorf("%q: %v", id, sendErr)
			}
		}
		if (sent > 0) != (err == nil) {
			t.Errorf("%q: UpdateScan says %v, and %d were sent", id, err, sent)
		}
		calls := s.take()
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

// FuzzState: no JSON makes a Definition panic, and no member with a secret's name, in any letter case and at any
// place the fuzzer finds, gets into what is kept or shown.
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
		poisoned, _ := json.Marshal(poison(raw))
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

// poison gives every member that has a secret's name the canary as its value.
func poison(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			switch strings.ToLower(name) {
			case "authpassword", "privpassword", "communitystring", "password", "privatekey":
				v[name] = canary
			default:
				v[name] = poison(member)
			}
		}
	case []any:
		for i := range v {
			v[i] = poison(v[i])
		}
	}
	return v
}

// FuzzReference: however a frozen body is laid out, it is refused or sent with its reference alone replaced.
func FuzzReference(f *testing.F) {
	f.Add(`{"a":[1,`, `],"scanAuthenticationParams":`, ` , "z":null}`)
	f.Add(`{"scanAuthenticationParams":`, ``, `}`)
	f.Add(` {"scan\u0041uthenticationParams" :`, ` `, ` }`)
	s := serve(f, says(200, bare))
	w := newWriter(f, s.config())
	f.Fuzz(func(t *testing.T, a, b, after string) {
		before := a + b
		body := before + ref + after
		_, err := send(t.Context(), w, defender.Write{Method: "POST", Path: collection, Body: json.RawMessage(body)}, core())
		sent := s.take()
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
