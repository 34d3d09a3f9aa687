// Package untrusted reads and cleans values that another party wrote: texts and identifiers from a service's answer, and
// its Retry-After header.
//
// The invariant: a cleaned text is one line of printable characters within its limit, so that it can neither forge a
// log line nor reorder or hide what an approver reads. The package interprets nothing and keeps no secret out; a caller
// that sent a secret removes it first.
package untrusted

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// maxRetryAfter bounds what RetryAfter returns. A longer wait is a mistake of the sender.
const maxRetryAfter = 24 * time.Hour

// SanitizeText returns text as one line without control, bidirectional or invisible characters. White space becomes a
// space, any other such character U+FFFD. A text of more than limit characters is cut there and ends in "…".
func SanitizeText(text string, limit int) string {
	line, isCut := sanitize(text, limit)
	if isCut {
		line += "…"
	}
	return line
}

// SanitizeName returns a person's name cleaned like SanitizeText. It has no white space at its ends, and no mark where
// it was cut.
func SanitizeName(name string, limit int) string {
	line, _ := sanitize(name, limit)
	return strings.TrimSpace(line)
}

// sanitize returns the first limit characters of text, cleaned, and reports whether there were more.
func sanitize(text string, limit int) (line string, isCut bool) {
	var b strings.Builder
	n := 0
	for _, r := range text {
		if n++; n > limit {
			return b.String(), true
		}
		switch {
		case unicode.IsSpace(r):
			r = ' '
		case !unicode.IsPrint(r):
			r = unicode.ReplacementChar
		}
		b.WriteRune(r)
	}
	return b.String(), false
}

// RetryAfter returns how long the Retry-After header in h asks to wait from now, from 0 to 24 hours. It reads both forms
// of the header, seconds and a date (RFC 9110, section 10.2.3). ok is false if there is no header or it has neither form.
func RetryAfter(h http.Header, now time.Time) (wait time.Duration, ok bool) {
	value := strings.TrimSpace(h.Get("Retry-After"))
	seconds, err := strconv.ParseUint(value, 10, 31)
	if err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter), true
	}
	if errors.Is(err, strconv.ErrRange) {
		return maxRetryAfter, true
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(at.Sub(now), 0), maxRetryAfter), true
	}
	return 0, false
}

// IsGUID reports whether s has the form of a GUID: 32 hexadecimal digits in five groups, without braces.
func IsGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, r := range s {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (r == '-') || !dash && !strings.ContainsRune("0123456789abcdefABCDEF", r) {
			return false
		}
	}
	return true
}
