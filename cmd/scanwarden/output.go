package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"

	"scanwarden/cmd/scanwarden/internal/terminal"
)

// newPrinter returns a printer on stdout.
func newPrinter(e environment) *terminal.Printer { return terminal.NewPrinter(e.stdout, e.env) }

// writeJSON prints a value for programs, indented so that people can read it too. Characters that a terminal could
// interpret are escaped; encoding/json escapes only some of them.
func writeJSON(out io.Writer, value any) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return err
	}
	_, err := out.Write(escapeControls(text.Bytes()))
	return err
}

// escapeControls returns JSON with every control and format character as \uXXXX. They occur only within strings, and a
// parser reads the same text.
func escapeControls(text []byte) []byte {
	var b bytes.Buffer
	for _, r := range string(text) {
		switch {
		case r == '\n' || !unicode.In(r, unicode.Cc, unicode.Cf):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}
