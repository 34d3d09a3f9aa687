package defender

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a password or community string. Every formatter, logger and encoder writes it as [redacted]. The zero value
// means that there is no secret.
type Secret struct {
	// A closure, because printers read unexported fields without calling methods, as fmt does for a Secret in an
	// unexported field or under %w. No printer reads a captured variable.
	reveal func() string
}

// NewSecret returns s as a Secret, which is empty if s is "".
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{reveal: func() string { return s }}
}

// Empty reports whether there is no secret.
func (s Secret) Empty() bool { return s.reveal == nil }

// Reveal calls use with the secret, or "", and returns its error. No other method gives access to the secret.
func (s Secret) Reveal(use func(string) error) error { return use(s.text()) }

// text returns the secret, or "" if there is none.
func (s Secret) text() string {
	if s.Empty() {
		return ""
	}
	return s.reveal()
}

// String returns [redacted].
func (s Secret) String() string { return redacted }

// GoString returns [redacted].
func (s Secret) GoString() string { return redacted }

// Format writes [redacted] for every verb, so that %x and %d do not show the secret.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue returns [redacted].
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns [redacted].
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns "[redacted]".
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
