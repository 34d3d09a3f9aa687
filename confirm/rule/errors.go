package rule

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
)

// position returns "line L, column C: " in the file, the beginning of every error, or "" without a file. Line and column
// are 0-based offsets in the expression.
func (s Source) position(line, column int) string {
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

// typeErrors returns the engine's errors about an expression that it could parse, reworded and joined. In a literal block
// each line is indented as far as the first, so that columns count from the same place on every line.
func (s Source) typeErrors(found []*cel.Error, parsed *cel.Ast) error {
	used := collectCalls(parsed)
	var all []error
	var lists []string // the lists of valid names that an error has included already
	for _, e := range found {
		if used.insideUnknownCall(e.ExprID, found) {
			continue
		}
		text, list := used.describeError(e)
		if list != "" && !slices.Contains(lists, list) {
			lists = append(lists, list)
			text += "; " + list
		}
		all = append(all, s.errorAt(e, text))
	}
	return errors.Join(all...)
}

// syntaxError returns the engine's first error about an expression that it could not parse. The others follow from it.
func (s Source) syntaxError(found []*cel.Error) error {
	return s.errorAt(found[0], describeSyntax(found[0].Message))
}

// errorAt returns an error with this text at the position of the engine's error e.
func (s Source) errorAt(e *cel.Error, text string) error {
	line, column := e.Location.Line()-1, e.Location.Column() // the engine counts lines from 1, and columns from 0
	if line < 0 || column < 0 {
		line, column = 0, 0 // it is about the whole expression
	}
	return fmt.Errorf("%sin the condition of %q, %s", s.position(line, column), s.Name, text)
}

// callExprs holds the function calls in an expression, by the engine's id of each.
type callExprs map[int64]ast.NavigableExpr

// collectCalls returns all function calls in an expression.
func collectCalls(parsed *cel.Ast) callExprs {
	all := callExprs{}
	for _, e := range ast.MatchDescendants(ast.NavigateAST(parsed.NativeRep()), ast.KindMatcher(ast.CallKind)) {
		all[e.ID()] = e
	}
	return all
}

// insideUnknownCall reports whether an expression is an argument of an unknown function, which may define names that
// rules do not have. Errors about such names would mislead.
func (c callExprs) insideUnknownCall(id int64, found []*cel.Error) bool {
	return slices.ContainsFunc(found, func(e *cel.Error) bool {
		call, ok := c[e.ExprID]
		if !ok || e.ExprID == id || !strings.HasPrefix(e.Message, undeclaredPrefix) {
			return false
		}
		inside := ast.MatchDescendants(call, ast.AllMatcher())
		return slices.ContainsFunc(inside, func(e ast.NavigableExpr) bool { return e.ID() == id })
	})
}

// variableNames returns the names that a rule can use, separated by commas.
func variableNames() string {
	var names []string
	for _, v := range Variables() {
		names = append(names, v.Name)
	}
	return strings.Join(names, ", ")
}
