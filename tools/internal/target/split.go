package target

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode"
)

// splitList returns the entries of a list as people paste it from a document, a table or a mail: separated by commas,
// semicolons, white space or lines, with bullets, numbers, quotation marks and typographic dashes. An entry that could
// be meant in two ways is an *Error. Only Parse uses it: what Defender stores is read as it is.
func splitList(text string) ([]string, error) {
	var entries []string
	lines, dashes := 0, 0
	for line := range strings.FieldsFuncSeq(text, isLineBreak) {
		line, bulleted := trimBullet(line)
		if line == "" {
			continue
		}
		if lines++; bulleted {
			dashes++
		}
		segments := splitSegments(line)
		for i, segment := range segments {
			if strings.TrimFunc(segment, isBlank) == "" && 0 < i && i < len(segments)-1 {
				return nil, &Error{Problem: "has an empty entry", Next: `separate entries by single commas, as in "192.0.2.10,192.0.2.11"`}
			}
			words := cleanWords(segment)
			if bulleted && slices.Contains(words, "-") {
				return nil, ambiguousDash(line)
			}
			words = joinRanges(words)
			if err := checkWords(words); err != nil {
				return nil, err
			}
			entries = append(entries, words...)
		}
	}
	switch {
	case len(entries) == 0:
		return nil, &Error{Problem: "is empty", Next: `write it like "192.0.2.10,192.0.2.11"`}
	case dashes > 0 && dashes < lines: // a range could be wrapped here
		return nil, ambiguousDash("-")
	}
	return entries, nil
}

func ambiguousDash(entry string) *Error {
	return &Error{strings.TrimSpace(entry), "has a dash that could be a bullet or belong to a range",
		"separate entries by commas, and write ranges without blanks, as in 192.0.2.10-192.0.2.20"}
}

func isLineBreak(r rune) bool { return strings.ContainsRune("\n\r\v\f\u0085\u2028\u2029", r) }

func isSeparator(r rune) bool { return strings.ContainsRune(",;，；、", r) }

// splitSegments returns the parts of a line between separators. The first and the last part may be empty, where a list goes
// over several lines.
func splitSegments(line string) []string {
	return strings.Split(strings.Map(func(r rune) rune {
		if isSeparator(r) {
			return ','
		}
		return r
	}, line), ",")
}

// bulletRunes are the signs that start an entry of a list in documents. U+F0B7 is the one of Word.
const bulletRunes = "•‣◦⁃∙·▪▫■□●○➢➤✓✔\uf0b7\uf0a7"

// trimBullet returns a line without the dash, asterisk or number that starts an entry of a list, and reports whether it
// was a dash.
func trimBullet(line string) (rest string, dash bool) {
	line = strings.TrimFunc(line, isBlank)
	mark, rest, found := cutBlank(line)
	switch {
	case !found:
		return line, false
	case plainDashes(mark) == "-":
		return rest, true
	case mark == "*" || isListNumber(mark):
		return rest, false
	}
	return line, false
}

// cutBlank cuts a line at its first blank, and reports whether it has one.
func cutBlank(line string) (before, after string, found bool) {
	i := strings.IndexFunc(line, isBlank)
	if i < 0 {
		return line, "", false
	}
	return line[:i], line[i:], true
}

// isListNumber reports whether a word is the number of an entry, such as "3." or "3)".
func isListNumber(word string) bool {
	digits := strings.TrimRight(word, ".)")
	return len(word) == len(digits)+1 && digits != "" && len(digits) <= 4 && strings.Trim(digits, "0123456789") == ""
}

// isBlank reports whether r is white space, or a character that is nothing at the end of a word: programs add them.
func isBlank(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune("\u200b\u2060\ufeff", r)
}

// cleanWords returns the words of a segment without quotation marks and bullets around them. An invisible character
// inside a word stays there, so that the word is refused.
func cleanWords(segment string) []string {
	var words []string
	for _, word := range strings.FieldsFunc(segment, unicode.IsSpace) {
		word = strings.TrimFunc(word, func(r rune) bool {
			return isBlank(r) || strings.ContainsRune("\"'`“”„‟‘’‚«»‹›"+bulletRunes, r)
		})
		if word = plainEntry(word); word != "" {
			words = append(words, word)
		}
	}
	return words
}

// plainEntry returns a word with plain hyphens for the dashes of an address, without the invisible characters in one, and
// without brackets around an IPv6 address. It returns the word unchanged if it is no address.
func plainEntry(word string) string {
	if plain := plainDashes(strings.Join(strings.FieldsFunc(word, isBlank), "")); looksNumeric(plain) {
		word = plain
	}
	parts := strings.Split(word, "-")
	for i, part := range parts {
		inner, opened := strings.CutPrefix(part, "[")
		inner, closed := strings.CutSuffix(inner, "]")
		if addr, err := netip.ParseAddr(inner); opened && closed && err == nil && addr.Is6() {
			parts[i] = inner
		}
	}
	return strings.Join(parts, "-")
}

// typographicDashes are hyphens, dashes and minus signs other than the plain one.
const typographicDashes = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"

func plainDashes(text string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(typographicDashes, r) {
			return '-'
		}
		return r
	}, text)
}

// joinRanges joins words around a hyphen into one range, if both ends look like addresses.
func joinRanges(words []string) []string {
	var out []string
	for _, word := range words {
		if n := len(out); n > 0 && looksNumeric(word) && looksNumeric(out[n-1]) &&
			(strings.HasSuffix(out[n-1], "-") || strings.HasPrefix(word, "-")) {
			out[n-1] += word
			continue
		}
		out = append(out, word)
	}
	return out
}

// wordsBetween are words that people write between entries. Each could also be the name of a host.
var wordsBetween = []string{"and", "or", "to", "through", "thru", "until", "und", "oder", "bis", "et", "ou", "y", "&", "+"}

// checkWords returns an *Error if words that only blanks separate may not be entries of a list.
func checkWords(words []string) error {
	for i, word := range words {
		switch {
		case word == "-":
			return ambiguousDash(word)
		case len(words) > 1 && slices.Contains(wordsBetween, strings.ToLower(word)):
			return &Error{word, "could be a word or a hostname",
				"separate entries by commas, and write a range like 192.0.2.10-192.0.2.20"}
		case i > 0 && isMask(word) && looksNumeric(words[i-1]):
			return &Error{word, "looks like the mask of the address before it",
				fmt.Sprintf("write a network as a CIDR, such as %s/24, and separate addresses by commas", words[i-1])}
		}
	}
	return nil
}

// isMask reports whether a word is a network mask such as 255.255.255.0, or its inverse such as 0.0.0.255.
func isMask(word string) bool {
	addr, err := netip.ParseAddr(word)
	if err != nil || !addr.Is4() {
		return false
	}
	b := addr.As4()
	return b[0] == 255 || b[0] == 0
}
