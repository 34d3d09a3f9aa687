package entratest

import (
	"fmt"
	"net/http"
	"time"
)

// refusal is an error answer in Entra ID's form.
type refusal struct {
	status   int
	word     string // OAuth 2.0 error
	code     int    // AADSTS code
	text     string
	subError string // suberror
	claims   string // that a new sign-in must satisfy
}

func (r *refusal) Error() string { return fmt.Sprintf("AADSTS%d: %s", r.code, r.text) }

func newRefusal(status int, word string, code int, text string) *refusal {
	return &refusal{status: status, word: word, code: code, text: text}
}

// missingParameter returns the refusal of a request without this parameter.
func missingParameter(parameter string) *refusal {
	return newRefusal(http.StatusBadRequest, "invalid_request", 900144, "The request body must contain the following parameter: '"+parameter+"'.")
}

// jsonBody returns the answer's body, as the page on the client credentials grant prints it. The correlation id
// is the caller's.
func (r *refusal) jsonBody(now time.Time, trace, correlation string) object {
	stamp := now.UTC().Format("2006-01-02 15:04:05Z")
	b := object{
		"error": r.word,
		"error_description": fmt.Sprintf("%s Trace ID: %s Correlation ID: %s Timestamp: %s",
			r.Error(), trace, correlation, stamp),
		"error_codes":    []int{r.code},
		"timestamp":      stamp,
		"trace_id":       trace,
		"correlation_id": correlation,
		"error_uri":      fmt.Sprintf("https://login.microsoftonline.com/error?code=%d", r.code),
	}
	if r.subError != "" {
		b["suberror"] = r.subError
	}
	if r.claims != "" {
		b["claims"] = r.claims
	}
	return b
}
