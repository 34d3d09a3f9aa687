package config

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// explainSyntax returns a syntax error of the library in plain words, with line and column. read is how many lines the
// library had read.
func explainSyntax(err error, lines [][]byte, read int) error {
	found := regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`).FindStringSubmatch(err.Error())
	if found == nil {
		return err
	}
	line, _ := strconv.Atoi(found[1])
	switch anchor := regexp.MustCompile(`^unknown anchor '(.*)' referenced`).FindStringSubmatch(found[2]); {
	case anchor != nil:
		line = 1 + indexLine(lines, func(text []byte) bool { return bytes.Contains(text, []byte("*"+anchor[1])) })
	case regexp.MustCompile(`^did not find expected (key|node content|'|<)`).MatchString(found[2]):
		line = failedLine(lines, read, line)
	case strings.Contains(found[2], "tab character"): // the library reports an earlier line
		line += indexLine(lines[min(line, len(lines)):], reTabIndent().Match) + 1
	case strings.Contains(found[2], "unexpected end of stream"): // the library reports the end of the file
		line = unclosedQuoteLine(lines[:min(max(line, 1), len(lines))])
	}
	line = min(max(line, 1), len(lines)) // the library reports no line if it is the first
	column, words := describeSyntax(found[2], lines[line-1])
	return fmt.Errorf("line %d, column %d: %s", line, column, words)
}

// failedLine returns the line at which the YAML stops being valid, if the library has read this many lines. For such
// mistakes the library names the line where the mapping begins, which is the fallback. A file is valid up to the line
// before.
func failedLine(lines [][]byte, read, otherwise int) int {
	end := min(read, len(lines))
	patience := 2 << 20 // bytes to parse: each step back parses all lines before it again
	for n := end - 1; n >= 0; n-- {
		whole := bytes.Join(lines[:n], []byte("\n"))
		if patience -= len(whole); patience < 0 {
			return otherwise
		}
		if yaml.Unmarshal(whole, &yaml.Node{}) == nil {
			return n + 1 + max(0, indexLine(lines[n:end], reAfterQuote().Match))
		}
	}
	return otherwise
}

// unclosedQuoteLine returns the number of the last line with an unclosed quote, or of the last line if there is none.
func unclosedQuoteLine(lines [][]byte) int {
	for n := len(lines); n > 0; n-- {
		if bytes.Count(lines[n-1], []byte(`"`))%2 == 1 || bytes.Count(lines[n-1], []byte("'"))%2 == 1 {
			return n
		}
	}
	return len(lines)
}

// indexLine returns the index of the first line that matches, or -1.
func indexLine(lines [][]byte, is func([]byte) bool) int {
	for i, line := range lines {
		if is(line) {
			return i
		}
	}
	return -1
}

var (
	// reAfterQuote matches a quoted value that is followed by more text.
	reAfterQuote = lazyRegexp(`([\w-]+):[ \t]+("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')[ \t]*[^\s,}\]#]`)
	// reTabIndent matches a line that is indented with a tab.
	reTabIndent = lazyRegexp(`^ *\t`)
	// reUnquotedRule matches the condition of a rule that is not in quotes.
	reUnquotedRule = lazyRegexp(`\bwhen:[ \t]+([^\s|>'"])`)
)

// lazyRegexp returns a pattern that is compiled only if a file has a mistake.
func lazyRegexp(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

// describeSyntax returns column and text for the most frequent mistakes, and the library's own text for the others.
func describeSyntax(text string, line []byte) (column int, words string) {
	if strings.Contains(text, "cannot start any token") || strings.Contains(text, "tab character") {
		if i := bytes.IndexByte(line, '\t'); i >= 0 {
			return i + 1, "here is a tab; indent with spaces"
		}
	}
	const quoted = "; put the whole expression in single quotes: when: '...'"
	if i := reAfterQuote().FindSubmatchIndex(line); i != nil {
		rest := "; put the whole value in single quotes"
		if string(line[i[2]:i[3]]) == "when" {
			rest = quoted
		}
		return i[4] + 1, "nothing may follow the closing quote" + rest
	}
	if i := reUnquotedRule().FindSubmatchIndex(line); i != nil {
		return i[2] + 1, "YAML cannot read this condition" + quoted
	}
	if i := bytes.IndexAny(line, `"'`); i >= 0 && strings.Contains(text, "unexpected end of stream") {
		return i + 1, "a quote is opened and not closed; close it"
	}
	for _, common := range []struct{ of, words string }{
		{"cannot start any token", "a value cannot begin like this; put it in single quotes"},
		{"mapping values are not allowed", "a colon is not allowed here; indent the line like its neighbors, or put the value in single quotes"},
		{"did not find expected key", "this does not continue the lines above; indent the line like its neighbors"},
		{"did not find expected '-' indicator", "this does not continue the list above; indent the line like its neighbors"},
		{"did not find expected node content", "a value is missing, or a list in [ ] or a mapping in { } is not closed; correct it"},
		{"did not find expected ',' or ']'", "a list in [ ] is not closed, or a comma is missing in it; correct it"},
		{"did not find expected ',' or '}'", "a mapping in { } is not closed, or a comma is missing in it; correct it"},
		{"did not find expected whitespace", tagHint},
		{"unknown anchor", "a value that begins with * repeats another one, and there is none of this name; put it in single quotes"},
	} {
		if strings.Contains(text, common.of) {
			return countIndent(line) + 1, common.words
		}
	}
	return countIndent(line) + 1, text
}
