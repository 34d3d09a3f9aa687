package tools

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// escapeInvisible returns text as a person may be shown it: whole, with every character that could hide or reorder
// what stands around it (controls, bidirectional marks, zero-width and blank ones) spelt out, as in ⟨U+202E⟩.
// Two different texts are never shown alike, or a change from one to the other would go unseen.
func escapeInvisible(text string) string {
	if isPrintableASCII(text) {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD"):
			fmt.Fprintf(&b, "⟨0x%02X⟩", text[i])
		case isVisible(r) && r != '⟨':
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
		}
	}
	return b.String()
}

// isPrintableASCII is the short way round for nearly all text: printable ASCII.
func isPrintableASCII(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

// isVisible reports whether a person can see r and where it stands. unicode.IsPrint leaves out controls,
// format characters (bidirectional marks, zero-width joiners, tags) and every space but the ASCII one, yet
// lets some pass that fonts draw as nothing: Hangul fillers, variation selectors, the blank Braille cell.
func isVisible(r rune) bool {
	return unicode.IsPrint(r) && r != '\u2800' &&
		!unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// firstInvisible returns the first character of text that a person could not see, by its code point.
func firstInvisible(text string) (string, bool) {
	for _, r := range text {
		if !isVisible(r) {
			return fmt.Sprintf("U+%04X", r), true
		}
	}
	return "", false
}

// truncate is for text that is not sent anywhere: shown, at most n characters of it.
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

// quote is a bounded name in the middle of a sentence; a quotation mark inside cannot end it.
func quote(text string) string {
	const most = 80
	tail := ""
	if utf8.RuneCountInString(text) > most {
		text, tail = string([]rune(text)[:most]), "…"
	}
	return escapeInvisible(strconv.Quote(text)) + tail
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

// plural is "1 scan", "2 scans", "1,500 addresses".
func plural(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return groupDigits(n) + " " + many
}

// groupDigits groups digits by thousands.
func groupDigits(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// ageText says in words how long ago at was; the zero time is "never".
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
