package entra

import (
	"cmp"
	"context"
	"io"
	"sync"
	"time"

	system "github.com/pkg/browser"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
)

const (
	openTimeout   = 2 * time.Second // for the browser to report a failure
	maxAddressLen = 8 << 10         // bytes of the sign-in address; claims can make it long
)

// browserFlow signs a user in with a browser on this machine, by the authorization code flow with PKCE. MSAL
// listens on an ephemeral port of http://localhost for the browser's return (RFC 8252).
type browserFlow struct {
	open func(address string) error
}

func (b browserFlow) signIn(ctx context.Context, app *public.Client, a *signInAttempt) (public.AuthResult, *Error) {
	opened := false
	options := []public.AcquireInteractiveOption{public.WithOpenURL(func(address string) error {
		opened = true
		return b.showAddress(ctx, address, a.instruct)
	})}
	if a.claims != "" {
		options = append(options, public.WithClaims(a.claims))
	}
	result, err := app.AcquireTokenInteractive(ctx, []string{a.scope}, options...)
	switch {
	case err == nil:
		return result, nil
	case opened:
		return public.AuthResult{}, translateBrowserError(ctx, err)
	}
	return public.AuthResult{}, translateError(err)
}

// showAddress opens the address, or instructs the user to open it.
func (b browserFlow) showAddress(ctx context.Context, address string, instruct func(string)) error {
	if !isPlainURL(address, maxAddressLen) {
		return &Error{Hint: "the sign-in address is not an https address: check " + envAuthority + " and whether a proxy answers in Entra ID's place"}
	}
	failed := make(chan error, 1)
	// Some browsers end only when the user closes them, and this goroutine with them. Nothing waits for it.
	go func() { failed <- b.open(address) }()
	timer := time.NewTimer(openTimeout)
	defer timer.Stop()
	select {
	case err := <-failed:
		if err != nil {
			instruct("sign in at " + address + " in a browser on this machine")
			return nil
		}
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	instruct("finish the sign-in in the browser window that was opened")
	return nil
}

// translateBrowserError explains what the browser returned instead of a code. MSAL passes on only the text, so
// the AADSTS code is searched for in it.
func translateBrowserError(ctx context.Context, err error) *Error {
	if problem := cmp.Or(signInTimeoutError(ctx, err), translateKnown(err)); problem != nil {
		return problem
	}
	problem := &Error{OAuth: "access_denied", Code: errorResponse{Description: err.Error()}.errorCode()}
	problem.Hint = hintFor(problem, true)
	return problem
}

// silenceBrowser keeps the browser's output off standard output, which an MCP client reads.
var silenceBrowser = sync.OnceFunc(func() { system.Stdout, system.Stderr = io.Discard, io.Discard })

// openBrowser opens address in the system's browser.
func openBrowser(address string) error {
	silenceBrowser()
	return system.OpenURL(address)
}
