package rule_test

import (
	"fmt"
	"strings"
	"testing"

	"scanwarden/confirm"
	"scanwarden/confirm/rule"
)

func compile(t testing.TB, when string) confirm.Rule {
	t.Helper()
	rules, err := rule.Compile([]rule.Source{{Name: "r", When: when, Approvals: 2}})
	if err != nil {
		t.Fatal(err)
	}
	return rules[0]
}

func holds(t testing.TB, when string, c confirm.RuleInput) bool {
	t.Helper()
	is, err := compile(t, when).Holds(c)
	if err != nil {
		t.Errorf("%s: %v", when, err)
	}
	return is
}

// The examples of the documentation, each with a change that it matches and one that it narrowly does not match.
func TestExamples(t *testing.T) {
	t.Parallel()
	for when, tt := range map[string]struct{ is, not confirm.RuleInput }{
		`operation == "delete_scans" && count > 3`: {
			confirm.RuleInput{Operation: "delete_scans", Facts: confirm.Facts{Count: 4}},
			confirm.RuleInput{Operation: "delete_scans", Facts: confirm.Facts{Count: 3}},
		},
		`public_addresses > 0`: {
			confirm.RuleInput{Facts: confirm.Facts{PublicAddresses: 1}}, confirm.RuleInput{Facts: confirm.Facts{Addresses: 1}},
		},
		`addresses > 1000`: {
			confirm.RuleInput{Facts: confirm.Facts{Addresses: 1001}}, confirm.RuleInput{Facts: confirm.Facts{Addresses: 1000}},
		},
		`inactive_scanner`: {
			confirm.RuleInput{Facts: confirm.Facts{InactiveScanner: true}}, confirm.RuleInput{},
		},
		`"Branch routers" in scans`: {
			confirm.RuleInput{Facts: confirm.Facts{Scans: []string{"Core", "Branch routers"}}},
			confirm.RuleInput{Facts: confirm.Facts{Scans: []string{"Core", "Branch router"}}},
		},
		`scans.exists(s, s.startsWith("prod-"))`: {
			confirm.RuleInput{Facts: confirm.Facts{Scans: []string{"dev-1", "prod-1"}}},
			confirm.RuleInput{Facts: confirm.Facts{Scans: []string{"dev-1", "not-prod-1"}}},
		},
		`requester.startsWith("slack:") && hostnames > 0`: {
			confirm.RuleInput{Requester: "slack:T1/U1", Facts: confirm.Facts{Hostnames: 1}},
			confirm.RuleInput{Requester: "token:slack:", Facts: confirm.Facts{Hostnames: 1}},
		},
	} {
		if !holds(t, when, tt.is) || holds(t, when, tt.not) {
			t.Errorf("%s does not distinguish %+v from %+v", when, tt.is, tt.not)
		}
	}
}

// Each variable has the value of its own part of a change, and of no other.
func TestEachVariableHasItsOwnValue(t *testing.T) {
	t.Parallel()
	parts := map[string]struct {
		when   string
		change confirm.RuleInput
	}{
		"operation":        {`operation == "x"`, confirm.RuleInput{Operation: "x"}},
		"requester":        {`requester == "token:x"`, confirm.RuleInput{Requester: "token:x"}},
		"person":           {`"token:x" in person`, confirm.RuleInput{Person: []confirm.Principal{"local:x", "token:x"}}},
		"via":              {`via == "Slack"`, confirm.RuleInput{Source: "Slack"}},
		"agent":            {`agent`, confirm.RuleInput{Agent: true}},
		"scans":            {`scans == ["x"]`, confirm.RuleInput{Facts: confirm.Facts{Scans: []string{"x"}}}},
		"scanners":         {`scanners == ["x"]`, confirm.RuleInput{Facts: confirm.Facts{Scanners: []string{"x"}}}},
		"count":            {`count == 7`, confirm.RuleInput{Facts: confirm.Facts{Count: 7}}},
		"addresses":        {`addresses == 7`, confirm.RuleInput{Facts: confirm.Facts{Addresses: 7}}},
		"public_addresses": {`public_addresses == 7`, confirm.RuleInput{Facts: confirm.Facts{PublicAddresses: 7}}},
		"hostnames":        {`hostnames == 7`, confirm.RuleInput{Facts: confirm.Facts{Hostnames: 7}}},
		"inactive_scanner": {`inactive_scanner`, confirm.RuleInput{Facts: confirm.Facts{InactiveScanner: true}}},
		"replaces_secret":  {`replaces_secret`, confirm.RuleInput{Facts: confirm.Facts{ReplacesSecret: true}}},
		"credential":       {`credential == "x"`, confirm.RuleInput{Facts: confirm.Facts{Credential: "x"}}},
	}
	for word, tt := range parts {
		for other, o := range parts {
			if got := holds(t, tt.when, o.change); got != (word == other) {
				t.Errorf("for a change that has only %s, %s is %v", other, tt.when, got)
			}
		}
	}
	words := rule.Variables()
	for _, w := range words {
		if _, known := parts[w.Name]; !known || w.Meaning == "" || w.Type == "" {
			t.Errorf("the variable %+v", w)
		}
		if rules, err := rule.Compile([]rule.Source{{Name: "r", When: fmt.Sprintf("%s == %s", w.Name, w.Name), Approvals: 1}}); err != nil || len(rules) != 1 {
			t.Errorf("%s cannot be used: %v", w.Name, err)
		}
	}
	if len(words) != len(parts) {
		t.Errorf("there are %d variables and %d parts", len(words), len(parts))
	}
}

func TestCompileKeepsTheRule(t *testing.T) {
	t.Parallel()
	rules, err := rule.Compile([]rule.Source{
		{Name: "two", When: "count > 3", Approvals: 2}, {Name: "none", When: "agent", Refuse: "not by agents"},
		{Name: "strong", When: "agent", AuthContext: "c1"}, {Name: "both", When: "agent", AuthContext: "c99", Approvals: 3},
	})
	if err != nil || len(rules) != 4 {
		t.Fatal(rules, err)
	}
	if r := rules[0]; r.Name != "two" || r.Approvals != 2 || r.Refuse != "" || r.Condition != "count > 3" {
		t.Errorf("the first is %+v", r)
	}
	if r := rules[1]; r.Name != "none" || r.Approvals != 0 || r.Refuse != "not by agents" {
		t.Errorf("the second is %+v", r)
	}
	if rules[2].AuthContext != "c1" || rules[2].Approvals != 0 || rules[3].AuthContext != "c99" || rules[3].Approvals != 3 {
		t.Errorf("the others are %+v", rules[2:])
	}
	for _, s := range []rule.Source{{AuthContext: "c0"}, {AuthContext: "c1", Refuse: "no"}, {AuthContext: "c1", Approvals: 11}} {
		s.Name, s.When = "r", "agent"
		compiled := confirm.Rule{Name: "r", Approvals: s.Approvals, Refuse: s.Refuse, AuthContext: s.AuthContext, Holds: rules[0].Holds}
		if _, err := rule.Compile([]rule.Source{s}); err == nil || (confirm.Policy{Rules: []confirm.Rule{compiled}}).Check() == nil {
			t.Errorf("%+v is accepted", s)
		}
	}
	if err := (confirm.Policy{Rules: rules}).Check(); err != nil {
		t.Error(err)
	}
	if none, err := rule.Compile(nil); none != nil || err != nil {
		t.Errorf("no rules give %v, %v", none, err)
	}
}

// A rule without a result, or that takes too long, returns an error and never false.
func TestARuleWithoutAResultIsAnError(t *testing.T) {
	t.Parallel()
	many := make([]string, 300)
	for i := range many {
		many[i] = strings.Repeat("x", 50)
	}
	for when, tt := range map[string]struct {
		change   confirm.RuleInput
		contains string
	}{
		`scans[5] == "x"`:                 {confirm.RuleInput{}, "index out of bounds"},
		`9223372036854775807 + count > 0`: {confirm.RuleInput{Facts: confirm.Facts{Count: 1}}, "overflow"},
		`scans.exists(a, scans.exists(b, scans.exists(c, scans.exists(d, a + b == c + d + "x"))))`: {
			confirm.RuleInput{Facts: confirm.Facts{Scans: many}}, "takes too many steps"},
		`scans.all(a, scans.all(b, (a + b).contains("xx")))`: {confirm.RuleInput{Facts: confirm.Facts{Scans: append(many, many...)}}, "takes too many steps"},
	} {
		if is, err := compile(t, when).Holds(tt.change); is || err == nil || !strings.Contains(err.Error(), tt.contains) {
			t.Errorf("%s: got %v, %v, want an error that contains %q", when, is, err, tt.contains)
		}
	}
	// A plain loop over as many entries is far below the limit.
	if holds(t, `scans.exists(s, s.startsWith("prod-"))`, confirm.RuleInput{Facts: confirm.Facts{Scans: append(many, many...)}}) {
		t.Error("it holds")
	}
}

func TestARuleIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	r := compile(t, "count > 3")
	done := make(chan error)
	for i := range 16 {
		go func() {
			is, err := r.Holds(confirm.RuleInput{Facts: confirm.Facts{Count: i}})
			if err == nil && is != (i > 3) {
				err = fmt.Errorf("for %d it returned %v", i, is)
			}
			done <- err
		}()
	}
	for range 16 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// FuzzCompile checks that no expression makes Compile or the rule panic, that each error is one line which begins with a
// position, and that a rule returns the same result each time.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		`operation == "delete_scans" && count > 3`, "count >\n  foo", `scans.exists(s, s == "x")`, "((", `scans[9] == ""`, `"`, "\x00", "1 ? 2 : 3",
	} {
		f.Add(seed)
	}
	c := confirm.RuleInput{Operation: "delete_scans", Facts: confirm.Facts{Scans: []string{"a", "b"}, Count: 4}}
	f.Fuzz(func(t *testing.T, when string) {
		rules, err := rule.Compile([]rule.Source{{Name: "r", When: when, Approvals: 1, Line: 7, Column: 3}})
		if err != nil {
			for _, line := range strings.Split(err.Error(), "\n") {
				var l, col int
				if n, _ := fmt.Sscanf(line, "line %d, column %d: ", &l, &col); n != 2 || l < 7 || col < 3 {
					t.Errorf("%q: the error %q has no position in the file", when, line)
				}
			}
			return
		}
		first, err1 := rules[0].Holds(c)
		second, err2 := rules[0].Holds(c)
		if first != second || (err1 == nil) != (err2 == nil) || (err1 != nil && first) {
			t.Errorf("%q returned %v (%v) and then %v (%v)", when, first, err1, second, err2)
		}
	})
}
