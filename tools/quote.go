package tools

import (
	"fmt"
	"strings"
)

// QuoteVisible returns text in quotation marks, so that it cannot be taken for anything around it. text has gone through
// escapeInvisible. Backslashes and quotation marks inside are escaped with a backslash, and characters that look like a
// quotation mark as in ⟨U+201D⟩. Different texts give different results, and nothing is cut.
func QuoteVisible(text string) string {
	return `"` + escapeQuoteLookalikes(quoteEscaper.Replace(text)) + `"`
}

var quoteEscaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// quoteLookalikes holds the characters whose glyph is like that of a quotation mark: double ones of other scripts and
// the double prime.
const quoteLookalikes = "\u201c\u201d\u201e\u201f\u2033\u2036\u02ba\u02dd\u02ee\u02f6\u05f2\u05f4\u1cd3\u3003\u301d\u301e\u301f\uff02\U0001f676\U0001f677\U0001f678"

// escapeQuoteLookalikes escapes quoteLookalikes in text as in ⟨U+201D⟩.
func escapeQuoteLookalikes(text string) string {
	if !strings.ContainsAny(text, quoteLookalikes) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if strings.ContainsRune(quoteLookalikes, r) {
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// quoteTarget returns a target in quotation marks. A line may end after each comma, so a blank after a comma that is part
// of the target is shown as ⟨1 blank⟩.
func quoteTarget(text string) string {
	text = strings.ReplaceAll(QuoteVisible(text), ", ", ",⟨1 blank⟩")
	return strings.ReplaceAll(text, ",", ","+breakHint)
}
