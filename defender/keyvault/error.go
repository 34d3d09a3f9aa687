package keyvault

// Error is why a secret cannot be read. It wraps nothing and quotes nothing of the secret, so all of it may be shown.
// Its words come from this package and the token source; a tenant or resource that a vault names is sanitized first.
type Error struct {
	Secret    string // "NAME in HOST"
	Reason    string // what is wrong
	Next      string // what to do
	Status    int    // HTTP status; 0 if there was no response
	Temporary bool   // the same read may succeed later
}

// Error returns one plain sentence.
func (e *Error) Error() string {
	text := "Key Vault secret " + e.Secret + ": " + e.Reason
	if e.Next != "" {
		text += "; " + e.Next
	}
	return text
}

// permanentError wraps a problem that a retry does not solve.
type permanentError struct{ problem *Error }

// Error returns the text of the problem.
func (f permanentError) Error() string { return f.problem.Error() }

// NonRetriable makes the SDK's retry policy give up at once.
func (permanentError) NonRetriable() {}

// Unwrap returns the problem.
func (f permanentError) Unwrap() error { return f.problem }

func newPermanentError(reason, next string) error {
	return permanentError{&Error{Reason: reason, Next: next}}
}
