package web_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"scanwarden/confirm"
	"scanwarden/confirm/web"
	"scanwarden/defender/defendertest"
	"scanwarden/tools"
	"scanwarden/tools/toolstest"
)

// typedCanary begins what is typed in these tests. It must be found only in what Defender receives.
const typedCanary = "canary-51c9-typed"

// The values that are typed for each part.
var typedParts = map[string]string{
	"authPassword": typedCanary + "-auth", "privPassword": typedCanary + "-priv", "communityString": typedCanary + "-community",
}

// askedParams are the public parts of each type of authentication that has a secret, and askedSecrets its secrets.
var (
	askedParams = map[string]map[string]any{
		"CommunityString": {"type": "CommunityString"},
		"AuthNoPriv":      {"type": "AuthNoPriv", "username": "scanner", "authProtocol": "SHA1"},
		"AuthPriv":        {"type": "AuthPriv", "username": "scanner", "authProtocol": "SHA1", "privProtocol": "AES"},
	}
	askedSecrets = map[string][]string{
		"CommunityString": {"communityString"}, "AuthNoPriv": {"authPassword"}, "AuthPriv": {"authPassword", "privPassword"},
	}
)

// ask returns a new change with a credential of this type that the approver types.
func (s *changeSite) ask(t testing.TB, operation, kind string) confirm.Change {
	t.Helper()
	args := map[string]any{"credential": "ask", "scanAuthenticationParams": askedParams[kind]}
	if operation == "update_scan" {
		args["id"] = "Core switches"
	} else {
		args["scanType"], args["scanName"], args["target"], args["intervalInHours"] = "Network", "Lab", "10.1.2.3", 8
		args["scannerAgent"] = map[string]any{"machineId": "eb663a27ae9d032f61bc268a79eedf14c4b90f77"}
	}
	return s.propose(t, operation, args)
}

// typedForm returns the form of an approval with the parts of this type typed.
func (p person) typedForm(t testing.TB, c confirm.Change, kind string) url.Values {
	t.Helper()
	form := p.form(t, c, "approve")
	for _, part := range askedSecrets[kind] {
		form.Set(part, typedParts[part])
	}
	return form
}

// checkNoCanary fails if what was typed is in the ledger, in the result that a model reads, or in a page.
func (s *changeSite) checkNoCanary(t testing.TB, c confirm.Change, pages ...string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.Dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no file of the ledger: %v", err)
	}
	texts := map[string][]byte{"a page": []byte(strings.Join(pages, "\n"))}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // one that is being written is renamed
			t.Fatal(err)
		}
		texts[filepath.Base(file)] = text
	}
	if texts["the result"], err = json.Marshal(tools.ResultOf(s.now(t, c))); err != nil {
		t.Fatal(err)
	}
	if texts["the change"], err = json.Marshal(s.now(t, c)); err != nil {
		t.Fatal(err)
	}
	for where, text := range texts {
		if bytes.Contains(text, []byte(typedCanary)) {
			t.Errorf("%s has what was typed", where)
		}
	}
}

// What an approver types arrives at Defender once, in the fields of its type, and is nowhere else.
func TestATypedCredentialIsSentOnceAndKeptNowhere(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"add_scan", "update_scan"} {
		for kind, parts := range askedSecrets {
			t.Run(operation+" "+kind, func(t *testing.T) {
				t.Parallel()
				var log bytes.Buffer
				s := newChangeSite(t, func(o *toolstest.Options, cfg *web.ChangesConfig) {
					cfg.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
					o.Gate = func(g *confirm.Config) { g.Log = cfg.Log }
				})
				c := s.ask(t, operation, kind)
				p := s.signIn(t, grace)
				_, before := p.get(t, "/changes/"+c.ID)
				if n := strings.Count(before, `type="password"`); n != len(parts) {
					t.Errorf("the page has %d masked inputs, want %d", n, len(parts))
				}
				for _, want := range append([]string{"typed by the approver on the page", "••••••••"}, parts...) {
					if !strings.Contains(before, want) {
						t.Errorf("the page lacks %q", want)
					}
				}
				status, after := p.send(t, c, p.typedForm(t, c, kind), nil)
				if got := s.now(t, c); status != http.StatusOK || got.State != confirm.Applied {
					t.Fatalf("status %d, the change is %s: %+v", status, got.State, got.Outcome)
				}
				checkSent(t, s.Tenant.Writes(), kind)
				if s.Typed.Len() != 0 {
					t.Error("the secrets are still held")
				}
				_, again := p.get(t, "/changes/"+c.ID)
				_, list := p.get(t, "/changes")
				s.checkNoCanary(t, c, before, after, again, list, log.String())
			})
		}
	}
}

// checkSent fails unless the only write has exactly the public parts and the typed secrets of this type.
func checkSent(t testing.TB, writes []defendertest.Call, kind string) {
	t.Helper()
	if len(writes) != 1 {
		t.Fatalf("%d writes arrived, want 1", len(writes))
	}
	var sent struct {
		Auth map[string]any `json:"scanAuthenticationParams"`
	}
	if err := json.Unmarshal(writes[0].Body, &sent); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"@odata.type": "#microsoft.windowsDefenderATP.api.SnmpAuthParams"}
	for name, value := range askedParams[kind] {
		want[name] = value
	}
	for _, part := range askedSecrets[kind] {
		want[part] = typedParts[part]
	}
	for name, value := range want {
		if sent.Auth[name] != value {
			t.Errorf("%s is sent as %v, want %v", name, sent.Auth[name], value)
		}
	}
	if len(sent.Auth) != len(want) {
		t.Errorf("sent %v, want %v", sent.Auth, want)
	}
}

// A value that is missing or cannot be a secret records nothing, is not repeated, and is not held.
func TestWhatCannotBeASecretIsNotTaken(t *testing.T) {
	t.Parallel()
	s := newChangeSite(t, nil)
	c := s.ask(t, "add_scan", "AuthPriv")
	p := s.signIn(t, grace)
	for name, alter := range map[string]func(url.Values){
		"none":                func(f url.Values) { f.Del("authPassword"); f.Del("privPassword") },
		"one is missing":      func(f url.Values) { f.Del("privPassword") },
		"one is empty":        func(f url.Values) { f.Set("authPassword", "") },
		"one is sent twice":   func(f url.Values) { f.Add("authPassword", typedCanary) },
		"too long":            func(f url.Values) { f.Set("authPassword", strings.Repeat(typedCanary, 1025/len(typedCanary)+1)) },
		"a line break inside": func(f url.Values) { f.Set("privPassword", typedCanary+"\nx") },
		"a tab":               func(f url.Values) { f.Set("privPassword", typedCanary+"\tx") },
		"not UTF-8":           func(f url.Values) { f.Set("privPassword", typedCanary+"\xff") },
		"a byte order mark":   func(f url.Values) { f.Set("privPassword", typedCanary+"\uFEFFx") },
	} {
		form := p.typedForm(t, c, "AuthPriv")
		alter(form)
		status, page := p.send(t, c, form, nil)
		if status != http.StatusUnprocessableEntity || !strings.Contains(page, "Nothing was recorded: a typed credential cannot be used") {
			t.Errorf("%s: status %d", name, status)
		}
		if n := strings.Count(page, `type="password"`); n != 2 {
			t.Errorf("%s: %d masked inputs are offered again, want 2", name, n)
		}
		s.checkNoCanary(t, c, page)
	}
	if got := s.now(t, c); got.State != confirm.Pending || len(got.Decisions) != 0 || s.Typed.Len() != 0 || len(s.Tenant.Writes()) != 0 {
		t.Errorf("the change is %s with %d decisions, %d held, %d writes", got.State, len(got.Decisions), s.Typed.Len(), len(s.Tenant.Writes()))
	}
}

// Nothing stays in memory, however a change ends.
func TestTypedSecretsAreRemovedOnEachOutcome(t *testing.T) {
	t.Parallel()
	sends := func(fault defendertest.Fault) func(testing.TB, *changeSite, confirm.Change) {
		return func(t testing.TB, s *changeSite, c confirm.Change) {
			s.Tenant.Fail(fault)
			p := s.signIn(t, grace)
			p.send(t, c, p.typedForm(t, c, "AuthPriv"), nil)
		}
	}
	held := func(end func(testing.TB, *changeSite, confirm.Change) error) func(testing.TB, *changeSite, confirm.Change) {
		return func(t testing.TB, s *changeSite, c confirm.Change) {
			if _, err := s.Typed.Hold(c, map[string]string{"authPassword": typedCanary, "privPassword": typedCanary}); err != nil {
				t.Fatal(err)
			}
			if err := end(t, s, c); err != nil {
				t.Fatal(err)
			}
		}
	}
	for want, end := range map[confirm.State]func(testing.TB, *changeSite, confirm.Change){
		confirm.Applied: sends(defendertest.Fault{Path: "nowhere"}),
		confirm.Failed:  sends(defendertest.Fault{Method: http.MethodPatch, Status: http.StatusBadRequest}),
		confirm.Unknown: sends(defendertest.Fault{Method: http.MethodPatch, Drop: true}),
		confirm.Stale: func(t testing.TB, s *changeSite, c confirm.Change) {
			other := s.update(t)
			p := s.signIn(t, linus)
			p.send(t, other, p.form(t, other, "approve"), nil)
			p.send(t, c, p.typedForm(t, c, "AuthPriv"), nil)
		},
		confirm.Denied: func(t testing.TB, s *changeSite, c confirm.Change) {
			p := s.signIn(t, grace)
			form := p.typedForm(t, c, "AuthPriv")
			form.Set("decision", "deny")
			p.send(t, c, form, nil)
		},
		confirm.Withdrawn: held(func(t testing.TB, s *changeSite, c confirm.Change) error {
			_, err := s.Gate.Withdraw(t.Context(), c.ID, confirm.Requester{Principal: asker})
			return err
		}),
		confirm.Expired: held(func(t testing.TB, s *changeSite, c confirm.Change) error {
			s.Advance(c.Expires.Sub(s.Now()))
			_, err := s.Gate.Change(t.Context(), c.ID)
			return err
		}),
	} {
		t.Run(string(want), func(t *testing.T) {
			t.Parallel()
			s := newChangeSite(t, nil)
			c := s.ask(t, "update_scan", "AuthPriv")
			end(t, s, c)
			if got := s.now(t, c); got.State != want || s.Typed.Len() != 0 {
				t.Errorf("the change is %s (%s), want %s, and %d are held", got.State, got.Outcome.Reason, want, s.Typed.Len())
			}
			_, page := s.signIn(t, grace).get(t, "/changes/"+c.ID)
			s.checkNoCanary(t, c, page)
		})
	}
}

// Of several approvers only the last one types the credential, and no approval completes without it.
func TestTheLastApproverTypesTheCredential(t *testing.T) {
	t.Parallel()
	s := newChangeSite(t, func(o *toolstest.Options, _ *web.ChangesConfig) { o.Policy.Required = map[string]int{"add_scan": 2} })
	c := s.ask(t, "add_scan", "CommunityString")
	p, q := s.signIn(t, grace), s.signIn(t, linus)
	early := q.form(t, c, "approve") // rendered before the other approval
	_, page := p.get(t, "/changes/"+c.ID)
	if strings.Contains(page, `type="password"`) || !strings.Contains(page, "You type no password") {
		t.Error("the first of two approvers is asked for the credential")
	}
	p.send(t, c, p.typedForm(t, c, "CommunityString"), nil)
	if got := s.now(t, c); got.State != confirm.Pending || got.Approvals() != 1 || s.Typed.Len() != 0 {
		t.Fatalf("after the first approval the change is %s with %d approvals, and %d are held", got.State, got.Approvals(), s.Typed.Len())
	}
	if status, page := q.send(t, c, early, nil); status != http.StatusUnprocessableEntity || !strings.Contains(page, `type="password"`) {
		t.Errorf("a last approval without the credential has status %d", status)
	}
	_, err := s.Gate.Decide(t.Context(), c.ID, confirm.Vote{Principal: linus, Approve: true, Channel: confirm.WebPage})
	if err == nil || !strings.Contains(err.Error(), "is not held here") || s.now(t, c).State != confirm.Pending {
		t.Errorf("the Gate takes a last approval without the credential: %v", err)
	}
	q.send(t, c, q.typedForm(t, c, "CommunityString"), nil)
	if got := s.now(t, c); got.State != confirm.Applied {
		t.Errorf("the change is %s: %+v", got.State, got.Outcome)
	}
	checkSent(t, s.Tenant.Writes(), "CommunityString")
}

// Two approvers who confirm at the same moment do not mix what they type.
func TestTwoTypedCredentialsDoNotMix(t *testing.T) {
	t.Parallel()
	s := newChangeSite(t, nil)
	c := s.ask(t, "add_scan", "CommunityString")
	drop, err := s.Typed.Hold(c, map[string]string{"communityString": "of somebody else"})
	if err != nil {
		t.Fatal(err)
	}
	p := s.signIn(t, grace)
	if status, page := p.send(t, c, p.typedForm(t, c, "CommunityString"), nil); status != http.StatusUnprocessableEntity || !strings.Contains(page, "another approver confirms this change") {
		t.Errorf("a second approval at the same moment has status %d", status)
	}
	drop()
	p.send(t, c, p.typedForm(t, c, "CommunityString"), nil)
	checkSent(t, s.Tenant.Writes(), "CommunityString")
}
