package defender

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"sync"
	"time"
)

// reMissingRoles matches an error that names the permission to grant, as public clients report it.
var reMissingRoles = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`API required roles: ([\w.]+(?:, ?[\w.]+)*), application roles:`)
})

// adviceChallenge is the advice after a claims challenge that a new token did not satisfy.
const adviceChallenge = "Entra ID asks for another sign-in: sign in again; for an application, have an administrator look in " +
	"Entra's sign-in log which policy or revocation requires it"

// adviceFor returns the sentence for Error.Next: what to do about e, the error of r.
func adviceFor(r request, e *Error) string {
	switch {
	case errors.Is(e.Kind, ErrUncertain):
		return "do not send it again: list the scans first and check whether it took effect"
	case errors.Is(e.Kind, ErrNotSent):
		return "nothing was changed; check the network, proxy and Defender URL, then try again"
	case errors.Is(e.Kind, ErrLicense):
		return "assign a Defender Vulnerability Management license to the tenant, or have it activated; signing in again does not help"
	case errors.Is(e.Kind, ErrSignIn):
		return "check the tenant, the application and the token scope: the commercial cloud's is https://api.securitycenter.microsoft.com/.default, whatever the host"
	case errors.Is(e.Kind, ErrForbidden):
		return adviceForbidden(r, e)
	case errors.Is(e.Kind, ErrNotFound):
		return "list the scans again, it may have been deleted; if lists fail too, check the cloud and region of the Defender URL"
	case errors.Is(e.Kind, ErrThrottled):
		return fmt.Sprintf("try again in %s; Defender allows 100 calls a minute and 1,500 an hour", e.RetryAfter.Round(time.Second))
	case errors.Is(e.Kind, ErrInvalid):
		return adviceInvalid(e)
	case errors.Is(e.Kind, ErrServer):
		return "try again in a few minutes; if it lasts, quote the request id to Microsoft"
	case e.Status == 0:
		return "check the network, proxy and Defender URL, then try again"
	case e.Status >= 300 && e.Status < 400:
		return "check the Defender URL: redirects are not followed, so that the token is sent to no other host"
	}
	return "check the Defender URL: the response may be from a proxy or a sign-in page instead of Defender"
}

// adviceForbidden returns the advice for a 403, with the permission to grant.
func adviceForbidden(r request, e *Error) string {
	if e.Code == "DisabledFeature" {
		return "turn the feature on in the tenant's Defender settings, or ask an administrator to do so"
	}
	role := "Machine.Read.All"
	if r.write {
		role = "Machine.ReadWrite.All"
	}
	if found := reMissingRoles().FindStringSubmatch(e.Message); found != nil {
		role = found[1]
	}
	return "grant " + role + " of the API named WindowsDefenderATP to the app registration in Entra, with admin consent; " +
		"a signed-in user also needs the Defender permission to manage security settings"
}

// adviceInvalid returns the advice for any other status from 400 to 499.
func adviceInvalid(e *Error) string {
	switch {
	case e.Code == "MaximumBatchSizeExceeded":
		return "name fewer ids at once"
	case e.Status == http.StatusBadRequest && e.Message == msgWithheld:
		return "check every field of the scan and the type of its credential"
	case e.Status == http.StatusBadRequest:
		return "correct the field that the message names"
	case e.Status == http.StatusConflict:
		return "list the scans again, another change may be in progress"
	}
	return "check the cloud and region of the Defender URL, and that no proxy rewrites requests"
}
