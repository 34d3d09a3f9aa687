package entra

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"scanwarden/defender/internal/untrusted"
)

// errorResponse is the body of an error response. The description is searched for a code and never shown: it is
// free text and may repeat what was sent.
type errorResponse struct {
	OAuth       string `json:"error"`
	Description string `json:"error_description"`
	Codes       []int  `json:"error_codes"`
	Correlation string `json:"correlation_id"`
	Claims      string `json:"claims"` // what the user's next sign-in must satisfy; the app cannot satisfy it alone
}

// responseError returns the Error for a response that is not a success.
func responseError(answer *http.Response) *Error {
	r, ok := readErrorResponse(answer.Body)
	problem := &Error{
		Code:   r.errorCode(),
		OAuth:  knownErrorWord(r.OAuth),
		Status: answer.StatusCode,
	}
	if untrusted.IsGUID(r.Correlation) {
		problem.Correlation = r.Correlation
	}
	if wait, ok := untrusted.RetryAfter(answer.Header, time.Now()); ok {
		problem.RetryAfter = wait.Round(time.Second)
	}
	problem.Temporary = isTransient(problem)
	problem.Hint = hintFor(problem, ok)
	if r.Claims != "" && adviceByCode[problem.Code] == "" && !problem.Temporary {
		problem.Hint = "a conditional access policy requires another step from the user: sign in again and complete it"
	}
	if ok && !problem.Temporary {
		problem.Hint += skewHint(answer.Header)
	}
	return problem
}

// readErrorResponse returns the decoded body, and whether it has Entra ID's form of an error.
func readErrorResponse(body io.Reader) (errorResponse, bool) {
	var r errorResponse
	data, err := io.ReadAll(io.LimitReader(body, 64<<10))
	if err != nil || json.Unmarshal(data, &r) != nil {
		return errorResponse{}, false
	}
	return r, r.OAuth != "" || r.errorCode() != ""
}

// errorCode returns the first code as AADSTS and at most nine digits, or "".
func (r errorResponse) errorCode() string {
	if len(r.Codes) > 0 && 0 < r.Codes[0] && r.Codes[0] < 1e9 {
		return "AADSTS" + strconv.Itoa(r.Codes[0])
	}
	_, digits, _ := strings.Cut(r.Description, "AADSTS")
	end := 0
	for end < len(digits) && '0' <= digits[end] && digits[end] <= '9' {
		end++
	}
	if end == 0 || end > 9 {
		return ""
	}
	return "AADSTS" + digits[:end]
}

// isTransient reports whether the same request may succeed later.
func isTransient(e *Error) bool {
	switch e.Status {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return e.Code == "AADSTS90033" || e.OAuth == "temporarily_unavailable"
}

// hintFor returns what to do about e. readable reports whether the body had Entra ID's form.
func hintFor(e *Error, readable bool) string {
	switch known, word := adviceByCode[e.Code], adviceForOAuth(e.OAuth); {
	case known != "":
		return known
	case word != "":
		return word
	case e.Status == http.StatusTooManyRequests:
		return "Entra ID is throttling this app's sign-ins: wait, and look for other programs that sign in as this app"
	case e.Temporary:
		return "Entra ID, or a proxy in front of it, is failing temporarily: wait a minute and try again"
	case !readable:
		return hintNotEntra
	case e.Code != "":
		return "look the code up at login.microsoftonline.com/error and correct the app registration"
	}
	return "check " + envTenant + ", " + envClient + " and the credential"
}

// knownErrorWord returns word if OAuth, OpenID Connect or Entra ID defines it as an error, and "" for any other
// text.
func knownErrorWord(word string) string {
	switch word {
	case "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type",
		"invalid_scope", "access_denied", "server_error", "temporarily_unavailable", "interaction_required",
		oauthLoginRequired, "consent_required", oauthPending, oauthDeclined, oauthExpired, "slow_down", "bad_verification_code", "invalid_resource", "invalid_tenant", "invalid_instance":
		return word
	}
	return ""
}
