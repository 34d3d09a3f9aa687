package rule

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
)

// position begins the message of a mistake: where it is in the file, "" where there is none. line and column count from
// the beginning of the expression, from 0.
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

// typeErrors says in plain words what the engine found in an expression that it could read. In a literal block each line
// stands as far to the right as the first, so that columns count from the same place on every line.
func (s Source) typeErrors(found []*cel.Error, parsed *cel.Ast) error {
	calls := collectCalls(parsed)
	var all []error
	var lists []string // of what there is: each is told once
	for _, m := range found {
		if calls.insideUnknownCall(m.ExprID, found) {
			continue
		}
		words, list := calls.describe(m)
		if list != "" && !slices.Contains(lists, list) {
			lists = append(lists, list)
			words += "; " + list
		}
		all = append(all, s.errorAt(m, words))
	}
	return errors.Join(all...)
}

// syntaxError is the first thing that keeps the engine from reading the expression: what it says of the rest follows from it.
func (s Source) syntaxError(found []*cel.Error) error {
	return s.errorAt(found[0], describeSyntax(found[0].Message))
}

func (s Source) errorAt(m *cel.Error, words string) error {
	line, column := m.Location.Line()-1, m.Location.Column() // the engine counts lines from 1, and columns from 0
	if line < 0 || column < 0 {
		line, column = 0, 0 // it is about the whole expression
	}
	return fmt.Errorf("%sin the condition of %q, %s", s.position(line, column), s.Name, words)
}

// callExprs are the functions that an expression uses, by the engine's number of each.
type callExprs map[int64]ast.NavigableExpr

func collectCalls(parsed *cel.Ast) callExprs {
	all := callExprs{}
	for _, e := range ast.MatchDescendants(ast.NavigateAST(parsed.NativeRep()), ast.KindMatcher(ast.CallKind)) {
		all[e.ID()] = e
	}
	return all
}

// insideUnknownCall reports whether a mistake is in what an unknown function is given, where other words may be meant than ours.
func (c callExprs) insideUnknownCall(id int64, found []*cel.Error) bool {
	return slices.ContainsFunc(found, func(m *cel.Error) bool {
		call, is := c[m.ExprID]
		if !is || m.ExprID == id || !strings.HasPrefix(m.Message, undeclaredPrefix) {
			return false
		}
		inside := ast.MatchDescendants(call, ast.AllMatcher())
		return slices.ContainsFunc(inside, func(e ast.NavigableExpr) bool { return e.ID() == id })
	})
}

func variableNames() string {
	var all []string
	for _, w := range Variables() {
		all = append(all, w.Name)
	}
	return strings.Join(all, ", ")
}
