// Package rule compiles the rules of a policy. Rules are expressions in CEL (https://cel.dev), such as
//
//	operation == "delete_scans" && count > 3
//
// Compile turns each Source of the policy file into a confirm.Rule, which the Gate evaluates for every change. A rule
// sees the parts of a change that Variables lists, and nothing else. It can read no clock, no file and no other change,
// so that the same change always gives the same result.
//
// The invariant: a rule that Compile accepts always returns soon, with true, false or an error. Types are checked when
// the policy is loaded, and the cost of one evaluation is bounded. The Gate refuses a change for which a rule returns
// an error.
//
// The engine is created only when there is a rule to compile, so that a policy without rules costs nothing.
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
	maxLen   = 4 << 10 // bytes of an expression, of a name, and of a reason to refuse
)

// Source is the source of one rule, as the policy file has it.
type Source struct {
	Name      string
	When      string // a CEL expression of type bool, at most 4 KiB
	Approvals int    // from 1 to 10; 0 for a rule that refuses or requires an authentication context alone
	Refuse    string // why such a change is not allowed here; "" for a rule that requires approvals
	// AuthContext is the authentication context of Microsoft Entra ID that each approval requires; "" requires none.
	AuthContext string
	// Line and Column give the position in the file where the text of When begins, from 1: after the opening quote, if
	// there is one, and below the indicator of a block scalar. Line 0 means that there is no file.
	//
	// With them, errors have exact positions in an expression on one line and in a literal block ("|"). YAML joins the
	// lines of a folded (">"), plain or quoted scalar while parsing. There the line is the first one and the column keeps
	// counting, as it does after each escape in double quotes. Folds corrects that for folded lines that begin in the
	// same column: how many characters of When each line of the file has, with the space that joins it to the next.
	Line   int
	Column int
	Folds  []int
}

// Compile returns the compiled rules, nil for no sources. The error has one line for each mistake, which begins with
// the line and column in the file. It is also a mistake to compare a variable with a value that it can never have. The
// possible values of operation are operations; with none given, every value is possible.
func Compile(sources []Source, operations ...string) ([]confirm.Rule, error) {
	if len(sources) == 0 {
		return nil, nil
	}
	if len(sources) > maxRules {
		return nil, fmt.Errorf("%sthere are %d rules and may be %d; join some with ||", sources[maxRules].position(0, 0), len(sources), maxRules)
	}
	env, err := newEnvironment()
	if err != nil {
		return nil, fmt.Errorf("start the rule engine: %w", err)
	}
	var errs []error
	rules := make([]confirm.Rule, 0, len(sources))
	for i, s := range sources {
		if err := s.validate(sources[:i]); err != nil {
			errs = append(errs, err)
			continue
		}
		holds, err := s.compileCondition(env, operations)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		rules = append(rules, confirm.Rule{Name: s.Name, Approvals: s.Approvals, Refuse: s.Refuse, AuthContext: s.AuthContext, Condition: s.When, Holds: holds})
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return rules, nil
}

// validate returns the mistakes in a rule besides its expression, joined.
func (s Source) validate(before []Source) error {
	var errs []error
	reject := func(when bool, format string, args ...any) {
		if when {
			errs = append(errs, fmt.Errorf("%s"+format, append([]any{s.position(0, 0)}, args...)...))
		}
	}
	duplicate := slices.ContainsFunc(before, func(b Source) bool { return b.Name == s.Name })
	reject(s.Name == "", "the rule has no name; give it one that people will recognize")
	reject(s.Name != "" && duplicate, "another rule is called %q too; name each one differently", s.Name)
	reject(s.When == "", "the rule %q has no condition; say in when: to which changes it applies", s.Name)
	reject(len(s.When) > maxLen, "the condition of %q has %d bytes and may have %d; make two rules of it", s.Name, len(s.When), maxLen)
	reject(!utf8.ValidString(s.When), "the condition of %q is not UTF-8; save the file in that encoding", s.Name)
	reject(len(s.Name) > maxLen || len(s.Refuse) > maxLen, "the name or the reason of a rule is longer than %d bytes; shorten it", maxLen)
	reject(s.Refuse != "" && s.Approvals != 0, "the rule %q both asks for people and refuses; keep one of approvals: and refuse:", s.Name)
	reject(s.Refuse != "" && s.AuthContext != "", "the rule %q both asks for a sign-in and refuses; keep one of authentication_context: and refuse:", s.Name)
	reject(s.AuthContext != "" && !confirm.IsAuthContext(s.AuthContext), "the authentication_context of %q is no context; write c1 to c99, as in Microsoft Entra", s.Name)
	reject(s.Refuse == "" && !(s.AuthContext != "" && s.Approvals == 0) && (s.Approvals < 1 || s.Approvals > confirm.MaxApprovals),
		"the rule %q asks for %d people; give approvals: from 1 to %d, or refuse: with a reason", s.Name, s.Approvals, confirm.MaxApprovals)
	return errors.Join(errs...)
}

// compileCondition checks the expression and returns the function that evaluates it.
func (s Source) compileCondition(env *cel.Env, operations []string) (func(confirm.RuleInput) (bool, error), error) {
	parsed, issues := env.Parse(s.When)
	if issues.Err() != nil {
		return nil, s.syntaxError(issues.Errors())
	}
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		return nil, s.typeErrors(issues.Errors(), parsed)
	}
	if checked.OutputType() != cel.BoolType {
		return nil, fmt.Errorf("%sthe condition of %q is of type %s, and must be true or false; compare it with something", s.position(0, 0), s.Name, checked.OutputType())
	}
	if err := s.checkLiterals(checked, operations); err != nil {
		return nil, err
	}
	program, err := env.Program(checked, cel.CostLimit(maxCost), cel.InterruptCheckFrequency(interruptEvery))
	if err != nil {
		return nil, fmt.Errorf("%sthe condition of %q cannot be compiled: %w", s.position(0, 0), s.Name, err)
	}
	return func(c confirm.RuleInput) (bool, error) { return evaluate(program, c) }, nil
}
