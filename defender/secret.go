package defender

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a password or community string that shows itself as [redacted] under every formatter, logger and
// encoder. The zero value is no secret.
type Secret struct {
	// A closure, because printers walk into unexported fields (and so past our methods, as fmt does for a
	// Secret inside somebody's unexported field, or under %w), but nothing walks into a captured variable.
	reveal func() string
}

// NewSecret keeps s as a secret.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{reveal: func() string { return s }}
}

// Empty reports whether there is no secret.
func (s Secret) Empty() bool { return s.reveal == nil }

// Reveal hands the secret to use and returns what use returns. It is the only way out.
func (s Secret) Reveal(use func(string) error) error { return use(s.text()) }

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

// Format writes [redacted] whatever the verb, so that %x and %d do not spell the secret out.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue returns [redacted].
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns [redacted].
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns "[redacted]".
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
