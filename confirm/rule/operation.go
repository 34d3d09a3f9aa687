package rule

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
)

// strange finds an operation that a condition names and that does not exist: such a rule never holds, and nobody
// would notice that it guards nothing.
func (s Source) strange(condition *cel.Ast, known []string) error {
	root := ast.NavigateAST(condition.NativeRep())
	for _, name := range []string{operators.Equals, operators.NotEquals, operators.In} {
		for _, call := range ast.MatchDescendants(root, ast.FunctionMatcher(name)) {
			for _, text := range comparedWith(call.AsCall().Args()) {
				if !slices.Contains(known, text) {
					return fmt.Errorf("%sthe condition of %q asks for the operation %q, which does not exist; name one of %s", s.at(0, 0), s.Name, text, strings.Join(known, ", "))
				}
			}
		}
	}
	return nil
}

// comparedWith returns the texts that operation is compared with, when it is one of the two.
func comparedWith(args []ast.Expr) []string {
	about := func(e ast.Expr) bool { return e.Kind() == ast.IdentKind && e.AsIdent() == "operation" }
	if !slices.ContainsFunc(args, about) {
		return nil
	}
	var texts []string
	for _, arg := range args {
		switch arg.Kind() {
		case ast.LiteralKind:
			texts = appendText(texts, arg)
		case ast.ListKind:
			for _, element := range arg.AsList().Elements() {
				texts = appendText(texts, element)
			}
		}
	}
	return texts
}

func appendText(texts []string, e ast.Expr) []string {
	if e.Kind() != ast.LiteralKind {
		return texts
	}
	if text, ok := e.AsLiteral().Value().(string); ok {
		texts = append(texts, text)
	}
	return texts
}
