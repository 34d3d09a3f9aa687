package terminal

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// Style is how a piece of text looks. Color never carries a meaning alone: a sign or a word stands beside it.
type Style uint8

// The styles. Cyan marks a confirmation code and nothing else.
const (
	Plain Style = iota
	Bold
	Dim
	Red
	Green
	Yellow
	Cyan
)

// sgrCodes are the parameters of the escape sequence of each style (ECMA-48, select graphic rendition).
var sgrCodes = [...]string{Plain: "", Bold: "1", Dim: "2", Red: "31", Green: "32", Yellow: "33", Cyan: "36"}

// span is a piece of one line in one style. Its text is sanitized.
type span struct {
	style Style
	text  string
}

// Line is one line of output, or a part of one. The zero value is an empty line.
type Line []span

// Text returns text in no style. Characters that a terminal could interpret are escaped, as Sanitize does.
func Text(text string) Line { return Styled(Plain, text) }

// Styled returns text in a style. Characters that a terminal could interpret are escaped, as Sanitize does.
func Styled(style Style, text string) Line {
	if text == "" {
		return nil
	}
	return Line{{style, Sanitize(text)}}
}

// Blanks returns n spaces. It returns an empty line if n is not positive.
func Blanks(n int) Line { return Text(strings.Repeat(" ", max(n, 0))) }

// Join returns the parts behind each other as one line.
func Join(parts ...Line) Line {
	var joined Line
	for _, part := range parts {
		joined = append(joined, part...)
	}
	return joined
}

// Restyle returns the text of l in one style.
func (l Line) Restyle(style Style) Line { return Styled(style, l.String()) }

// String returns the text of l without styles.
func (l Line) String() string {
	var b strings.Builder
	for _, s := range l {
		b.WriteString(s.text)
	}
	return b.String()
}

// Width returns how many columns of a terminal l occupies.
func (l Line) Width() int {
	n := 0
	for _, s := range l {
		n += Width(s.text)
	}
	return n
}

// Pad returns l with spaces behind it, so that it occupies at least n columns.
func (l Line) Pad(n int) Line { return Join(l, Blanks(n-l.Width())) }

// Width returns how many columns of a terminal a sanitized text occupies. East Asian wide and full-width characters
// occupy two, combining marks none (Unicode Standard Annex 11).
func Width(text string) int {
	n := 0
	for _, r := range text {
		n += runeWidth(r)
	}
	return n
}

// runeWidth returns how many columns one character occupies.
func runeWidth(r rune) int {
	if r < 0x300 {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}
