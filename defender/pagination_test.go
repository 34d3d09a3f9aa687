package defender_test

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"scanwarden/defender"
)

func TestPagesAreFollowed(t *testing.T) {
	var s *service
	s = startService(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.RawQuery {
		case "":
			io.WriteString(w, `{"value":[{"id":"1"}],"@odata.nextLink":"`+s.URL+r.URL.Path+`?$skiptoken=a%20b"}`)
		case "$skiptoken=a%20b":
			io.WriteString(w, `{"value":[{"id":"2"}],"@odata.nextLink":"?$skip=2"}`)
		default:
			io.WriteString(w, `{"value":[{"id":"3"}]}`)
		}
	})
	got, err := newClient(t, s.config()).Definitions(t.Context(), defender.Actor{})
	if err != nil || len(got) != 3 {
		t.Fatalf("%d definitions, %v", len(got), err)
	}
	if uri := s.requests()[2].URI; uri != "/api/DeviceAuthenticatedScanDefinitions?$skip=2" {
		t.Errorf("the last page was %s", uri)
	}
}

func TestAHistoryReadStopsAtTop(t *testing.T) {
	s := startService(t, respond(200, `{"value":[{"sessionId":"1"},{"sessionId":"2"}],"@odata.nextLink":"?$skip=2"}`))
	got, err := newClient(t, s.config()).RunsByDefinition(t.Context(), defender.Actor{}, []string{"a"}, defender.Page{Top: 3})
	if err != nil || len(got) != 3 || len(s.requests()) != 2 {
		t.Errorf("%d runs from %d pages, %v", len(got), len(s.requests()), err)
	}
	if calls := s.requests(); calls[1].Method != "POST" || calls[1].Body != calls[0].Body {
		t.Errorf("the second page was requested by %+v", calls[1])
	}
}

// A next link is untrusted. It must not send the token to another host. Nor must it turn a history read, which has
// definitions in its body, into a delete of them.
func TestANextLinkLeadsNowhereElse(t *testing.T) {
	elsewhere := startService(t, respond(200, emptyList))
	const history = "/api/DeviceAuthenticatedScanDefinitions/GetScanHistoryByScanDefinitionId"
	for name, link := range map[string]func(own string) string{
		"host":      func(string) string { return elsewhere.URL + history },
		"scheme":    func(own string) string { return strings.Replace(own, "http:", "https:", 1) + history },
		"no scheme": func(string) string { return strings.TrimPrefix(elsewhere.URL, "http:") + history },
		"user": func(own string) string {
			return "http://" + strings.TrimPrefix(own, "http://") + "@example.com" + history
		},
		"delete":     func(own string) string { return own + "/api/DeviceAuthenticatedScanDefinitions/BatchDelete" },
		"relative":   func(string) string { return "BatchDelete" },
		"dots":       func(own string) string { return own + history + "/../BatchDelete" },
		"encoded":    func(own string) string { return own + history + "/%2e%2e/BatchDelete" },
		"unreadable": func(string) string { return "http://[broken" },
	} {
		t.Run(name, func(t *testing.T) {
			var s *service
			s = startService(t, func(w http.ResponseWriter, _ *http.Request) {
				io.WriteString(w, `{"value":[{"sessionId":"1"}],"@odata.nextLink":`+strconv.Quote(link(s.URL))+`}`)
			})
			got, err := newClient(t, s.config()).RunsByDefinition(t.Context(), defender.Actor{}, []string{"a"}, defender.Page{})
			if e := asError(t, err); got != nil || e.Next == "" || !strings.Contains(e.Message, "another host or path") {
				t.Errorf("%v, %v", got, err)
			}
			for _, call := range s.requests() {
				if call.URI != history {
					t.Errorf("requested %s %s", call.Method, call.URI)
				}
			}
		})
	}
	if n := len(elsewhere.requests()); n != 0 {
		t.Errorf("%d calls went to another host", n)
	}
}

func TestAListWithoutEndIsAnError(t *testing.T) {
	for name, tt := range map[string]struct {
		value string
		calls int
	}{
		"pages": {`{}`, 100},
		"items": {strings.Repeat(`{},`, 29_999) + `{}`, 2},
	} {
		s := startService(t, respond(200, `{"value":[`+tt.value+`],"@odata.nextLink":"?again"}`))
		_, err := newClient(t, s.config()).Scanners(t.Context(), defender.Actor{})
		if e := asError(t, err); !strings.Contains(e.Message, "does not end") || len(s.requests()) != tt.calls {
			t.Errorf("%s: %v after %d calls, want %d", name, err, len(s.requests()), tt.calls)
		}
	}
}

// A malformed list must not count as an empty one: after a delete, an empty list means that the scan is gone.
func TestAListThatIsNotOneIsAnError(t *testing.T) {
	for _, body := range []string{``, `null`, `{}`, `{"value":null}`, `[]`, `{"value":{}}`, `{"value":[{"isActive":"x"}]}`,
		`<html>Sign in</html>`, `{"value":[]`, `"text"`} {
		s := startService(t, respond(200, body))
		got, err := newClient(t, s.config()).Definitions(t.Context(), defender.Actor{})
		if err == nil || len(got) != 0 {
			t.Errorf("%q gave %v, %v", body, got, err)
			continue
		}
		if e := asError(t, err); e.Status != 200 || e.Next == "" || len(s.requests()) != 1 {
			t.Errorf("%q: %+v after %d calls", body, e, len(s.requests()))
		}
	}
}

func TestAnOversizedAnswerIsRefused(t *testing.T) {
	s := startService(t, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"value":[],"pad":"`)
		io.WriteString(w, strings.Repeat("x", 8<<20))
		io.WriteString(w, `"}`)
	})
	_, err := newClient(t, s.config()).Definitions(t.Context(), defender.Actor{})
	if err == nil || !strings.Contains(err.Error(), "larger than 8 MiB") || len(s.requests()) != 1 {
		t.Errorf("%v after %d calls", err, len(s.requests()))
	}
}
