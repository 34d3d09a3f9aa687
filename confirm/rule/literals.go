package rule

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	celop "cel.dev/cel-go/common/operators"

	"scanwarden/confirm"
)

// checkLiterals returns an error if a variable is compared with a string that it can never be. Such a rule would never
// match, and without an error it would go unnoticed that it protects nothing.
func (s Source) checkLiterals(condition *cel.Ast, operations []string) error {
	root := ast.NavigateAST(condition.NativeRep())
	for _, checked := range []struct {
		name string
		hint func(text string) string // returns what to write instead, "" if the text is possible
	}{
		{"operation", func(text string) string { return allowedValuesHint(text, operations) }},
		{"via", func(text string) string { return allowedValuesHint(text, confirm.Sources()) }},
		{"requester", principalHint},
		{"person", principalHint},
	} {
		for _, operator := range []string{celop.Equals, celop.NotEquals, celop.In} {
			for _, call := range ast.MatchDescendants(root, ast.FunctionMatcher(operator)) {
				if isMacroVariable(call, checked.name) {
					continue
				}
				for _, text := range literalsComparedTo(checked.name, call.AsCall().Args()) {
					if hint := checked.hint(text); hint != "" {
						return fmt.Errorf("%sthe condition of %q compares %s with %q, which it never is; %s", s.position(0, 0), s.Name, checked.name, text, hint)
					}
				}
			}
		}
	}
	return nil
}

// isMacroVariable reports whether name is the variable of a macro at e, as in scans.exists(via, via == "x"), and not
// ours.
func isMacroVariable(e ast.NavigableExpr, name string) bool {
	for p, ok := e.Parent(); ok; p, ok = p.Parent() {
		if p.Kind() == ast.ComprehensionKind && p.AsComprehension().IterVar() == name {
			return true
		}
	}
	return false
}

// allowedValuesHint returns "" for a known text, and otherwise what to write instead. With none known, every text is.
func allowedValuesHint(text string, known []string) string {
	if len(known) == 0 || slices.Contains(known, text) {
		return ""
	}
	return "write one of " + strings.Join(known, ", ")
}

// principalHint returns "" for a well-formed principal, and otherwise what to write instead. The GUIDs of Entra ID
// principals are in lower case.
func principalHint(text string) string {
	kind, rest, ok := strings.Cut(text, ":")
	switch {
	case !ok || !slices.Contains([]string{"slack", "entra", "token", "local"}, kind) || rest == "":
		return "write a principal: slack:TEAM/USER, entra:TENANT/OBJECT, token:NAME or local:USER"
	case kind == "entra" && text != strings.ToLower(text):
		return "write it in lower case: " + strings.ToLower(text)
	}
	return ""
}

// literalsComparedTo returns the string literals among the operands, also in a list, if a variable is one of them.
func literalsComparedTo(name string, operands []ast.Expr) []string {
	isVariable := func(e ast.Expr) bool { return e.Kind() == ast.IdentKind && e.AsIdent() == name }
	if !slices.ContainsFunc(operands, isVariable) {
		return nil
	}
	var texts []string
	for _, operand := range operands {
		switch operand.Kind() {
		case ast.LiteralKind:
			texts = appendLiteral(texts, operand)
		case ast.ListKind:
			for _, element := range operand.AsList().Elements() {
				texts = appendLiteral(texts, element)
			}
		}
	}
	return texts
}

// appendLiteral returns texts, with e added if it is a string literal.
func appendLiteral(texts []string, e ast.Expr) []string {
	if e.Kind() != ast.LiteralKind {
		return texts
	}
	if text, ok := e.AsLiteral().Value().(string); ok {
		texts = append(texts, text)
	}
	return texts
}
