package server

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"maps"
	"net/http"
	"strings"
	"time"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/confirm"
	confirmweb "scanwarden/confirm/web"
	"scanwarden/tools"
)

// servePages returns the handler of the pages of changes for a server that allows these Host headers and accepts these
// tokens, and sets how people reach them. The caller must call stop at the end.
func (b *Builder) servePages(allowed []string, tokens TokenHashes, back func() *lazyBackend) (pages http.Handler, stop func(), err error) {
	public, err := b.cfg.PublicOrigin()
	if err != nil {
		return nil, nil, err
	}
	hosts, secure := allowed, public != nil && public.Scheme == "https"
	if public != nil {
		hosts = []string{public.Host}
	}
	signIn, err := b.signInConfig(tokens)
	if err != nil {
		return nil, nil, err
	}
	signIn.Hosts, signIn.Secure, signIn.Ended = hosts, secure, endedSessions(back)
	mux, err := newPageMux(signIn, confirmweb.ChangesConfig{
		Gate: func(ctx context.Context) (*confirm.Gate, error) { return back().gate(ctx) },
		Timeline: func(ctx context.Context, c confirm.Change) ([]confirmweb.Event, error) {
			return readTimeline(ctx, back(), c)
		},
		Typed:  confirmweb.TypedCredentials{Parts: tools.TypedParts, Hold: b.typed.Hold},
		Tenant: signIn.Tenant, Hosts: hosts, Secure: secure, Key: b.serverKey, Log: b.log,
	})
	if err != nil {
		return nil, nil, err
	}
	pages, stop = b.withCanonicalHost(allowed, withHost(hosts[0], public != nil, mux)), func() {}
	switch {
	case b.PageUser != "":
		local, access := b.newLocalPages(b.PageUser, back)
		b.pages, stop = access, local.Close
	case signIn.Entra.Begin != nil || signIn.Token != nil:
		b.pages.problem = func() string { return "" }
		if b.cfg.FallbackChannels() != nil {
			b.pages.fallback = []confirm.Channel{confirm.WebPage}
		}
		if secure {
			b.pages.url = func(change string) string {
				return public.Scheme + "://" + public.Host + config.ChangesPath + "/" + change
			}
		}
	}
	if signIn.Entra.Begin != nil {
		b.pages.contextPage = b.cfg.ChangePage
	}
	return pages, stop, nil
}

// signInConfig returns the ways to sign in that the configuration allows, maybe none.
func (b *Builder) signInConfig(tokens TokenHashes) (cfg confirmweb.SignInConfig, err error) {
	cfg = confirmweb.SignInConfig{Key: b.serverKey, Log: b.log}
	tokens = withoutAgents(tokens, b.cfg.ConfirmPolicy().Agents)
	cfg.Tenant, _ = b.cfg.TargetName() // without one, every call is refused before a page is needed
	// A token that was replaced or removed, and a way to sign in that was turned off, end their sessions.
	cfg.Holds = func(who confirmweb.SignedIn) bool {
		if strings.HasPrefix(string(who.Principal), "token:") {
			return who.Token != "" && who.Token == tokenStamp(tokens, who.Principal)
		}
		return b.cfg.EntraSignsIn()
	}
	if b.cfg.EntraSignsIn() {
		if cfg.Entra, err = b.newWebSignIn(config.SignInPath + "/callback"); err != nil {
			return cfg, err
		}
	}
	if len(tokens) > 0 {
		cfg.Token = func(token string) (confirmweb.SignedIn, bool) { return signInByToken(tokens, token) }
	}
	return cfg, nil
}

// withoutAgents returns the tokens that people hold. An agent never signs in to the pages.
func withoutAgents(tokens TokenHashes, agents []confirm.Principal) TokenHashes {
	held := maps.Clone(tokens)
	for _, agent := range agents {
		delete(held, agent)
	}
	return held
}

// newPageMux returns the handler of the sign-in and of the changes behind it.
func newPageMux(signIn confirmweb.SignInConfig, changes confirmweb.ChangesConfig) (http.Handler, error) {
	entrance, err := confirmweb.NewSignInPages(signIn)
	if err != nil {
		return nil, err
	}
	changes.Authenticate = entrance.Authenticate
	pages, err := confirmweb.NewChangesHandler(changes)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle(config.ChangesPath, pages)
	mux.Handle(config.ChangesPath+"/", pages)
	mux.Handle("/", entrance)
	return mux, nil
}

// signInByToken returns the person whose bearer token this is. It compares with all hashes, so that the duration reveals
// nothing.
func signInByToken(tokens TokenHashes, token string) (confirmweb.SignedIn, bool) {
	hash, who := sha256.Sum256([]byte(strings.TrimSpace(token))), confirmweb.SignedIn{}
	for principal, want := range tokens {
		if subtle.ConstantTimeCompare(hash[:], want[:]) == 1 {
			who = confirmweb.SignedIn{Principal: principal, Name: strings.TrimPrefix(string(principal), "token:"), Token: tokenStamp(tokens, principal)}
		}
	}
	return who, who.Principal != ""
}

// tokenStamp identifies a principal's token of today in a session, so that the session ends when the token is replaced or
// removed. It returns "" for a principal that has none.
func tokenStamp(tokens TokenHashes, principal confirm.Principal) string {
	hash, ok := tokens[principal]
	if !ok {
		return ""
	}
	stamp := sha256.Sum256(hash[:])
	return base64.RawURLEncoding.EncodeToString(stamp[:9])
}

// endedSessions returns the sign-outs that the ledger keeps for all replicas. Without a ledger no page shows or decides
// anything, so that nothing has to be kept.
func endedSessions(back func() *lazyBackend) confirmweb.EndedSessions {
	return confirmweb.EndedSessions{
		Record: func(ctx context.Context, id string, now, until time.Time) error {
			if _, err := back().get(ctx); err != nil {
				return nil
			}
			return back().components.store.EndSession(ctx, id, now, until)
		},
		Has: func(ctx context.Context, id string) (bool, error) {
			if _, err := back().get(ctx); err != nil {
				return false, nil
			}
			return back().components.store.HasSessionEnded(ctx, id)
		},
	}
}

// readTimeline returns the entries of the audit log about a change.
func readTimeline(ctx context.Context, back *lazyBackend, c confirm.Change) ([]confirmweb.Event, error) {
	if _, err := back.get(ctx); err != nil {
		return nil, err
	}
	entries, err := back.components.store.ChangeLog(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	return timelineOf(entries, c), nil
}

// withHost returns a handler that sees host in place of another allowed Host header, if replace is set: a proxy on this
// machine may send its own, and the browser names the public one in Origin.
func withHost(host string, replace bool, pages http.Handler) http.Handler {
	if !replace {
		return pages
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.Host = host
		pages.ServeHTTP(w, r)
	})
}
