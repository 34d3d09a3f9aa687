package defender_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"scanwarden/defender"
)

// The response to a delete is not documented, so only one without a body counts as a success.
func TestADeleteWithABodyIsUncertain(t *testing.T) {
	for _, body := range []string{`{"deleted":[],"failed":["x"]}`, `{"error":{"code":"PartialFailure"}}`, `{}`, `null`, `false`, `<html>`} {
		s := startService(t, respond(200, body))
		if _, err := sendWrite(t.Context(), newWriter(t, s.config()), newDelete(t), nil); !errors.Is(err, defender.ErrUncertain) {
			t.Errorf("200 with %s: %v", body, err)
		}
	}
	s := startService(t, respond(202, ""))
	if _, err := sendWrite(t.Context(), newWriter(t, s.config()), newDelete(t), nil); !errors.Is(err, defender.ErrUncertain) {
		t.Errorf("202: %v", err)
	}
}

// If the service echoes the request, no secret must be kept or shown.
func TestAReceiptHoldsNoSecret(t *testing.T) {
	a := coreCredential()
	body := strings.Replace(bare, `"scanName":"`, `"createdBy":"authPassword","scanName":"`, 1)
	if body == bare {
		t.Fatal("the response has no scanName")
	}
	s := startService(t, respond(200, body))
	got, err := sendWrite(t.Context(), newWriter(t, s.config()), newAdd(t, labScan(a)), a)
	if err != nil || strings.Contains(got.Definition.CreatedBy, "authPassword") || strings.Contains(string(got.Definition.Canonical()), "authPassword") {
		t.Errorf("%+v, %v", got.Definition, err)
	}
}

func TestReceipts(t *testing.T) {
	wrapped := `{"@odata.context":"x","value":[` + bare + `]}`
	other := strings.Replace(bare, scanID, "another-id", 1)
	adding, changing := newAdd(t, labScan(coreCredential())), newUpdate(t, scanID, labScan(nil))
	for name, tt := range map[string]struct {
		write  defender.Write
		auth   *defender.Authentication
		status int
		body   string
		id     string // "" for no definition
	}{
		"add":                   {adding, coreCredential(), 200, fixture(t, "add-network-authpriv.new-page.response"), scanID},
		"add, 201":              {adding, coreCredential(), 201, bare, scanID},
		"add, wrapped":          {adding, coreCredential(), 200, wrapped, scanID},
		"update":                {changing, nil, 200, fixture(t, "update-network.new-page.response"), scanID},
		"update, wrapped":       {changing, nil, 200, wrapped, scanID},
		"update, another's id":  {changing, nil, 200, other, "another-id"},
		"update, silent":        {changing, nil, 204, "", ""},
		"delete":                {newDelete(t), nil, 200, "", ""},
		"delete, as indicators": {newDelete(t), nil, 204, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := startService(t, respond(tt.status, tt.body))
			got, err := sendWrite(t.Context(), newWriter(t, s.config()), tt.write, tt.auth)
			if err != nil || got.Status != tt.status || (got.Definition == nil) != (tt.id == "") {
				t.Fatalf("receipt %+v, %v", got, err)
			}
			if tt.id != "" && got.Definition.ID != tt.id {
				t.Errorf("definition %+v", got.Definition)
			}
		})
	}
}

// The outcome of a write that was sent without a clear response is unknown: it is not failed, and never sent again.
func TestUncertainOutcomes(t *testing.T) {
	page := "<html>Please sign in</html>"
	large := `{"id":"1","pad":"` + strings.Repeat("x", 8<<20) + `"}`
	cut := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, body)
		}
	}
	adding := newAdd(t, labScan(coreCredential()))
	for name, tt := range map[string]struct {
		write  defender.Write
		auth   *defender.Authentication
		answer http.HandlerFunc
	}{
		"applied, then dropped": {adding, coreCredential(), dropConnection},
		"delete, dropped":       {newDelete(t), nil, dropConnection},
		"500":                   {adding, coreCredential(), respond(500, fixture(t, "error-500-InternalServerError.derived"))},
		"502":                   {newDelete(t), nil, respond(502, page)},
		"503 with Retry-After":  {adding, coreCredential(), respondUnavailable("1")},
		"504":                   {adding, coreCredential(), respond(504, "")},
		"a gateway's 408":       {adding, coreCredential(), respond(408, "")},
		"redirect":              {adding, coreCredential(), respond(303, "")},
		"add, not JSON":         {adding, coreCredential(), respond(200, page)},
		"add, empty":            {adding, coreCredential(), respond(200, "")},
		"add, no id":            {adding, coreCredential(), respond(200, "{}")},
		"add, two":              {adding, coreCredential(), respond(200, `{"value":[`+bare+`,`+bare+`]}`)},
		"add, wrong types":      {adding, coreCredential(), respond(200, `{"id":7}`)},
		"add, oversized":        {adding, coreCredential(), respond(200, large)},
		"add, half a response":  {adding, coreCredential(), cut(`{"id":"1`)},
		"add, cut off":          {adding, coreCredential(), cut(bare)},
		"add, accepted":         {adding, coreCredential(), respond(202, "")},
		"add, silent":           {adding, coreCredential(), respond(204, "")},
		"update, empty":         {newUpdate(t, scanID, labScan(nil)), nil, respond(200, "")},
		"update, created":       {newUpdate(t, scanID, labScan(nil)), nil, respond(201, bare)},
		"delete, sign-in page":  {newDelete(t), nil, respond(200, page)},
		"delete, half":          {newDelete(t), nil, cut(`{"id":"1`)},
		"delete, cut off":       {newDelete(t), nil, cut(`{}`)},
		"delete, oversized":     {newDelete(t), nil, respond(200, large)},
		"delete, created":       {newDelete(t), nil, respond(201, "{}")},
		"odd status":            {adding, coreCredential(), respond(799, "")},
	} {
		t.Run(name, func(t *testing.T) {
			s := startService(t, tt.answer)
			receipt, err := sendWrite(t.Context(), newWriter(t, s.config()), tt.write, tt.auth)
			if !errors.Is(err, defender.ErrUncertain) || errors.Is(err, defender.ErrNotSent) || receipt != (defender.Receipt{}) {
				t.Errorf("%+v, %v, want ErrUncertain", receipt, err)
			}
			if e := asError(t, err); !strings.Contains(e.Error(), "outcome unknown") || !strings.Contains(e.Next, "do not send it again") {
				t.Errorf("it does not say what to do: %v", err)
			}
			if n := len(s.requests()); n != 1 {
				t.Errorf("sent %d times", n)
			}
		})
	}
}

func TestRefusedWrites(t *testing.T) {
	for status, kind := range map[int]error{400: defender.ErrInvalid, 403: defender.ErrForbidden, 404: defender.ErrNotFound,
		405: defender.ErrInvalid, 409: defender.ErrInvalid, 413: defender.ErrInvalid, 429: defender.ErrThrottled} {
		s := startService(t, respond(status, "<html>"))
		_, err := sendWrite(t.Context(), newWriter(t, s.config()), newDelete(t), nil)
		if e := asError(t, err); !errors.Is(err, kind) || errors.Is(err, defender.ErrUncertain) || e.Status != status || len(s.requests()) != 1 {
			t.Errorf("%d: %v after %d calls, want %v", status, err, len(s.requests()), kind)
		}
	}
}
