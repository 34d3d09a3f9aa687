package entra

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
)

// signInWithDeviceCode has a person enter a code in a browser anywhere (RFC 8628).
func signInWithDeviceCode(ctx context.Context, app *public.Client, scope, claims string, instruct func(string)) (public.AuthResult, *Error) {
	var options []public.AcquireByDeviceCodeOption
	if claims != "" {
		options = append(options, public.WithClaims(claims))
	}
	code, err := app.AcquireTokenByDeviceCode(ctx, []string{scope}, options...)
	if err != nil {
		return public.AuthResult{}, translateError(err)
	}
	instruction, problem := codeInstruction(code.Result)
	if problem != nil {
		return public.AuthResult{}, problem
	}
	instruct(instruction)
	for {
		result, problem := pollEntered(ctx, code)
		if problem == nil || !problem.Temporary || !sleepContext(ctx, max(problem.RetryAfter, 5*time.Second)) {
			return result, problem
		}
	}
}

// pollEntered waits until the code has been entered. A passing fault ends MSAL's wait, and a new one can follow.
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

// codeInstruction says what to do with a code. Both parts come from afar and go to people and models, so they
// must look like what they are.
func codeInstruction(code public.DeviceCodeResult) (string, *Error) {
	odd := func(r rune) bool { return !('A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-') }
	user := strings.ToUpper(code.UserCode)
	if !isPlainURL(code.VerificationURL, 200) || len(user) < 4 || len(user) > 20 || strings.ContainsFunc(user, odd) {
		return "", &Error{Hint: "the answer was not a code to enter: check " + envAuthority + " and whether a proxy answers in Entra ID's place"}
	}
	return "open " + code.VerificationURL + " in a browser and enter the code " + user, nil
}

// isPlainURL reports an address of a web page over TLS, without a password in it, of printable ASCII and at most limit bytes.
func isPlainURL(address string, limit int) bool {
	u, err := url.Parse(address)
	odd := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"'`<>\\^{|}", r) }
	return err == nil && u.Scheme == "https" && u.Hostname() != "" && u.User == nil &&
		len(address) <= limit && !strings.ContainsFunc(address, odd)
}
