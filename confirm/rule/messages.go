package rule

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
)

// undeclaredPrefix begins what the engine says of a name or a function that it does not know.
const undeclaredPrefix = "undeclared reference to '"

// phrases is what people get wrong, as the engine says it and as people say it.
type phrases []struct{ pattern, words string }

// translate is the rest of the engine's first line where nobody has found better words.
func (c phrases) translate(message string) string {
	message, _, _ = strings.Cut(message, "\n")
	for _, one := range c {
		if p := regexp.MustCompile(one.pattern); p.MatchString(message) {
			return operatorNames().Replace(p.ReplaceAllString(message, one.words))
		}
	}
	return message
}

func describeSyntax(message string) string {
	return phrases{
		{`^Syntax error: token recognition error at: '= *'.*`, `"=" compares nothing; compare with ==`},
		{`^Syntax error: token recognition error at: '["'].*`, `a text is opened and not closed; close its quote`},
		{`^Syntax error: mismatched input '<EOF>'.*`, `the expression ends too early; complete it`},
		{`^Syntax error: [^']* '(["'].*?) *'(?: expecting.*)?$`, `$1 cannot stand here: compare with == and join with && or ||`},
		{`^Syntax error: [^']* '(.*?) *'(?: expecting.*)?$`, `"$1" cannot stand here: compare with == and join with && or ||`},
	}.translate(message)
}

// describe says what is wrong, and which list of what there is helps, "" when none does.
func (c callExprs) describe(m *cel.Error) (words, list string) {
	call, is := c[m.ExprID]
	if rest, unknown := strings.CutPrefix(m.Message, undeclaredPrefix); unknown {
		name, _, _ := strings.Cut(rest, "'")
		if !is {
			return fmt.Sprintf("%q is not known here", name), "the names are " + variableNames()
		}
		return describeUnknownFunction(name)
	}
	if is && strings.Contains(m.Message, "applied to 'list(string).(string)'") {
		return listHint(call.AsCall()), ""
	}
	return phrases{
		{`^found no matching overload for 'size' applied to '\(?(.*?)(?:\)|\.\(\))'`, `size counts the characters of a text or the entries of a list, and does not go with $1`},
		{`^found no matching overload for '(\w+)' applied to '(.*)\.\((.*)\)'`, `$1 does not go with $2 and $3: it looks for a text in a text, as in credential.$1("prod-")`},
		{`^found no matching overload for '(_[=!]=_)' applied to '\((bool, .*|.*, bool)\)'`, `$1 does not go with $2: what is true or false stands by itself, as in agent or !agent`},
		{`^found no matching overload for '([^']*)' applied to '\((.*)\)'`, `$1 does not go with $2: compare text with text, and numbers with whole numbers`},
		{`^expected type '(.*)' but found '(.*)'`, `this is of type $2 and must be of type $1; compare it with something`},
		{`^type '(.*)' does not support field selection`, `nothing of $1 can be named behind a dot; take the dot away, or write a function there`},
	}.translate(m.Message), ""
}

func describeUnknownFunction(name string) (words, list string) {
	switch {
	case slices.Contains(macros, name):
		return name + ` takes a name and a condition, as in scans.` + name + `(s, s == "a")`, ""
	case strings.Contains(name, "_"):
		if sign := strings.Trim(name, "_"); !regexp.MustCompile(`\w`).MatchString(sign) {
			return fmt.Sprintf("%q is not an operator here", sign), "the operators are " + strings.Join(operatorList(), " ")
		}
	}
	return fmt.Sprintf("%q is not a function here", name), "the functions are " + strings.Join(slices.Concat(functions, macros), ", ")
}

// listHint says how to look into a list, of which people expect what they know of text.
func listHint(call ast.CallExpr) string {
	list, text := exprText(call.Target(), "scans"), exprText(call.Args()[0], `"a"`)
	return fmt.Sprintf("%s looks into one text, and this is a list; write %s in %s, or %s.exists(s, s.%s(%s)) for a part of an entry",
		call.FunctionName(), text, list, list, call.FunctionName(), text)
}

// exprText is a simple expression as it was written, or the example in place of one that is not simple.
func exprText(e ast.Expr, example string) string {
	switch e.Kind() {
	case ast.IdentKind:
		return e.AsIdent()
	case ast.LiteralKind:
		if text, is := e.AsLiteral().Value().(string); is {
			return strconv.Quote(text)
		}
	}
	return example
}

// operatorNames writes operators as people do: what they put between two values is "_&&_" to the engine.
func operatorNames() *strings.Replacer {
	var pairs []string
	for _, sign := range []string{"&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*"} {
		pairs = append(pairs, "_"+sign+"_ ", sign+" ")
	}
	return strings.NewReplacer(append(pairs, "_?_:_ ", "? : ", "@in ", "in ", "_[_] ", "[ ] ", "!_ ", "! ", "-_ ", "- ")...)
}

// operatorList are the operators as people write them.
func operatorList() []string {
	all := make([]string, len(operators))
	for i, name := range operators {
		all[i] = strings.TrimSpace(operatorNames().Replace(name + " "))
	}
	return slices.Compact(all) // minus stands for two
}
