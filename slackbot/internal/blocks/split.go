package blocks

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/slack-go/slack"
)

// part is a piece of a text that fits one text object.
type part struct {
	text string
	// number and of are zero, unless text is a piece of one token that is longer than a text object: piece number, counted
	// from 1, of several.
	number, of int
}

// splitText returns text in parts of at most MaxTextUnits. The texts of the parts, joined, are the text again. A part ends
// after a line or, in a line that is longer than a part, between two tokens. A token that is longer than a part gets
// numbered parts of its own.
func splitText(text string) []part {
	var parts []part
	for rest := text; rest != ""; {
		n := lineOrTokens(rest)
		if n > 0 {
			parts = append(parts, part{text: rest[:n]})
		} else {
			n = tokenLen(rest)
			parts = append(parts, splitToken(rest[:n])...)
		}
		rest = rest[n:]
	}
	return parts
}

// lineOrTokens returns the length of the longest prefix of text that fits a text object and ends after a line, or else
// after a token. It returns 0 if the first token does not fit.
func lineOrTokens(text string) int {
	limit := PrefixLen(text, MaxTextUnits)
	if limit == len(text) {
		return limit
	}
	if end := strings.LastIndexByte(text[:limit], '\n') + 1; strings.TrimSpace(text[:end]) != "" {
		return end
	}
	return wholeTokens(text, limit)
}

// wholeTokens returns the length of the longest prefix of text that consists of whole tokens and has at most limit bytes.
// It returns 0 if the first token is longer.
func wholeTokens(text string, limit int) int {
	n := 0
	for n < limit {
		next := n + tokenLen(text[n:])
		if next > limit {
			break
		}
		n = next
	}
	return n
}

// tokenLen returns the length of the first token of text with the separators before and after it. A token is an address, a
// range, a name in quotation marks, an ID, or any other word: what stands between two separators, which are commas and
// white space. The separators in quotation marks belong to the token, and so do blanks around the hyphen of a range.
func tokenLen(text string) int {
	n := len(text) - len(strings.TrimLeftFunc(text, isSeparator))
	for n < len(text) {
		r, size := utf8.DecodeRuneInString(text[n:])
		switch {
		case strings.HasPrefix(text[n:], `\"`): // as in quoted text; otherwise an unclosed mark could be scanned for again and again
			n += len(`\"`)
		case r == '"':
			n += quotedLen(text[n:])
		case isSeparator(r):
			end := n + separatorLen(text[n:])
			if !isInsideRange(text[:n], text[end:]) {
				return end
			}
			n = end
		default:
			n += size
		}
	}
	return n
}

func isSeparator(r rune) bool { return r == ',' || unicode.IsSpace(r) }

// separatorLen returns the length of the separators at the start of text, up to the end of the line.
func separatorLen(text string) int {
	for i, r := range text {
		if !isSeparator(r) {
			return i
		}
		if r == '\n' {
			return i + 1
		}
	}
	return len(text)
}

// quotedLen returns the length of the quoted text at the start of text, which begins with a quotation mark. A backslash
// escapes the character after it. If the mark is not closed in its line, it quotes nothing, and quotedLen returns 1.
func quotedLen(text string) int {
	for i := 1; i < len(text) && text[i] != '\n'; i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 1
}

// isInsideRange reports whether the separators between before and after stand next to the hyphen or en dash of a range, as
// in "10.0.0.1 - 10.0.0.9". The arrow "->" between two values is not part of a range.
func isInsideRange(before, after string) bool {
	if strings.HasSuffix(before, "-") || strings.HasSuffix(before, "–") {
		return true
	}
	return (strings.HasPrefix(after, "-") || strings.HasPrefix(after, "–")) && !strings.HasPrefix(after, "->")
}

// splitToken returns one token in numbered parts. They end at separators if the token has any in quotation marks: those
// marks may be part of a hostile name.
func splitToken(token string) []part {
	var parts []part
	for rest := token; rest != ""; {
		n := PrefixLen(rest, MaxTextUnits)
		if at := strings.LastIndexFunc(rest[:n], isSeparator); n < len(rest) && at > 0 {
			_, size := utf8.DecodeRuneInString(rest[at:])
			n = at + size
		}
		parts = append(parts, part{text: rest[:n], number: len(parts) + 1})
		rest = rest[n:]
	}
	for i := range parts {
		parts[i].of = len(parts)
	}
	return parts
}

// visibleText returns the text without a line end at its end: the border of a block is one.
func (p part) visibleText() string {
	if text := strings.TrimSuffix(p.text, "\n"); text != "" {
		return text
	}
	return p.text
}

// codeBlock returns the part in a fixed width. The block of a numbered part begins with its number, so that it cannot be
// read as a whole value, on whichever page it is.
func (p part) codeBlock() slack.Block {
	elements := []slack.RichTextElement{preformatted(p.visibleText())}
	if p.of > 0 {
		mark := fmt.Sprintf("Part %d of %d of one value that is too long for one block:", p.number, p.of)
		elements = append([]slack.RichTextElement{slack.NewRichTextSection(slack.NewRichTextSectionTextElement(mark, nil))}, elements...)
	}
	return slack.NewRichTextBlock("", elements...)
}

// section returns the part as plain text, and a numbered part as a code block.
func (p part) section() slack.Block {
	if p.of > 0 {
		return p.codeBlock()
	}
	return slack.NewSectionBlock(PlainText(p.visibleText()), nil, nil)
}
