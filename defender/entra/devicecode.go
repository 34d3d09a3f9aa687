package entra

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
)

// deviceCode has a person enter a code in a browser anywhere (RFC 8628).
func deviceCode(ctx context.Context, app *public.Client, scope, claims string, say func(string)) (public.AuthResult, *Error) {
	var options []public.AcquireByDeviceCodeOption
	if claims != "" {
		options = append(options, public.WithClaims(claims))
	}
	code, err := app.AcquireTokenByDeviceCode(ctx, []string{scope}, options...)
	if err != nil {
		return public.AuthResult{}, explain(err)
	}
	words, problem := instruction(code.Result)
	if problem != nil {
		return public.AuthResult{}, problem
	}
	say(words)
	for {
		result, problem := entered(ctx, code)
		if problem == nil || !problem.Temporary || !pause(ctx, max(problem.RetryAfter, 5*time.Second)) {
			return result, problem
		}
	}
}

// entered waits until the code has been entered. A passing fault ends MSAL's wait, and a new one can follow.
func entered(ctx context.Context, code public.DeviceCode) (public.AuthResult, *Error) {
	under, last := noting(ctx)
	result, err := code.AuthenticationResult(under)
	if err == nil {
		return result, nil
	}
	if !time.Now().Before(code.Result.ExpiresOn) || ctx.Err() != nil {
		return public.AuthResult{}, &Error{OAuth: outdated, Hint: wordAdvice(outdated)}
	}
	problem := explain(err)
	if seen := last.Load(); seen != nil && seen.Status == problem.Status {
		problem = seen
	}
	return public.AuthResult{}, problem
}

// instruction says what to do with a code. Both parts come from afar and go to people and models, so they
// must look like what they are.
func instruction(code public.DeviceCodeResult) (string, *Error) {
	odd := func(r rune) bool { return !('A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-') }
	user := strings.ToUpper(code.UserCode)
	if !plain(code.VerificationURL, 200) || len(user) < 4 || len(user) > 20 || strings.ContainsFunc(user, odd) {
		return "", &Error{Hint: "the answer was not a code to enter: check " + envAuthority + " and whether a proxy answers in Entra ID's place"}
	}
	return "open " + code.VerificationURL + " in a browser and enter the code " + user, nil
}

// plain reports an address of a web page over TLS, without a password in it, of printable ASCII and at most limit bytes.
func plain(address string, limit int) bool {
	u, err := url.Parse(address)
	odd := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"'`<>\\^{|}", r) }
	return err == nil && u.Scheme == "https" && u.Hostname() != "" && u.User == nil &&
		len(address) <= limit && !strings.ContainsFunc(address, odd)
}
