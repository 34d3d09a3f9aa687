package rule

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	sign "cel.dev/cel-go/common/operators"

	"scanwarden/confirm"
)

// checkLiterals finds a text that a word is compared with and can never be: such a rule never holds, and nobody would
// notice that it guards nothing.
func (s Source) checkLiterals(condition *cel.Ast, operations []string) error {
	root := ast.NavigateAST(condition.NativeRep())
	for _, word := range []struct {
		name  string
		wrong func(text string) string // "" where it can be
	}{
		{"operation", func(text string) string { return allowedValuesHint(text, operations) }},
		{"via", func(text string) string { return allowedValuesHint(text, confirm.Sources()) }},
		{"requester", principalHint},
		{"person", principalHint},
	} {
		for _, name := range []string{sign.Equals, sign.NotEquals, sign.In} {
			for _, call := range ast.MatchDescendants(root, ast.FunctionMatcher(name)) {
				if isMacroVariable(call, word.name) {
					continue
				}
				for _, text := range literalsComparedTo(word.name, call.AsCall().Args()) {
					if wrong := word.wrong(text); wrong != "" {
						return fmt.Errorf("%sthe condition of %q compares %s with %q, which it never is; %s", s.position(0, 0), s.Name, word.name, text, wrong)
					}
				}
			}
		}
	}
	return nil
}

// isMacroVariable reports whether a word is the variable of a macro here, as in scans.exists(via, via == "x"), and not ours.
func isMacroVariable(e ast.NavigableExpr, word string) bool {
	for p, ok := e.Parent(); ok; p, ok = p.Parent() {
		if p.Kind() == ast.ComprehensionKind && p.AsComprehension().IterVar() == word {
			return true
		}
	}
	return false
}

func allowedValuesHint(text string, known []string) string {
	if len(known) == 0 || slices.Contains(known, text) {
		return ""
	}
	return "write one of " + strings.Join(known, ", ")
}

// principalHint says how a principal is written. Those of Entra ID have their GUIDs in small letters.
func principalHint(text string) string {
	kind, rest, ok := strings.Cut(text, ":")
	switch {
	case !ok || !slices.Contains([]string{"slack", "entra", "token", "local"}, kind) || rest == "":
		return "write a principal: slack:TEAM/USER, entra:TENANT/OBJECT, token:NAME or local:USER"
	case kind == "entra" && text != strings.ToLower(text):
		return "write its letters small: " + strings.ToLower(text)
	}
	return ""
}

// literalsComparedTo returns the texts that a word is compared with, when it is one of the two.
func literalsComparedTo(word string, args []ast.Expr) []string {
	about := func(e ast.Expr) bool { return e.Kind() == ast.IdentKind && e.AsIdent() == word }
	if !slices.ContainsFunc(args, about) {
		return nil
	}
	var texts []string
	for _, arg := range args {
		switch arg.Kind() {
		case ast.LiteralKind:
			texts = appendLiteral(texts, arg)
		case ast.ListKind:
			for _, element := range arg.AsList().Elements() {
				texts = appendLiteral(texts, element)
			}
		}
	}
	return texts
}

func appendLiteral(texts []string, e ast.Expr) []string {
	if e.Kind() != ast.LiteralKind {
		return texts
	}
	if text, ok := e.AsLiteral().Value().(string); ok {
		texts = append(texts, text)
	}
	return texts
}
