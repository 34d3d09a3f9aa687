package defender_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scanwarden/defender"
)

const (
	scanID = "d14cefe1-0301-488c-ad17-a86c428c3727"
	bare   = `{"id":"` + scanID + `","scanName":"Lab switches"}`
)

// core is a named credential with every secret the printed example has.
func core() *defender.Authentication {
	return &defender.Authentication{Credential: "core-snmp", Fingerprint: "f00d", Type: "AuthPriv", Username: "username",
		AuthProtocol: "authProtocol", AuthPassword: defender.NewSecret("authPassword"), PrivProtocol: "privProtocol",
		PrivPassword: defender.NewSecret("privPassword"), CommunityString: defender.NewSecret("community-string")}
}

// The bytes that arrive are those of the documented examples, field for field, secrets included.
func TestWhatArrivesIsWhatIsDocumented(t *testing.T) {
	const placeholder = "PLACEHOLDER"
	secret := defender.NewSecret(placeholder)
	ref := func(a defender.Authentication) *defender.Authentication {
		a.Credential, a.Fingerprint = "core-snmp", "f00d"
		return &a
	}
	community := ref(defender.Authentication{Type: "CommunityString", CommunityString: secret})
	noPriv := ref(defender.Authentication{Type: "AuthNoPriv", Username: placeholder, AuthProtocol: "SHA1", AuthPassword: secret})
	private := ref(defender.Authentication{Type: "AuthPriv", Username: placeholder, AuthProtocol: "SHA1", AuthPassword: secret, PrivProtocol: "AES", PrivPassword: secret})
	const collection = "/api/DeviceAuthenticatedScanDefinitions"
	for name, tt := range map[string]struct {
		write     defender.Write
		auth      *defender.Authentication
		want, uri string
	}{
		"add-network-authpriv.new-page.request":       {add(t, printed("Network", "127.0.0.1", core())), core(), "POST", collection},
		"add-network-authnopriv.request.derived":      {add(t, lab(noPriv)), noPriv, "POST", collection},
		"add-network-authpriv.request.derived":        {add(t, lab(private)), private, "POST", collection},
		"add-network-communitystring.request.derived": {add(t, lab(community)), community, "POST", collection},
		"add-windows.old-page.request.repaired":       {add(t, printed("Windows", "127.0.0.1", windows())), nil, "POST", collection},
		"update-network.new-page.request":             {update(t, scanID, printed("Network", "127.0.0.1,127.0.0.2", core())), core(), "PATCH", collection + "/" + scanID},
		"batch-delete.request.repaired":               {deletion(t), nil, "POST", collection + "/BatchDelete"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := bare
			if tt.auth == nil && strings.HasPrefix(name, "batch-delete") {
				answer = ""
			}
			s := serve(t, says(200, answer))
			if _, err := send(t.Context(), newWriter(t, s.config()), tt.write, tt.auth); err != nil {
				t.Fatal(err)
			}
			want := received{tt.want, tt.uri, "Bearer token", "application/json", "application/json", "scanwarden", compact(t, fixture(t, name))}
			if calls := s.asked(); len(calls) != 1 || calls[0] != want {
				t.Errorf("arrived %+v\nwant %+v", calls, want)
			}
		})
	}
}

// Nobody has documented what a delete answers, so that only one without words is taken for a yes.
func TestADeleteThatSaysMoreIsUncertain(t *testing.T) {
	for _, body := range []string{`{"deleted":[],"failed":["x"]}`, `{"error":{"code":"PartialFailure"}}`, `{}`, `null`, `false`, `<html>`} {
		s := serve(t, says(200, body))
		if _, err := send(t.Context(), newWriter(t, s.config()), deletion(t), nil); !errors.Is(err, defender.ErrUncertain) {
			t.Errorf("200 with %s: %v", body, err)
		}
	}
	s := serve(t, says(202, ""))
	if _, err := send(t.Context(), newWriter(t, s.config()), deletion(t), nil); !errors.Is(err, defender.ErrUncertain) {
		t.Errorf("202: %v", err)
	}
}

// What a caller checks between Prepare and Send is checked with turn and token in hand: no wait lies after it.
func TestNothingIsWaitedForBetweenPrepareAndSend(t *testing.T) {
	var order []string
	s := serve(t, says(204, ""))
	cfg := s.config()
	cfg.RateLimit = func(context.Context, bool) error { order = append(order, "turn"); return nil }
	cfg.Token = func(context.Context, defender.TokenRequest) (string, error) {
		order = append(order, "token")
		return "token", nil
	}
	p, err := newWriter(t, cfg).Prepare(t.Context(), defender.Actor{}, deletion(t), nil)
	if err != nil || len(s.asked()) != 0 {
		t.Fatalf("Prepare: %d requests arrived, %v", len(s.asked()), err)
	}
	order = append(order, "check")
	if _, err := p.Send(t.Context()); err != nil {
		t.Error(err)
	}
	if got := strings.Join(order, " "); got != "turn token check" {
		t.Errorf("the order is %q", got)
	}
	if n := len(s.asked()); n != 1 {
		t.Errorf("%d requests arrived, want 1", n)
	}
}

func TestAPreparedWriteIsSentOnce(t *testing.T) {
	s := serve(t, says(204, ""))
	p, err := newWriter(t, s.config()).Prepare(t.Context(), defender.Actor{}, deletion(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Send(t.Context()); err != nil {
		t.Error(err)
	}
	for _, again := range []func() error{
		func() error { _, err := p.Send(t.Context()); return err },
		func() error { return p.Renew(t.Context()) },
	} {
		if err := again(); !errors.Is(err, defender.ErrNotSent) {
			t.Errorf("again: %v, want ErrNotSent", err)
		}
	}
	if n := len(s.asked()); n != 1 {
		t.Errorf("%d requests arrived, want 1", n)
	}
}

func TestARefusedTokenIsRenewedOnceAndOnlyByTheCaller(t *testing.T) {
	s := serve(t, says(401, ""))
	cfg := s.config()
	var asked []defender.TokenRequest
	cfg.Token = func(_ context.Context, want defender.TokenRequest) (string, error) {
		asked = append(asked, want)
		return "token", nil
	}
	by := defender.Actor{User: "entra:t/ada"}
	p, err := newWriter(t, cfg).Prepare(t.Context(), by, deletion(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Send(t.Context()); !errors.Is(err, defender.ErrTokenRefused) || !errors.Is(err, defender.ErrSignIn) {
		t.Errorf("first: %v, want ErrTokenRefused and ErrSignIn", err)
	}
	if _, err := p.Send(t.Context()); !errors.Is(err, defender.ErrNotSent) {
		t.Errorf("without Renew: %v, want ErrNotSent", err)
	}
	if err := p.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Send(t.Context()); errors.Is(err, defender.ErrTokenRefused) || !errors.Is(err, defender.ErrSignIn) {
		t.Errorf("second: %v, want ErrSignIn alone", err)
	}
	if len(s.asked()) != 2 {
		t.Errorf("%d requests arrived, want 2", len(s.asked()))
	}
	want := []defender.TokenRequest{{Actor: by}, {Actor: by, Fresh: true}}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Error(diff)
	}
}

// A service that echoes what it was sent must not get a secret into what we keep and show.
func TestAReceiptHoldsNoSecret(t *testing.T) {
	a := core()
	body := strings.Replace(bare, `"scanName":"`, `"createdBy":"authPassword","scanName":"`, 1)
	if body == bare {
		t.Fatal("the answer has no scanName")
	}
	s := serve(t, says(200, body))
	got, err := send(t.Context(), newWriter(t, s.config()), add(t, lab(a)), a)
	if err != nil || strings.Contains(got.Definition.CreatedBy, "authPassword") || strings.Contains(string(got.Definition.Canonical()), "authPassword") {
		t.Errorf("%+v, %v", got.Definition, err)
	}
}

func TestReceipts(t *testing.T) {
	wrapped := `{"@odata.context":"x","value":[` + bare + `]}`
	other := strings.Replace(bare, scanID, "another-id", 1)
	adding, changing := add(t, lab(core())), update(t, scanID, lab(nil))
	for name, tt := range map[string]struct {
		write  defender.Write
		auth   *defender.Authentication
		status int
		body   string
		id     string // "" for no definition
	}{
		"add":                   {adding, core(), 200, fixture(t, "add-network-authpriv.new-page.response"), scanID},
		"add, 201":              {adding, core(), 201, bare, scanID},
		"add, wrapped":          {adding, core(), 200, wrapped, scanID},
		"update":                {changing, nil, 200, fixture(t, "update-network.new-page.response"), scanID},
		"update, wrapped":       {changing, nil, 200, wrapped, scanID},
		"update, another's id":  {changing, nil, 200, other, "another-id"},
		"update, silent":        {changing, nil, 204, "", ""},
		"delete":                {deletion(t), nil, 200, "", ""},
		"delete, as indicators": {deletion(t), nil, 204, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, says(tt.status, tt.body))
			got, err := send(t.Context(), newWriter(t, s.config()), tt.write, tt.auth)
			if err != nil || got.Status != tt.status || (got.Definition == nil) != (tt.id == "") {
				t.Fatalf("receipt %+v, %v", got, err)
			}
			if tt.id != "" && got.Definition.ID != tt.id {
				t.Errorf("definition %+v", got.Definition)
			}
		})
	}
}

// A write that went out and was not answered clearly is unknown: not failed, and never sent again.
func TestUncertainOutcomes(t *testing.T) {
	page := "<html>Please sign in</html>"
	large := `{"id":"1","pad":"` + strings.Repeat("x", 8<<20) + `"}`
	cut := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, body)
		}
	}
	adding := add(t, lab(core()))
	for name, tt := range map[string]struct {
		write  defender.Write
		auth   *defender.Authentication
		answer http.HandlerFunc
	}{
		"applied, then dropped": {adding, core(), hangUp},
		"delete, dropped":       {deletion(t), nil, hangUp},
		"500":                   {adding, core(), says(500, fixture(t, "error-500-InternalServerError.derived"))},
		"502":                   {deletion(t), nil, says(502, page)},
		"503 with Retry-After":  {adding, core(), unavailableFor("1")},
		"504":                   {adding, core(), says(504, "")},
		"a gateway's 408":       {adding, core(), says(408, "")},
		"redirect":              {adding, core(), says(303, "")},
		"add, not JSON":         {adding, core(), says(200, page)},
		"add, empty":            {adding, core(), says(200, "")},
		"add, no id":            {adding, core(), says(200, "{}")},
		"add, two":              {adding, core(), says(200, `{"value":[`+bare+`,`+bare+`]}`)},
		"add, wrong types":      {adding, core(), says(200, `{"id":7}`)},
		"add, oversized":        {adding, core(), says(200, large)},
		"add, half an answer":   {adding, core(), cut(`{"id":"1`)},
		"add, cut off":          {adding, core(), cut(bare)},
		"add, accepted":         {adding, core(), says(202, "")},
		"add, silent":           {adding, core(), says(204, "")},
		"update, empty":         {update(t, scanID, lab(nil)), nil, says(200, "")},
		"update, created":       {update(t, scanID, lab(nil)), nil, says(201, bare)},
		"delete, sign-in page":  {deletion(t), nil, says(200, page)},
		"delete, half":          {deletion(t), nil, cut(`{"id":"1`)},
		"delete, cut off":       {deletion(t), nil, cut(`{}`)},
		"delete, oversized":     {deletion(t), nil, says(200, large)},
		"delete, created":       {deletion(t), nil, says(201, "{}")},
		"odd status":            {adding, core(), says(799, "")},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, tt.answer)
			receipt, err := send(t.Context(), newWriter(t, s.config()), tt.write, tt.auth)
			if !errors.Is(err, defender.ErrUncertain) || errors.Is(err, defender.ErrNotSent) || receipt != (defender.Receipt{}) {
				t.Errorf("%+v, %v, want ErrUncertain", receipt, err)
			}
			if e := asError(t, err); !strings.Contains(e.Error(), "outcome unknown") || !strings.Contains(e.Next, "do not send it again") {
				t.Errorf("it does not say what to do: %v", err)
			}
			if n := len(s.asked()); n != 1 {
				t.Errorf("sent %d times", n)
			}
		})
	}
}

func TestRefusedWrites(t *testing.T) {
	for status, kind := range map[int]error{400: defender.ErrInvalid, 403: defender.ErrForbidden, 404: defender.ErrNotFound,
		405: defender.ErrInvalid, 409: defender.ErrInvalid, 413: defender.ErrInvalid, 429: defender.ErrThrottled} {
		s := serve(t, says(status, "<html>"))
		_, err := send(t.Context(), newWriter(t, s.config()), deletion(t), nil)
		if e := asError(t, err); !errors.Is(err, kind) || errors.Is(err, defender.ErrUncertain) || e.Status != status || len(s.asked()) != 1 {
			t.Errorf("%d: %v after %d calls, want %v", status, err, len(s.asked()), kind)
		}
	}
}

func TestAThrottledWriteTellsAndIsNotTriedAgain(t *testing.T) {
	s := serve(t, throttles("5"))
	cfg, waits := patient(s)
	told := 0
	cfg.OnThrottled = func(context.Context, time.Time) { told++ }
	_, err := send(t.Context(), newWriter(t, cfg), deletion(t), nil)
	if e := asError(t, err); e.RetryAfter != 5*time.Second || told != 1 || len(*waits) != 0 || len(s.asked()) != 1 {
		t.Errorf("%v; told %d times, waited %v, %d calls", err, told, *waits, len(s.asked()))
	}
}

func TestAWriteIsSentAgainAfterA401Alone(t *testing.T) {
	s := serve(t, inTurn(says(401, fixture(t, "error-401-Unauthorized.derived")), says(200, bare)))
	cfg := s.config()
	var turns []bool
	cfg.RateLimit = func(_ context.Context, write bool) error { turns = append(turns, write); return nil }
	if _, err := send(t.Context(), newWriter(t, cfg), add(t, lab(core())), core()); err != nil {
		t.Fatal(err)
	}
	calls := s.asked()
	if len(calls) != 2 || calls[0].Body != calls[1].Body || calls[1].Token != "Bearer fresh" || len(turns) != 2 || !turns[0] || !turns[1] {
		t.Errorf("calls %+v, turns %v", calls, turns)
	}
	for body, kind := range map[string]error{
		fixture(t, "error-401-Unauthorized.derived"):   defender.ErrSignIn,
		fixture(t, "error-401-no-tvm-license.derived"): defender.ErrLicence,
	} {
		s := serve(t, says(401, body))
		_, err := send(t.Context(), newWriter(t, s.config()), deletion(t), nil)
		if !errors.Is(err, kind) || errors.Is(err, defender.ErrUncertain) || len(s.asked()) > 2 {
			t.Errorf("%v after %d calls, want %v", err, len(s.asked()), kind)
		}
	}
}
