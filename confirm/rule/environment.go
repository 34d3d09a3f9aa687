package rule

import (
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/env"

	"scanwarden/confirm"
)

// Variable describes one name that a rule can use.
type Variable struct{ Name, Type, Meaning string }

// Variables returns the names that a rule can use, with type and meaning, for help and documentation.
func Variables() []Variable {
	var all []Variable
	for _, v := range ruleVariables() {
		all = append(all, v.Variable)
	}
	return all
}

// variable is a Variable with its CEL type and the function that reads its value from a change.
type variable struct {
	Variable
	celType *cel.Type
	value   func(confirm.RuleInput) any
}

// ruleVariables returns everything that a rule can see. Types and values are in one table, so that none is missing.
func ruleVariables() []variable {
	stringVar := func(name, meaning string, value func(confirm.RuleInput) string) variable {
		return variable{Variable{name, "string", meaning}, cel.StringType, func(c confirm.RuleInput) any { return value(c) }}
	}
	intVar := func(name, meaning string, value func(confirm.RuleInput) int) variable {
		return variable{Variable{name, "int", meaning}, cel.IntType, func(c confirm.RuleInput) any { return int64(value(c)) }}
	}
	boolVar := func(name, meaning string, value func(confirm.RuleInput) bool) variable {
		return variable{Variable{name, "bool", meaning}, cel.BoolType, func(c confirm.RuleInput) any { return value(c) }}
	}
	listVar := func(name, meaning string, value func(confirm.RuleInput) []string) variable {
		return variable{Variable{name, "list(string)", meaning}, cel.ListType(cel.StringType), func(c confirm.RuleInput) any { return value(c) }}
	}
	return []variable{
		stringVar("operation", "the operation: add_scan, update_scan or delete_scans", func(c confirm.RuleInput) string { return c.Operation }),
		stringVar("requester", "the requester, as the principal they signed in with, such as slack:TEAM/USER", func(c confirm.RuleInput) string { return string(c.Requester) }),
		listVar("person", "every known principal of the requester", personPrincipals),
		stringVar("via", "the source of the change: "+strings.Join(confirm.Sources(), ", "), func(c confirm.RuleInput) string { return c.Source }),
		boolVar("agent", "the requester is an application or an AI agent, and not a person", func(c confirm.RuleInput) bool { return c.Agent }),
		listVar("scans", "the names of the scans that are touched, before and after", func(c confirm.RuleInput) []string { return c.Scans }),
		listVar("scanners", "the names of the scanners that run them", func(c confirm.RuleInput) []string { return c.Scanners }),
		intVar("count", "how many scans are touched", func(c confirm.RuleInput) int { return c.Count }),
		intVar("addresses", "how many addresses they target: after the change or, for a delete, before", func(c confirm.RuleInput) int { return c.Addresses }),
		intVar("public_addresses", "how many of these are public internet addresses", func(c confirm.RuleInput) int { return c.PublicAddresses }),
		intVar("hostnames", "how many host names they target, whose addresses are not known", func(c confirm.RuleInput) int { return c.Hostnames }),
		boolVar("inactive_scanner", "one of the scanners was silent for more than a day, or was never seen", func(c confirm.RuleInput) bool { return c.InactiveScanner }),
		boolVar("replaces_secret", "a credential that Defender stores is replaced", func(c confirm.RuleInput) bool { return c.ReplacesSecret }),
		stringVar("credential", "the named credential that is set, \"ask\" for one that the approver types, \"\" for none", func(c confirm.RuleInput) string { return c.Credential }),
	}
}

// personPrincipals returns the value of the variable person.
func personPrincipals(c confirm.RuleInput) []string {
	names := make([]string, len(c.Person))
	for i, principal := range c.Person {
		names[i] = string(principal)
	}
	return names
}

// The parts of CEL that a rule can use: those that compare, count and search. Excluded are those that build large values,
// match patterns, convert, or depend on types and times.
var (
	operators = []string{"_&&_", "_||_", "!_", "_?_:_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "_+_", "_-_", "-_", "_*_", "@in", "_[_]"}
	functions = []string{"size", "startsWith", "endsWith", "contains"}
	macros    = []string{"exists", "all", "exists_one", "filter"}
)

// newEnvironment returns a CEL environment with our variables and the parts of CEL above.
func newEnvironment() (*cel.Env, error) {
	var included []*env.Function
	for _, f := range slices.Concat(operators, functions, []string{"@not_strictly_false"}) { // the macros expand to the last one
		included = append(included, env.NewFunction(f))
	}
	subset := env.NewLibrarySubset().AddIncludedFunctions(included...).AddIncludedMacros(macros...)
	options := []cel.EnvOption{cel.StdLib(cel.StdLibSubset(subset)), cel.ParserExpressionSizeLimit(maxLen), cel.ParserRecursionLimit(maxDepth)}
	for _, v := range ruleVariables() {
		options = append(options, cel.Variable(v.Name, v.celType))
	}
	return cel.NewCustomEnv(options...)
}
