package config

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// positionedText is a text that knows where in the file it begins.
type positionedText struct {
	text         string
	line, column int
	block        bool  // it begins with | or >
	folds        []int // number of characters on each line that YAML joined into this text
}

// UnmarshalYAML records the position. A quoted text begins after its quote, a block on the line after its mark.
func (l *positionedText) UnmarshalYAML(node *yaml.Node) error {
	l.line, l.column = node.Line, node.Column
	switch {
	case node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		l.line, l.column, l.block = node.Line+1, 1, true
	case node.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		l.column++
	}
	return node.Decode(&l.text)
}

// locateBlock finds the indentation of a block and where its lines were joined, because the library reports neither.
func (l *positionedText) locateBlock(file [][]byte) {
	if !l.block {
		return
	}
	for i, line := range strings.Split(l.text, "\n") {
		if strings.TrimSpace(line) != "" && l.line-1+i < len(file) {
			l.column = 1 + countIndent(file[l.line-1+i]) - countIndent([]byte(line))
			break
		}
	}
	l.folds = foldWidths(l.text, file[min(l.line-1, len(file)):])
}

// countIndent returns the number of leading spaces.
func countIndent(line []byte) int { return len(line) - len(bytes.TrimLeft(line, " ")) }

// foldWidths returns how many characters of text stand on each of the lines that YAML joined with spaces. It returns
// nil if the lines were joined in another way.
func foldWidths(text string, below [][]byte) (widths []int) {
	rest := strings.TrimRight(text, "\n")
	for _, line := range below {
		piece := string(bytes.TrimSpace(line))
		if rest == piece {
			return append(widths, utf8.RuneCountInString(piece))
		}
		if piece == "" || !strings.HasPrefix(rest, piece+" ") {
			return nil
		}
		rest = rest[len(piece)+1:]
		widths = append(widths, utf8.RuneCountInString(piece)+1)
	}
	return nil
}
