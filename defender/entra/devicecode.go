package entra

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
)

// signInWithDeviceCode signs a user in by a code to enter in a browser on any machine (RFC 8628).
func signInWithDeviceCode(ctx context.Context, app *public.Client, a *signInAttempt) (public.AuthResult, *Error) {
	var options []public.AcquireByDeviceCodeOption
	if a.claims != "" {
		options = append(options, public.WithClaims(a.claims))
	}
	code, err := app.AcquireTokenByDeviceCode(ctx, []string{a.scope}, options...)
	if err != nil {
		return public.AuthResult{}, translateError(err)
	}
	instruction, problem := codeInstruction(code.Result)
	if problem != nil {
		return public.AuthResult{}, problem
	}
	a.instruct(instruction)
	for {
		result, problem := pollEntered(ctx, code)
		if problem == nil || !problem.Temporary || !sleepContext(ctx, max(problem.RetryAfter, 5*time.Second)) {
			return result, problem
		}
	}
}

// pollEntered waits until the code has been entered. A temporary failure ends MSAL's wait; call pollEntered
// again after a pause.
func pollEntered(ctx context.Context, code public.DeviceCode) (public.AuthResult, *Error) {
	under, last := withLastError(ctx)
	result, err := code.AuthenticationResult(under)
	if err == nil {
		return result, nil
	}
	if !time.Now().Before(code.Result.ExpiresOn) || ctx.Err() != nil {
		return public.AuthResult{}, &Error{OAuth: oauthExpired, Hint: adviceForOAuth(oauthExpired)}
	}
	problem := translateError(err)
	if seen := last.Load(); seen != nil && seen.Status == problem.Status {
		problem = seen
	}
	return public.AuthResult{}, problem
}

// codeInstruction returns what the user must do with a code. The page and the code come from the network and
// are shown to users and models, so both must have the expected form.
func codeInstruction(code public.DeviceCodeResult) (string, *Error) {
	odd := func(r rune) bool { return !('A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-') }
	user := strings.ToUpper(code.UserCode)
	if !isPlainURL(code.VerificationURL, 200) || len(user) < 4 || len(user) > 20 || strings.ContainsFunc(user, odd) {
		return "", &Error{Hint: "the response was not a device code: check " + envAuthority + " and whether a proxy answers in Entra ID's place"}
	}
	return "open " + code.VerificationURL + " in a browser and enter the code " + user, nil
}

// isPlainURL reports whether address is an https URL of printable ASCII, without a password and at most limit
// bytes long.
func isPlainURL(address string, limit int) bool {
	u, err := url.Parse(address)
	odd := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"'`<>\\^{|}", r) }
	return err == nil && u.Scheme == "https" && u.Hostname() != "" && u.User == nil &&
		len(address) <= limit && !strings.ContainsFunc(address, odd)
}
