package web_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/confirm/web"
)

func TestSigningInEndsInAProofOfTheUser(t *testing.T) {
	for name, secure := range map[string]bool{"https": true, "http": false} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, func(c *web.Config) { c.Secure = secure })
			c := s.newBrowser(t)
			if first := s.get(t, c, "/link", nil); first.StatusCode != 200 || !strings.Contains(first.text, `href="/link/start"`) {
				t.Fatalf("the first page is %d:\n%s", first.StatusCode, first.text)
			}
			state := s.beginSignIn(t, c)
			last := s.get(t, c, callbackPath(state, s.provider.consent(state)), nil)
			if last.StatusCode != 200 || !containsAll(last.text, "Ada Lovelace", string(ada), "Never give this command to another person") {
				t.Fatalf("the last page is %d:\n%s", last.StatusCode, last.text)
			}
			user, err := web.NewProofs(key).Open(last.proof(), time.Now())
			if err != nil || user.Principal != ada || user.Name != "Ada Lovelace" || len(user.Groups) > 0 {
				t.Errorf("the proof is of %+v, %v", user, err)
			}
		})
	}
}

func containsAll(text string, words ...string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

func TestSignInsDifferInAllTheirParts(t *testing.T) {
	s := newSite(t, nil)
	for range 20 {
		s.beginSignIn(t, s.newBrowser(t))
	}
	seen := map[string]bool{}
	for state, parts := range s.provider.begun {
		for _, part := range []string{state, parts[0], parts[1]} {
			if seen[part] || len(part) < 26 {
				t.Errorf("%q is short, or was there before", part)
			}
			seen[part] = true
		}
		if n := len(parts[1]); n < 43 || n > 128 {
			t.Errorf("the verifier has %d characters; RFC 7636 wants 43 to 128", n)
		}
	}
	if len(s.provider.begun) != 20 {
		t.Errorf("%d attempts were begun", len(s.provider.begun))
	}
}

func TestTheCookieIsTheBrowsersAlone(t *testing.T) {
	for secure, want := range map[bool]string{true: "__Host-scanwarden-link", false: "scanwarden-link"} {
		s := newSite(t, func(c *web.Config) { c.Secure = secure })
		a := s.get(t, s.newBrowser(t), "/link/start", nil)
		cookies := a.Cookies()
		if len(cookies) != 1 {
			t.Fatalf("cookies: %v", cookies)
		}
		c := cookies[0]
		if c.Name != want || !c.HttpOnly || c.Secure != secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 600 {
			t.Errorf("the cookie is %+v", c)
		}
		for state, parts := range s.provider.begun {
			raw, _ := base64.RawURLEncoding.DecodeString(c.Value)
			for _, part := range []string{state, parts[0], parts[1]} {
				if strings.Contains(c.Value+string(raw), part) {
					t.Errorf("the cookie tells %q", part)
				}
			}
		}
	}
}

func TestEveryResponseHasTheSecurityHeaders(t *testing.T) {
	s := newSite(t, nil)
	c := s.newBrowser(t)
	state := s.beginSignIn(t, c)
	answers := map[string]response{
		"first": s.get(t, c, "/link", nil), "start": s.get(t, s.newBrowser(t), "/link/start", nil),
		"last": s.get(t, c, callbackPath(state, s.provider.consent(state)), nil), "refused": s.get(t, c, "/link/callback", nil),
		"missing": s.get(t, c, "/nosuch", nil), "rebound": s.get(t, c, "/link", func(r *http.Request) { r.Host = "evil.example.com" }),
	}
	for name, a := range answers {
		for header, want := range map[string]string{
			"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
			"Strict-Transport-Security": "max-age=31536000", "X-Frame-Options": "DENY", "Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got := a.Header.Get(header); got != want {
				t.Errorf("%s: %s is %q", name, header, got)
			}
		}
		policy := a.Header.Get("Content-Security-Policy")
		if !containsAll(policy, "default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: the policy is %q", name, policy)
		}
		if style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(a.text); style != nil {
			sum := sha256.Sum256([]byte(style[1]))
			if !strings.Contains(policy, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
				t.Errorf("%s: the browser would not take the style sheet", name)
			}
		} else if name != "start" {
			t.Errorf("%s has no style sheet", name)
		}
		if strings.Contains(a.text, "<script") {
			t.Errorf("%s has a script", name)
		}
	}
	plain := newSite(t, func(c *web.Config) { c.Secure = false })
	if got := plain.get(t, plain.newBrowser(t), "/link", nil).Header.Get("Strict-Transport-Security"); got != "" {
		t.Errorf("plain HTTP has Strict-Transport-Security %q", got)
	}
}

func TestARefusalOfMicrosoftBecomesOneSentence(t *testing.T) {
	for code, words := range map[string]string{
		"access_denied": "You did not sign in", "server_error": "Microsoft had a fault", "consent_required": "An administrator has to allow",
		"<script>alert(1)</script>": "Microsoft refused the sign-in", "": "Microsoft refused the sign-in",
	} {
		s := newSite(t, nil)
		c := s.newBrowser(t)
		state := s.beginSignIn(t, c)
		query := "&error=" + strings.ReplaceAll(code, "/", "%2F") + "&error_description=call+0800+123+and+give+your+password"
		a := s.get(t, c, "/link/callback?state="+state+query, nil)
		s.checkRefused(t, a, http.StatusForbidden, words)
		if strings.Contains(a.text+s.log.String(), "0800") || strings.Contains(a.text+s.log.String(), "<script>") {
			t.Errorf("%q: text from the address is repeated:\n%s\n%s", code, a.text, s.log)
		}
		if len(a.Cookies()) != 1 || a.Cookies()[0].MaxAge != -1 {
			t.Errorf("%q: the attempt is kept: %v", code, a.Cookies())
		}
	}
}

func TestTheCauseOfAFailureIsOnlyLogged(t *testing.T) {
	broken := errors.New("the cause that only an operator sees")
	for name, tt := range map[string]struct {
		change func(*web.Config)
		tenant error
		words  string
	}{
		"key":    {change: func(c *web.Config) { c.Key = func() ([]byte, error) { return nil, broken } }, words: "This did not work"},
		"short":  {change: func(c *web.Config) { c.Key = func() ([]byte, error) { return []byte("short"), nil } }, words: "This did not work"},
		"tenant": {tenant: broken, words: "This did not work"},
	} {
		s := newSite(t, tt.change)
		s.provider.err = tt.tenant
		a := s.get(t, s.newBrowser(t), "/link/start", nil)
		s.checkRefused(t, a, http.StatusServiceUnavailable, tt.words)
		if len(a.Cookies()) != 0 || strings.Contains(a.text, broken.Error()) || s.log.Len() == 0 {
			t.Errorf("%s: cookies %v, log %q:\n%s", name, a.Cookies(), s.log, a.text)
		}
	}
}

func TestAnUnconfirmedSignInGivesNoProof(t *testing.T) {
	s := newSite(t, nil)
	c := s.newBrowser(t)
	state := s.beginSignIn(t, c)
	s.provider.err = errors.New("the wrong tenant")
	a := s.get(t, c, callbackPath(state, s.provider.consent(state)), nil)
	if a.StatusCode != http.StatusForbidden || a.proof() != "" || !containsAll(a.text, "Microsoft did not confirm") || containsAll(a.text, "the wrong tenant") {
		t.Errorf("answered %d:\n%s", a.StatusCode, a.text)
	}
}

func TestAUserWithoutGUIDsGetsNoProof(t *testing.T) {
	for _, principal := range []string{"", "slack:T1/U1", "entra:" + tenantID, "entra:" + tenantID + "/admin", "entra:" + tenantID + "/" + objectID + "/x",
		"entra:" + tenantID + "/" + strings.ReplaceAll(objectID, "-", ""), tenantID + "/" + objectID} {
		s := newSite(t, nil)
		s.provider.user.Principal = confirm.Principal(principal)
		c := s.newBrowser(t)
		state := s.beginSignIn(t, c)
		if a := s.get(t, c, callbackPath(state, s.provider.consent(state)), nil); a.StatusCode != http.StatusServiceUnavailable || a.proof() != "" {
			t.Errorf("%q: answered %d:\n%s", principal, a.StatusCode, a.text)
		}
	}
}

func TestStartedSignInsAreRateLimited(t *testing.T) {
	s := newSite(t, nil)
	c := s.newBrowser(t)
	held := s.beginSignIn(t, c)
	let := 1
	for range 200 {
		if s.get(t, s.newBrowser(t), "/link/start", nil).StatusCode == http.StatusSeeOther {
			let++
		}
	}
	if let > 150 {
		t.Fatalf("%d of 201 sign-ins were begun at once", let)
	}
	tooMany := s.get(t, s.newBrowser(t), "/link/start", nil)
	s.checkRefused(t, tooMany, http.StatusTooManyRequests, "Too many")
	if tooMany.Header.Get("Retry-After") == "" || len(tooMany.Cookies()) != 0 {
		t.Errorf("it cannot be tried again: %v", tooMany.Header)
	}
	if a := s.get(t, c, callbackPath(held, s.provider.consent(held)), nil); a.proof() == "" {
		t.Errorf("a browser that had begun cannot finish: %d\n%s", a.StatusCode, a.text)
	}
	s.clockOffset = time.Minute
	s.beginSignIn(t, c)
}

func TestFinishedSignInsAreRateLimited(t *testing.T) {
	s := newSite(t, nil)
	browsers, states := make([]*http.Client, 120), make([]string, 120)
	for i := range browsers {
		if i%40 == 0 {
			s.clockOffset += 10 * time.Second // so that all of them can begin
		}
		browsers[i] = s.newBrowser(t)
		states[i] = s.beginSignIn(t, browsers[i])
	}
	late := -1
	for i, c := range browsers {
		a := s.get(t, c, callbackPath(states[i], ""), nil)
		if a.StatusCode == http.StatusTooManyRequests {
			late = i
			if a.Header.Get("Retry-After") == "" || len(a.Cookies()) != 0 {
				t.Fatalf("it cannot be tried again: %v", a.Header)
			}
		}
	}
	if late < 0 {
		t.Fatal("any number of sign-ins are finished at once")
	}
	s.clockOffset += time.Minute
	c, state := browsers[late], states[late]
	if a := s.get(t, c, callbackPath(state, s.provider.consent(state)), nil); a.proof() == "" {
		t.Errorf("tried again: %d\n%s", a.StatusCode, a.text)
	}
}

// A client that keeps a copy of its cookie must not be able to use up the shared rate limit with it.
func TestASignInIsFinishedOnce(t *testing.T) {
	s := newSite(t, nil)
	honest := s.newBrowser(t)
	held := s.beginSignIn(t, honest)
	begun := s.get(t, s.newBrowser(t), "/link/start", nil)
	to, _ := begun.Location()
	state, kept := to.Query().Get("state"), withCookie(begun.Cookies()[0].Value)
	s.checkRefused(t, s.get(t, s.newBrowser(t), callbackPath(state, ""), kept), http.StatusForbidden, "Microsoft refused")
	for range 100 {
		s.checkRefused(t, s.get(t, s.newBrowser(t), callbackPath(state, "x"), kept), http.StatusForbidden, "not begun in this browser")
	}
	if a := s.get(t, honest, callbackPath(held, s.provider.consent(held)), nil); a.proof() == "" {
		t.Errorf("another browser cannot finish: %d\n%s", a.StatusCode, a.text)
	}
}

func TestAnIncompleteConfigIsRefused(t *testing.T) {
	s := newSite(t, nil)
	whole := web.Config{
		SignIn: web.SignIn{Begin: s.provider.begin, Finish: s.provider.finish}, Key: func() ([]byte, error) { return key, nil }, Command: "/scans link",
	}
	if _, err := web.NewHandler(whole); err != nil {
		t.Fatal(err)
	}
	for name, edit := range map[string]func(*web.Config){
		"begin": func(c *web.Config) { c.SignIn.Begin = nil }, "finish": func(c *web.Config) { c.SignIn.Finish = nil },
		"key": func(c *web.Config) { c.Key = nil }, "command": func(c *web.Config) { c.Command = "" },
	} {
		c := whole
		edit(&c)
		if _, err := web.NewHandler(c); err == nil {
			t.Errorf("a Config without %s is accepted", name)
		}
	}
}
