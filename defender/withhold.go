package defender

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"

	"scanwarden/defender/internal/untrusted"
)

// After a request with a credential, nothing that the service wrote is passed on unless it cannot contain the credential.
// The service could repeat a secret in any encoding, and no filter knows all of them. What remains is the status, a
// documented code, a request id, and the values of a scan that are equal to those that were sent.

const (
	msgWithheld   = "Defender's own message is withheld, because it could repeat the credential that was sent"
	valueWithheld = "[withheld]"
)

// documentedCodes are the codes of Microsoft's page on common errors, and one that public clients handle.
var documentedCodes = []string{
	"BadRequest", "ODataError", "InvalidInput", "InvalidRequestBody", "InvalidHashValue", "InvalidDomainName",
	"InvalidIpAddress", "InvalidUrl", "MaximumBatchSizeExceeded", "MissingRequiredParameter", "OsPlatformNotSupported",
	"ClientVersionNotSupported", "Unauthorized", "Forbidden", "DisabledFeature", "DisallowedOperation", "NotFound",
	"ResourceNotFound", "TooManyRequests", "InternalServerError", "ActiveRequestAlreadyExists",
}

// code returns error.code in a form that may be shown. After a request with a credential, that is a documented one or "".
func (resp response) code(text string) string {
	if resp.hadCredential && !slices.Contains(documentedCodes, text) {
		return ""
	}
	return resp.sanitize(text, maxName)
}

// message returns error.message in a form that may be shown. After a request with a credential, that is msgWithheld, or
// "" if there is none.
func (resp response) message(text string) string {
	if resp.hadCredential && text != "" {
		return msgWithheld
	}
	return resp.sanitize(text, maxMessage)
}

// requestID returns error.target in a form that may be shown. After a request with a credential, that is a GUID or "".
func (resp response) requestID(text string) string {
	if resp.hadCredential && !untrusted.IsGUID(text) {
		return ""
	}
	return resp.sanitize(text, maxName)
}

// withoutEcho returns the error of a transport that may have read a part of the response. It keeps those whose texts
// come from this side: net/http quotes a malformed response and the last words of a connection.
func withoutEcho(cause error) error {
	if _, ok := errors.AsType[net.Error](cause); ok {
		return cause
	}
	switch cause {
	case nil, errTooLarge, errAbandoned, io.EOF, io.ErrUnexpectedEOF, context.Canceled, context.DeadlineExceeded:
		return cause
	}
	return errors.New("the connection or the response is broken")
}

// reScanID matches ids in the form of the pages' examples, which are GUIDs with small deviations.
var reScanID = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[0-9A-Za-z]{8,10}(-[0-9A-Za-z]{4}){3}-[0-9A-Za-z]{12}$`)
})

// confirmed returns the definition in the response to r with the values that are equal to those that were sent. Any
// other text becomes [withheld], and what an add or an update does not send is left out. ok is false if the id has not
// the form of one.
func (r request) confirmed(d Definition) (out Definition, ok bool) {
	var sent Definition
	if json.Unmarshal(r.body, &sent) != nil {
		return Definition{}, false
	}
	out = Definition{
		ID: d.ID, IsActive: d.IsActive,
		ScanType: confirmedText(d.ScanType, sent.ScanType), ScanName: confirmedText(d.ScanName, sent.ScanName),
		Target: confirmedText(d.Target, sent.Target), TargetType: confirmedText(d.TargetType, sent.TargetType),
		ScannerAgent: Scanner{MachineID: confirmedText(d.ScannerAgent.MachineID, sent.ScannerAgent.MachineID)},
	}
	const maxInterval = 999 // of three digits, in which no secret fits
	if n := d.IntervalInHours; n != nil && *n >= 0 && *n <= maxInterval {
		out.IntervalInHours = n
	}
	return out, reScanID().MatchString(d.ID) && redactSecrets(d.ID, r.secrets) == d.ID
}

// confirmedText returns the text that was sent if the service returned it, with blanks and letter case aside. It returns
// "" for none.
func confirmedText(got, sent string) string {
	normal := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, " ", "")) }
	switch {
	case got == "":
		return ""
	case normal(got) == normal(sent):
		return sent
	default:
		return valueWithheld
	}
}
