package terminal

import "strings"

// Wrap breaks l between words into lines of at most width columns. Lines after the first begin with hang spaces. Two or
// more spaces within a line stay as they are. A word that is wider than a line is never broken: an address, a path or
// an id stays in one piece, so that it can be copied.
func Wrap(l Line, width, hang int) []Line {
	var lines []Line
	var line Line
	used, hasWord := 0, false
	for _, word := range splitWords(l) {
		n, isSpace := word.Width(), isBlank(word)
		if isSpace && !hasWord && len(lines) > 0 {
			continue // the space at which the line was broken
		}
		if !isSpace && hasWord && used+n > width {
			lines = append(lines, trimRight(line))
			line, used, hasWord = Blanks(hang), hang, false
		}
		line, used = append(line, word...), used+n
		if !isSpace {
			hasWord = true
		}
	}
	return append(lines, trimRight(line))
}

// WrapText wraps text in one style and indents every line.
func WrapText(style Style, text string, width, indent int) []Line {
	return Wrap(Join(Blanks(indent), Styled(style, text)), width, indent)
}

// Beside returns left at the left edge and right at the right edge of a line of width columns. If they do not fit, right
// follows on a line of its own.
func Beside(left, right Line, width int) []Line {
	gap := width - left.Width() - right.Width()
	switch {
	case len(right) == 0:
		return []Line{left}
	case gap >= 2:
		return []Line{Join(left, Blanks(gap), right)}
	}
	return []Line{left, Join(Blanks(width-right.Width()), right)}
}

// splitWords returns l cut into words and the spaces between them. A word may have several styles.
func splitWords(l Line) []Line {
	var words []Line
	glue := false // the next piece continues the last word
	for _, s := range l {
		for rest := s.text; rest != ""; {
			cut := strings.IndexByte(rest, ' ')
			isSpace := cut == 0
			if isSpace {
				cut = len(rest) - len(strings.TrimLeft(rest, " "))
			} else if cut < 0 {
				cut = len(rest)
			}
			piece := span{s.style, rest[:cut]}
			if glue && !isSpace {
				words[len(words)-1] = append(words[len(words)-1], piece)
			} else {
				words = append(words, Line{piece})
			}
			glue, rest = !isSpace, rest[cut:]
		}
	}
	return words
}

// isBlank reports whether l has only spaces.
func isBlank(l Line) bool { return strings.TrimLeft(l.String(), " ") == "" }

// trimRight returns l without spaces at its end.
func trimRight(l Line) Line {
	for len(l) > 0 {
		last := l[len(l)-1]
		if last.text = strings.TrimRight(last.text, " "); last.text != "" {
			return append(l[:len(l)-1:len(l)-1], last)
		}
		l = l[:len(l)-1]
	}
	return l
}
