package tools

import (
	"fmt"
	"strings"
)

// quoteVisible returns text in quotation marks, so that it cannot be taken for anything around it. text has gone through
// escapeInvisible. Backslashes and quotation marks inside are escaped with a backslash, and characters that look like a
// quotation mark as in ⟨U+201D⟩. Different texts give different results, and nothing is cut.
func quoteVisible(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case strings.ContainsRune(quoteLookalikes, r):
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// quoteLookalikes holds the characters whose glyph is like that of a quotation mark: double ones of other scripts and
// the double prime.
const quoteLookalikes = "\u201c\u201d\u201e\u201f\u2033\u2036\u02ba\u02dd\u02ee\u02f6\u05f2\u05f4\u1cd3\u3003\u301d\u301e\u301f\uff02\U0001f676\U0001f677\U0001f678"
