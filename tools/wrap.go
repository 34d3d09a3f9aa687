package tools

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

const (
	// maxColumns bounds a line of a prompt.
	maxColumns = 78
	// roomyColumns is what Codex leaves of a terminal's 80 columns. It breaks longer lines again.
	roomyColumns = 76
	// breakHint marks a place inside a token where a line may end. It is invisible, and escapeInvisible leaves none.
	breakHint = "\u200b"
)

// wrapItems returns each item on lines of its own, of at most so many columns. A line ends at a blank or at a breakHint,
// which is removed; only a token that is longer than a line makes a longer one.
func wrapItems(items []string, limit int) string {
	var b strings.Builder
	for i, item := range items {
		if i > 0 {
			b.WriteByte('\n')
		}
		wrapItem(&b, item, limit)
	}
	return b.String()
}

func wrapItem(b *strings.Builder, item string, limit int) {
	column := 0
	for word := range strings.SplitSeq(item, " ") {
		gap := 1
		for token := range strings.SplitSeq(word, breakHint) {
			columns := textColumns(token)
			switch {
			case column == 0:
			case column+gap+columns > limit:
				b.WriteByte('\n')
				column = 0
			case gap == 1:
				b.WriteByte(' ')
				column++
			}
			b.WriteString(token)
			column, gap = column+columns, 0
		}
	}
}

// textColumns returns how many columns a terminal uses for text: two for a wide character, none for a combining mark.
func textColumns(text string) int {
	n := 0
	for _, r := range text {
		switch kind := width.LookupRune(r).Kind(); {
		case unicode.In(r, unicode.Mn, unicode.Me):
		case kind == width.EastAsianWide || kind == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}
