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

// undeclaredPrefix begins the engine's message about an unknown name or function.
const undeclaredPrefix = "undeclared reference to '"

// phrases lists patterns of the engine's messages, each with a plainer text.
type phrases []struct{ pattern, text string }

// translate returns the plainer text for a message of the engine, or the message's first line if no pattern matches.
func (p phrases) translate(message string) string {
	message, _, _ = strings.Cut(message, "\n")
	for _, phrase := range p {
		if re := regexp.MustCompile(phrase.pattern); re.MatchString(message) {
			return operatorNames().Replace(re.ReplaceAllString(message, phrase.text))
		}
	}
	return message
}

// describeSyntax returns a plainer text for the engine's message about a syntax error.
func describeSyntax(message string) string {
	return phrases{
		{`^Syntax error: token recognition error at: '= *'.*`, `"=" compares nothing; compare with ==`},
		{`^Syntax error: token recognition error at: '["'].*`, `a text has no closing quote; add it`},
		{`^Syntax error: mismatched input '<EOF>'.*`, `the expression ends too early; complete it`},
		{`^Syntax error: [^']* '(["'].*?) *'(?: expecting.*)?$`, `$1 is not valid here: compare with == and join with && or ||`},
		{`^Syntax error: [^']* '(.*?) *'(?: expecting.*)?$`, `"$1" is not valid here: compare with == and join with && or ||`},
	}.translate(message)
}

// describeError returns a plainer text for the engine's error, and the list of valid names that helps, "" if none does.
func (c callExprs) describeError(e *cel.Error) (text, list string) {
	call, isCall := c[e.ExprID]
	if rest, unknown := strings.CutPrefix(e.Message, undeclaredPrefix); unknown {
		name, _, _ := strings.Cut(rest, "'")
		if !isCall {
			return fmt.Sprintf("%q is not known here", name), "the names are " + variableNames()
		}
		return describeUnknownFunction(name)
	}
	if isCall && strings.Contains(e.Message, "applied to 'list(string).(string)'") {
		return listHint(call.AsCall()), ""
	}
	return phrases{
		{`^found no matching overload for 'size' applied to '\(?(.*?)(?:\)|\.\(\))'`, `size counts the characters of a text or the entries of a list, and does not go with $1`},
		{`^found no matching overload for '(\w+)' applied to '(.*)\.\((.*)\)'`, `$1 does not go with $2 and $3: it looks for a text in a text, as in credential.$1("prod-")`},
		{`^found no matching overload for '(_[=!]=_)' applied to '\((bool, .*|.*, bool)\)'`, `$1 does not go with $2: a value that is true or false needs no comparison, as in agent or !agent`},
		{`^found no matching overload for '([^']*)' applied to '\((.*)\)'`, `$1 does not go with $2: compare text with text, and numbers with whole numbers`},
		{`^expected type '(.*)' but found '(.*)'`, `this is of type $2 and must be of type $1; compare it with something`},
		{`^type '(.*)' does not support field selection`, `a $1 has no fields; remove the dot, or call a function`},
	}.translate(e.Message), ""
}

// describeUnknownFunction returns the text for an unknown function, macro or operator, and the list that helps.
func describeUnknownFunction(name string) (text, list string) {
	switch {
	case slices.Contains(macros, name):
		return name + ` takes a name and a condition, as in scans.` + name + `(s, s == "a")`, ""
	case strings.Contains(name, "_"):
		if operator := strings.Trim(name, "_"); !regexp.MustCompile(`\w`).MatchString(operator) {
			return fmt.Sprintf("%q is not an operator here", operator), "the operators are " + strings.Join(operatorList(), " ")
		}
	}
	return fmt.Sprintf("%q is not a function here", name), "the functions are " + strings.Join(slices.Concat(functions, macros), ", ")
}

// listHint returns how to search a list, for a rule that searches it like a string.
func listHint(call ast.CallExpr) string {
	list, text := exprText(call.Target(), "scans"), exprText(call.Args()[0], `"a"`)
	return fmt.Sprintf("%s looks into one text, and this is a list; write %s in %s, or %s.exists(s, s.%s(%s)) for a part of an entry",
		call.FunctionName(), text, list, list, call.FunctionName(), text)
}

// exprText returns a simple expression as it was written, and the example in place of any other.
func exprText(e ast.Expr, example string) string {
	switch e.Kind() {
	case ast.IdentKind:
		return e.AsIdent()
	case ast.LiteralKind:
		if text, ok := e.AsLiteral().Value().(string); ok {
			return strconv.Quote(text)
		}
	}
	return example
}

// operatorNames returns a replacer from the engine's operator names, such as "_&&_", to those that people write.
func operatorNames() *strings.Replacer {
	var pairs []string
	for _, operator := range []string{"&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*"} {
		pairs = append(pairs, "_"+operator+"_ ", operator+" ")
	}
	return strings.NewReplacer(append(pairs, "_?_:_ ", "? : ", "@in ", "in ", "_[_] ", "[ ] ", "!_ ", "! ", "-_ ", "- ")...)
}

// operatorList returns the operators as people write them.
func operatorList() []string {
	all := make([]string, len(operators))
	for i, name := range operators {
		all[i] = strings.TrimSpace(operatorNames().Replace(name + " "))
	}
	return slices.Compact(all) // minus is two operators
}
