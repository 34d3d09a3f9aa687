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

// refusal is what Entra ID says in an error answer. The description is searched for a code and never
// shown: it is free text, and may repeat what was sent.
type refusal struct {
	OAuth       string `json:"error"`
	Description string `json:"error_description"`
	Codes       []int  `json:"error_codes"`
	Correlation string `json:"correlation_id"`
	Claims      string `json:"claims"` // what the next sign-in of the person must bring; ours alone cannot
}

// explainAnswer reads an answer that is not a success.
func explainAnswer(answer *http.Response) *Error {
	r, ok := readRefusal(answer.Body)
	problem := &Error{
		Code:   r.code(),
		OAuth:  registered(r.OAuth),
		Status: answer.StatusCode,
	}
	if untrusted.IsGUID(r.Correlation) {
		problem.Correlation = r.Correlation
	}
	if wait, ok := untrusted.RetryAfter(answer.Header, time.Now()); ok {
		problem.RetryAfter = wait.Round(time.Second)
	}
	problem.Temporary = passing(problem)
	problem.Hint = hint(problem, ok)
	if r.Claims != "" && advice[problem.Code] == "" && !problem.Temporary {
		problem.Hint = "a conditional access policy wants another step of the user: sign in again and take it"
	}
	if ok && !problem.Temporary {
		problem.Hint += clock(answer.Header)
	}
	return problem
}

// readRefusal reports whether the body is Entra ID's own form of an error.
func readRefusal(body io.Reader) (refusal, bool) {
	var r refusal
	data, err := io.ReadAll(io.LimitReader(body, 64<<10))
	if err != nil || json.Unmarshal(data, &r) != nil {
		return refusal{}, false
	}
	return r, r.OAuth != "" || r.code() != ""
}

// code returns the first code, in words AADSTS and at most nine digits.
func (r refusal) code() string {
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

func passing(e *Error) bool {
	switch e.Status {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return e.Code == "AADSTS90033" || e.OAuth == "temporarily_unavailable"
}

func hint(e *Error, readable bool) string {
	switch known, word := advice[e.Code], wordAdvice(e.OAuth); {
	case known != "":
		return known
	case word != "":
		return word
	case e.Status == http.StatusTooManyRequests:
		return "Entra ID is asked too often: wait, and look for other programs that sign in as this app"
	case e.Temporary:
		return "Entra ID, or a proxy before it, is failing at the moment: wait a minute and try again"
	case !readable:
		return notEntra
	case e.Code != "":
		return "look the code up at login.microsoftonline.com/error and mend the app registration"
	}
	return "check " + envTenant + ", " + envClient + " and the credential"
}

// registered returns word if it is one of the error words of OAuth, OpenID Connect or Entra ID, and ""
// for anything else an answer may hold.
func registered(word string) string {
	switch word {
	case "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type",
		"invalid_scope", "access_denied", "server_error", "temporarily_unavailable", "interaction_required",
		loginRequired, "consent_required", pending, declined, outdated, "slow_down", "bad_verification_code", "invalid_resource", "invalid_tenant", "invalid_instance":
		return word
	}
	return ""
}
