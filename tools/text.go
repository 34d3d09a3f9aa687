package tools

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"scanwarden/tools/internal/confusable"
)

// escapeInvisible returns text in full, with every character that could hide or reorder its surroundings (controls,
// bidirectional marks, zero-width and blank ones) escaped as in ⟨U+202E⟩. Two or more spaces, which could fake a new
// line by wrapping, and those at either end are counted as in ⟨60 blanks⟩. It returns different texts for different
// texts, or a change from one to the other would not be seen.
func escapeInvisible(text string) string {
	if isPlainASCII(text) {
		return text
	}
	return escapeWith(text, blanksText)
}

// escapeForRule returns text as the rules of a policy see it: like escapeInvisible, but with its spaces, so that a rule
// can name a scan whose name has two in a row.
func escapeForRule(text string) string {
	return escapeWith(text, func(n int, _ bool) string { return strings.Repeat(" ", n) })
}

// escapeWith escapes what is invisible in text, and writes n spaces in a row, at one end or not, as blanks returns them.
func escapeWith(text string, blanks func(n int, atEnd bool) string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == ' ':
			size = len(text[i:]) - len(strings.TrimLeft(text[i:], " "))
			b.WriteString(blanks(size, i == 0 || i+size == len(text)))
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, "⟨0x%02X⟩", text[i])
		case isVisible(r) && r != '⟨' && !isForeignMark(text[:i], r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
		}
		i += size
	}
	return b.String()
}

// blanksText returns n spaces as they are shown.
func blanksText(n int, atEnd bool) string {
	if n == 1 && !atEnd {
		return " "
	}
	return "⟨" + plural(uint64(n), "blank", "blanks") + "⟩"
}

// isPlainASCII reports whether text needs no escaping. It is the fast path for nearly all text.
func isPlainASCII(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return !strings.Contains(text, "  ") && !strings.HasPrefix(text, " ") && !strings.HasSuffix(text, " ")
}

// isVisible reports whether r is visible and takes up space. unicode.IsPrint leaves out controls, format characters
// (bidirectional marks, zero-width joiners, tags) and every space but the ASCII one. It accepts characters that fonts
// draw as nothing: fillers, variation selectors, the blank Braille cell, the null notehead.
func isVisible(r rune) bool {
	return unicode.IsPrint(r) && !confusable.IsBlank(r) &&
		!unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// isForeignMark reports whether r is a combining mark of another script than the end of the text before it, where a
// font may draw it as nothing. Marks of no script of their own, such as accents, fit every letter.
func isForeignMark(before string, r rune) bool {
	if !unicode.Is(unicode.M, r) {
		return false
	}
	base, _ := utf8.DecodeLastRuneInString(before)
	script := confusable.Script(r)
	return script != "Inherited" && script != "Common" && script != confusable.Script(base)
}

// firstInvisible returns the code point of the first invisible character of text, and reports whether there is one.
func firstInvisible(text string) (string, bool) {
	for _, r := range text {
		if !isVisible(r) {
			return fmt.Sprintf("U+%04X", r), true
		}
	}
	return "", false
}

// truncate returns at most n characters of text, escaped. Use it only for text that is not sent anywhere.
func truncate(text string, n int) string {
	count := 0
	for i := range text {
		if count == n {
			return escapeInvisible(text[:i]) + "…"
		}
		count++
	}
	return escapeInvisible(text)
}

// quote returns a quoted name of at most 80 characters, escaped. A quotation mark inside cannot end it, nor can a
// character that looks like one.
func quote(text string) string {
	const maxLength = 80
	tail := ""
	if utf8.RuneCountInString(text) > maxLength {
		text, tail = string([]rune(text)[:maxLength]), "…"
	}
	return escapeQuoteLookalikes(escapeInvisible(strconv.Quote(text))) + tail
}

// joinLimited joins at most n items and counts the rest.
func joinLimited(items []string, n int) string {
	if len(items) <= n {
		return strings.Join(items, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(items[:n], ", "), len(items)-n)
}

func quoteAll(items []string) []string {
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = quote(item)
	}
	return out
}

// plural returns a count with its noun: "1 scan", "2 scans", "1,500 addresses".
func plural(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return groupDigits(n) + " " + many
}

// groupDigits returns n with its digits grouped by thousands.
func groupDigits(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// ageText returns how long before now the time at was, such as "2 hours ago". The zero time is "never".
func ageText(at, now time.Time) string {
	switch d := now.Sub(at); {
	case at.IsZero():
		return "never"
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return plural(uint64(d/time.Minute), "minute", "minutes") + " ago"
	case d < 48*time.Hour:
		return plural(uint64(d/time.Hour), "hour", "hours") + " ago"
	default:
		return plural(uint64(d/(24*time.Hour)), "day", "days") + " ago"
	}
}
