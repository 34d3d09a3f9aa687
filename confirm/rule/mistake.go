package rule

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"cel.dev/cel-go/cel"
)

// at begins the message of a mistake: where it is in the file, "" where there is none. line and column count from
// the beginning of the expression, from 0.
func (s Source) at(line, column int) string {
	if s.Line <= 0 {
		return ""
	}
	for i, width := range s.Folds {
		if column < width || i == len(s.Folds)-1 {
			break
		}
		line, column = line+1, column-width
	}
	return fmt.Sprintf("line %d, column %d: ", s.Line+line, s.Column+column)
}

// mistakes says in plain words what the engine found. In a literal block each line stands as far to the right as
// the first, so that columns count from the same place on every line.
func (s Source) mistakes(found []*cel.Error) error {
	var all []error
	told := false
	for _, m := range found {
		line, column := m.Location.Line()-1, m.Location.Column() // the engine counts lines from 1, and columns from 0
		if line < 0 || column < 0 {
			line, column = 0, 0 // it is about the whole expression
		}
		words, unknown := plain(m.Message)
		if unknown && !told {
			words += "; the names are " + names()
			told = true
		}
		all = append(all, fmt.Errorf("%sin the condition of %q, %s", s.at(line, column), s.Name, words))
	}
	return errors.Join(all...)
}

// plain translates what people get wrong most into words that do not ask for the engine's own; the rest is the
// engine's first line. unknown says that a name is at fault.
func plain(message string) (words string, unknown bool) {
	message, _, _ = strings.Cut(message, "\n")
	for _, common := range []struct {
		pattern, words string
		unknown        bool
	}{
		{`^undeclared reference to '([^']*)'.*`, `"$1" is not known here`, true},
		{`^found no matching overload for '([^']*)' applied to '\((.*)\)'`, `$1 does not go with $2: compare text with text, and numbers with whole numbers`, false},
		{`^Syntax error: mismatched input '<EOF>'.*`, `the expression ends too early; complete it`, false},
		{`^Syntax error: [^']* '(.*?) *'(?: expecting.*)?$`, `"$1" cannot stand here: compare with == and join with && or ||`, false},
	} {
		if p := regexp.MustCompile(common.pattern); p.MatchString(message) {
			return signs().Replace(p.ReplaceAllString(message, common.words)), common.unknown
		}
	}
	return message, false
}

// signs writes operators as people do: what they put between two values is "_&&_" to the engine.
func signs() *strings.Replacer {
	var pairs []string
	for _, sign := range []string{"&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*"} {
		pairs = append(pairs, "_"+sign+"_ ", sign+" ")
	}
	return strings.NewReplacer(append(pairs, "_?_:_ ", "? : ", "@in ", "in ", "_[_] ", "[ ] ", "!_ ", "! ", "-_ ", "- ")...)
}

func names() string {
	var all []string
	for _, w := range Words() {
		all = append(all, w.Name)
	}
	return strings.Join(all, ", ")
}
