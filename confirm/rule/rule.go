// Package rule compiles the rules of a policy, which are written in CEL (https://cel.dev): expressions such as
//
//	operation == "delete_scans" && count > 3
//
// A rule sees what a change means, by the names that Words lists, and nothing else: it can read no clock, no file
// and no other change, so that the same change is judged the same way every time.
//
// The invariant: a rule that Compile lets through always answers, soon, with yes, no or an error. Types are
// checked when the policy is loaded, and what one evaluation may cost is bounded; what an error means is for the
// gate to say, and it refuses.
//
// The engine is made when there is a rule to compile, and not before: a policy without rules costs nothing.
package rule

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"cel.dev/cel-go/cel"

	"scanwarden/confirm"
)

const (
	maxRules = 100
	maxLen   = 4 << 10 // bytes of an expression, a name, or a reason to refuse
)

// Source is a rule as the policy file has it.
type Source struct {
	Name      string
	When      string // a CEL expression of type bool, at most 4 KiB
	Approvals int    // from 1 to 10; 0 where it refuses
	Refuse    string // why such a change is not allowed here; "" where it asks for people
	// Line and Column are where the text of When begins in the file, from 1: behind the opening quote, if there is
	// one, and below the sign of a block scalar. Line 0 means that there is no file.
	//
	// They make positions exact in an expression on one line, and in a literal block ("|"). YAML joins the lines
	// of a folded (">"), plain or quoted scalar before anybody sees them: there the line is the first one and the
	// column counts on, as it does past each escape in double quotes. Folds mend that for folded lines which begin in
	// one column: how many characters of When stand on each line of the file, with the blank that joins it to the next.
	Line   int
	Column int
	Folds  []int
}

// Compile checks every rule and makes it ready. The error names all mistakes, one to a line, each by the file's line
// and column. A condition that compares a word with what it can never be is a mistake, too, such as operation with none of
// these; without any, every name is taken. No sources give no rules, and do not start the engine.
func Compile(sources []Source, operations ...string) ([]confirm.Rule, error) {
	if len(sources) == 0 {
		return nil, nil
	}
	if len(sources) > maxRules {
		return nil, fmt.Errorf("%sthere are %d rules and may be %d; join some with ||", sources[maxRules].position(0, 0), len(sources), maxRules)
	}
	env, err := newEnvironment()
	if err != nil {
		return nil, fmt.Errorf("start the rules' engine: %w", err)
	}
	var mistakes []error
	rules := make([]confirm.Rule, 0, len(sources))
	for i, s := range sources {
		if err := s.validate(sources[:i]); err != nil {
			mistakes = append(mistakes, err)
			continue
		}
		holds, err := s.compile(env, operations)
		if err != nil {
			mistakes = append(mistakes, err)
			continue
		}
		rules = append(rules, confirm.Rule{Name: s.Name, Approvals: s.Approvals, Refuse: s.Refuse, Condition: s.When, Holds: holds})
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}
	return rules, nil
}

// validate says what is wrong with a rule besides its expression.
func (s Source) validate(before []Source) error {
	var wrong []error
	say := func(is bool, format string, args ...any) {
		if is {
			wrong = append(wrong, fmt.Errorf("%s"+format, append([]any{s.position(0, 0)}, args...)...))
		}
	}
	twice := slices.ContainsFunc(before, func(b Source) bool { return b.Name == s.Name })
	say(s.Name == "", "the rule has no name; give it one that people will recognise")
	say(s.Name != "" && twice, "another rule is called %q too; name each one differently", s.Name)
	say(s.When == "", "the rule %q has no condition; say in when: to which changes it applies", s.Name)
	say(len(s.When) > maxLen, "the condition of %q has %d bytes and may have %d; make two rules of it", s.Name, len(s.When), maxLen)
	say(!utf8.ValidString(s.When), "the condition of %q is not UTF-8; save the file in that encoding", s.Name)
	say(len(s.Name) > maxLen || len(s.Refuse) > maxLen, "the name or the reason of a rule is longer than %d bytes; shorten it", maxLen)
	say(s.Refuse != "" && s.Approvals != 0, "the rule %q both asks for people and refuses; keep one of approvals: and refuse:", s.Name)
	say(s.Refuse == "" && (s.Approvals < 1 || s.Approvals > confirm.MaxApprovals),
		"the rule %q asks for %d people; give approvals: from 1 to %d, or refuse: with a reason", s.Name, s.Approvals, confirm.MaxApprovals)
	return errors.Join(wrong...)
}

// compile checks the expression and returns what evaluates it.
func (s Source) compile(env *cel.Env, operations []string) (func(confirm.RuleInput) (bool, error), error) {
	parsed, issues := env.Parse(s.When)
	if issues.Err() != nil {
		return nil, s.syntaxError(issues.Errors())
	}
	ast, issues := env.Check(parsed)
	if issues.Err() != nil {
		return nil, s.typeErrors(issues.Errors(), parsed)
	}
	if ast.OutputType() != cel.BoolType {
		return nil, fmt.Errorf("%sthe condition of %q is of type %s, and must be true or false; compare it with something", s.position(0, 0), s.Name, ast.OutputType())
	}
	if err := s.checkLiterals(ast, operations); err != nil {
		return nil, err
	}
	program, err := env.Program(ast, cel.CostLimit(maxCost), cel.InterruptCheckFrequency(interruptEvery))
	if err != nil {
		return nil, fmt.Errorf("%sthe condition of %q cannot be made ready: %w", s.position(0, 0), s.Name, err)
	}
	return func(c confirm.RuleInput) (bool, error) { return evaluate(program, c) }, nil
}
