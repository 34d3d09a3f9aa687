package tools

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// shown returns text as a person may be shown it: whole, with every character that could hide or reorder
// what stands around it (controls, bidirectional marks, zero-width and blank ones) spelt out, as in ⟨U+202E⟩.
// Two different texts are never shown alike, or a change from one to the other would go unseen.
func shown(text string) string {
	if plain(text) {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD"):
			fmt.Fprintf(&b, "⟨0x%02X⟩", text[i])
		case visible(r) && r != '⟨':
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
		}
	}
	return b.String()
}

// plain is the short way round for nearly all text: printable ASCII.
func plain(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

// visible reports whether a person can see r and where it stands. unicode.IsPrint leaves out controls,
// format characters (bidirectional marks, zero-width joiners, tags) and every space but the ASCII one, yet
// lets some pass that fonts draw as nothing: Hangul fillers, variation selectors, the blank Braille cell.
func visible(r rune) bool {
	return unicode.IsPrint(r) && r != '\u2800' &&
		!unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// invisible returns the first character of text that a person could not see, by its code point.
func invisible(text string) (string, bool) {
	for _, r := range text {
		if !visible(r) {
			return fmt.Sprintf("U+%04X", r), true
		}
	}
	return "", false
}

// clipped is for text that is not sent anywhere: shown, at most n characters of it.
func clipped(text string, n int) string {
	count := 0
	for i := range text {
		if count == n {
			return shown(text[:i]) + "…"
		}
		count++
	}
	return shown(text)
}

// quoted is a bounded name in the middle of a sentence; a quotation mark inside cannot end it.
func quoted(text string) string {
	const most = 80
	tail := ""
	if utf8.RuneCountInString(text) > most {
		text, tail = string([]rune(text)[:most]), "…"
	}
	return shown(strconv.Quote(text)) + tail
}

// listed joins at most n items and counts the rest.
func listed(items []string, n int) string {
	if len(items) <= n {
		return strings.Join(items, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(items[:n], ", "), len(items)-n)
}

func quotedAll(items []string) []string {
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = quoted(item)
	}
	return out
}

// counted is "1 scan", "2 scans", "1,500 addresses".
func counted(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

// number groups digits by thousands.
func number(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// age says in words how long ago at was; the zero time is "never".
func age(at, now time.Time) string {
	switch d := now.Sub(at); {
	case at.IsZero():
		return "never"
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return counted(uint64(d/time.Minute), "minute", "minutes") + " ago"
	case d < 48*time.Hour:
		return counted(uint64(d/time.Hour), "hour", "hours") + " ago"
	default:
		return counted(uint64(d/(24*time.Hour)), "day", "days") + " ago"
	}
}
