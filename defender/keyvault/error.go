package keyvault

import (
	"strings"
	"unicode"
)

// Error says why a secret cannot be had. It wraps nothing and quotes nothing: each word is written here, or is one
// of our token source, so that all of it may be shown.
type Error struct {
	Secret    string // "NAME in HOST"
	Reason    string // what is wrong
	Next      string // what to do
	Status    int    // of the HTTP answer; 0 when there was none
	Temporary bool   // the same read may succeed later
}

// Error is one plain sentence.
func (e *Error) Error() string {
	text := "Key Vault secret " + e.Secret + ": " + e.Reason
	if e.Next != "" {
		text += "; " + e.Next
	}
	return text
}

// permanentError is a problem that trying again does not mend.
type permanentError struct{ problem *Error }

// Error is the problem's.
func (f permanentError) Error() string { return f.problem.Error() }

// NonRetriable tells the SDK's retry policy so.
func (permanentError) NonRetriable() {}

// Unwrap gives the problem back.
func (f permanentError) Unwrap() error { return f.problem }

func newPermanentError(reason, next string) error { return permanentError{&Error{Reason: reason, Next: next}} }

// printable is a stranger's text, short and with nothing hidden.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
	return text[:min(len(text), 100)]
}
