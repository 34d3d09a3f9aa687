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
	block        bool  // begun with | or >
	folds        []int // of a block whose lines YAML joined to one: how many characters of the text stand on each line
}

// UnmarshalYAML keeps the place. A quoted text begins after its quote, a block on the line after its mark.
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

// locateBlock finds how far to the right a block stands, and where its lines were joined: the library tells neither.
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

func countIndent(line []byte) int { return len(line) - len(bytes.TrimLeft(line, " ")) }

// foldWidths is where YAML joined the first lines of below to text, each to the next by a blank; nil where it did it in
// another way, or not at all.
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
