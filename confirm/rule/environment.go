package rule

import (
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/env"

	"scanwarden/confirm"
)

// Variable is one name that a rule may use.
type Variable struct{ Name, Type, Meaning string }

// Variables are the names that a rule may use, with their meaning: for help and documentation.
func Variables() []Variable {
	var all []Variable
	for _, n := range ruleVariables() {
		all = append(all, n.Variable)
	}
	return all
}

// variable is a word, and what it stands for in a change.
type variable struct {
	Variable
	celType *cel.Type
	value   func(confirm.RuleInput) any
}

// ruleVariables is all that a rule can see. Types and values stand side by side, so that none can miss its other half.
func ruleVariables() []variable {
	text := func(word, meaning string, value func(confirm.RuleInput) string) variable {
		return variable{Variable{word, "string", meaning}, cel.StringType, func(c confirm.RuleInput) any { return value(c) }}
	}
	number := func(word, meaning string, value func(confirm.RuleInput) int) variable {
		return variable{Variable{word, "int", meaning}, cel.IntType, func(c confirm.RuleInput) any { return int64(value(c)) }}
	}
	truth := func(word, meaning string, value func(confirm.RuleInput) bool) variable {
		return variable{Variable{word, "bool", meaning}, cel.BoolType, func(c confirm.RuleInput) any { return value(c) }}
	}
	texts := func(word, meaning string, value func(confirm.RuleInput) []string) variable {
		return variable{Variable{word, "list(string)", meaning}, cel.ListType(cel.StringType), func(c confirm.RuleInput) any { return value(c) }}
	}
	return []variable{
		text("operation", "what is asked for: add_scan, update_scan or delete_scans", func(c confirm.RuleInput) string { return c.Operation }),
		text("requester", "who asks, by the principal they came with, such as slack:TEAM/USER", func(c confirm.RuleInput) string { return string(c.Requester) }),
		texts("person", "who asks, by every principal that is known to be theirs", func(c confirm.RuleInput) []string {
			names := make([]string, len(c.Person))
			for i, principal := range c.Person {
				names[i] = string(principal)
			}
			return names
		}),
		text("via", "the door they came through: "+strings.Join(confirm.Sources(), ", "), func(c confirm.RuleInput) string { return c.Source }),
		truth("agent", "an application or an AI agent asks, and no person", func(c confirm.RuleInput) bool { return c.Agent }),
		texts("scans", "the names of the scans that are touched, before and after", func(c confirm.RuleInput) []string { return c.Scans }),
		texts("scanners", "the names of the scanners that run them", func(c confirm.RuleInput) []string { return c.Scanners }),
		number("count", "how many scans are touched", func(c confirm.RuleInput) int { return c.Count }),
		number("addresses", "how many addresses they target: after the change or, for a delete, before", func(c confirm.RuleInput) int { return c.Addresses }),
		number("public_addresses", "how many of these are public internet addresses", func(c confirm.RuleInput) int { return c.PublicAddresses }),
		number("hostnames", "how many host names they target, whose addresses are not known", func(c confirm.RuleInput) int { return c.Hostnames }),
		truth("inactive_scanner", "one of the scanners was silent for more than a day, or was never seen", func(c confirm.RuleInput) bool { return c.InactiveScanner }),
		truth("replaces_secret", "a credential that Defender stores is replaced", func(c confirm.RuleInput) bool { return c.ReplacesSecret }),
		text("credential", "the named credential that is set, \"\" for none", func(c confirm.RuleInput) string { return c.Credential }),
	}
}

// Of CEL's own, a rule has what compares, counts and searches: nothing that builds large values, matches patterns,
// converts, or knows of types and times.
var (
	operators = []string{"_&&_", "_||_", "!_", "_?_:_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "_+_", "_-_", "-_", "_*_", "@in", "_[_]"}
	functions = []string{"size", "startsWith", "endsWith", "contains"}
	macros    = []string{"exists", "all", "exists_one", "filter"}
)

// newEnvironment is CEL with our words, and of its own what is named above.
func newEnvironment() (*cel.Env, error) {
	var included []*env.Function
	for _, f := range slices.Concat(operators, functions, []string{"@not_strictly_false"}) { // the last is what the macros are made of
		included = append(included, env.NewFunction(f))
	}
	subset := env.NewLibrarySubset().AddIncludedFunctions(included...).AddIncludedMacros(macros...)
	options := []cel.EnvOption{cel.StdLib(cel.StdLibSubset(subset)), cel.ParserExpressionSizeLimit(maxLen), cel.ParserRecursionLimit(maxDepth)}
	for _, n := range ruleVariables() {
		options = append(options, cel.Variable(n.Name, n.celType))
	}
	return cel.NewCustomEnv(options...)
}
