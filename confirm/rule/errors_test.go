package rule_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"scanwarden/confirm/rule"
)

// sourceAt returns a rule whose condition begins in line 12, column 9 of a file.
func sourceAt(name, when string) rule.Source {
	return rule.Source{Name: name, When: when, Approvals: 2, Line: 12, Column: 9}
}

const known = "; the names are operation, requester, person, via, agent, scans, scanners, count, addresses, public_addresses, " +
	"hostnames, inactive_scanner, replaces_secret, credential"

func TestCompileErrors(t *testing.T) {
	t.Parallel()
	const in = `in the condition of "r", `
	const mixed = ": compare text with text, and numbers with whole numbers"
	const truth = ": a value that is true or false needs no comparison, as in agent or !agent"
	const functions = "; the functions are size, startsWith, endsWith, contains, exists, all, exists_one, filter"
	const invalid = " is not valid here: compare with == and join with && or ||"
	for when, want := range map[string][]string{
		`cnt > 3`:                           {`line 12, column 9: ` + in + `"cnt" is not known here` + known},
		`count > 3 && cnt`:                  {`line 12, column 22: ` + in + `"cnt" is not known here` + known},
		`foo == bar`:                        {`line 12, column 9: ` + in + `"foo" is not known here` + known, `line 12, column 16: ` + in + `"bar" is not known here`},
		`count > "3"`:                       {`line 12, column 15: ` + in + `> does not go with int, string` + mixed},
		`count > 3.5`:                       {`line 12, column 15: ` + in + `> does not go with int, double` + mixed},
		`"x" in operation`:                  {`line 12, column 13: ` + in + `in does not go with string, string` + mixed},
		`!count`:                            {`line 12, column 9: ` + in + `! does not go with int` + mixed},
		`count >`:                           {`line 12, column 16: ` + in + `the expression ends too early; complete it`},
		`count > 3 and agent`:               {`line 12, column 19: ` + in + `"and"` + invalid},
		`"Büro" in scans && "é" == 3`:       {`line 12, column 32: ` + in + `== does not go with string, int` + mixed},
		"count > 3 &&\ncnt > 4 &&\n  foo":   {`line 13, column 9: ` + in + `"cnt" is not known here` + known, `line 14, column 11: ` + in + `"foo" is not known here`},
		"count > 3 &&\n\n  agent ==\n\"x\"": {`line 14, column 17: ` + in + `== does not go with bool, string` + truth},

		// Functions.
		`matches("a")`:                       {`line 12, column 16: ` + in + `"matches" is not a function here` + functions},
		`operation.matches("a") && int("3")`: {`line 12, column 26: ` + in + `"matches" is not a function here` + functions, `line 12, column 38: ` + in + `"int" is not a function here`},
		`scans.map(s, s).size() > cnt`:       {`line 12, column 18: ` + in + `"map" is not a function here` + functions, `line 12, column 34: ` + in + `"cnt" is not known here` + known},
		`count % 2 == 0`:                     {`line 12, column 15: ` + in + `"%" is not an operator here; the operators are && || ! ? : == != < <= > >= + - * in [ ]`},
		`scans.exists("a")`:                  {`line 12, column 21: ` + in + `exists takes a name and a condition, as in scans.exists(s, s == "a")`},
		`scans.contains("a b")`:              {`line 12, column 23: ` + in + `contains looks into one text, and this is a list; write "a b" in scans, or scans.exists(s, s.contains("a b")) for a part of an entry`},
		`person.contains(requester)`:         {`line 12, column 24: ` + in + `contains looks into one text, and this is a list; write requester in person, or person.exists(s, s.contains(requester)) for a part of an entry`},
		`operation.startsWith(3)`:            {`line 12, column 29: ` + in + `startsWith does not go with string and int: it looks for a text in a text, as in credential.startsWith("prod-")`},
		`size(count) > 1`:                    {`line 12, column 13: ` + in + `size counts the characters of a text or the entries of a list, and does not go with int`},
		`count.size() > 1`:                   {`line 12, column 19: ` + in + `size counts the characters of a text or the entries of a list, and does not go with int`},
		`operation.name == "a"`:              {`line 12, column 18: ` + in + `a string has no fields; remove the dot, or call a function`},

		// Booleans, and common slips.
		`agent == "true"`:                     {`line 12, column 15: ` + in + `== does not go with bool, string` + truth},
		`"true" != agent`:                     {`line 12, column 16: ` + in + `!= does not go with string, bool` + truth},
		`count && agent`:                      {`line 12, column 9: ` + in + `this is of type int and must be of type bool; compare it with something`},
		`operation = "add_scan"`:              {`line 12, column 19: ` + in + `"=" compares nothing; compare with ==`},
		`operation = 'add_scan' && count = 1`: {`line 12, column 19: ` + in + `"=" compares nothing; compare with ==`},
		`agent & inactive_scanner`:            {`line 12, column 15: ` + in + `"&"` + invalid},
		`count "x"`:                           {`line 12, column 15: ` + in + `"x"` + invalid},
		`operation == "add_scan`:              {`line 12, column 22: ` + in + `a text has no closing quote; add it`},
		`count`:                               {`line 12, column 9: the condition of "r" is of type int, and must be true or false; compare it with something`},
		`scans`:                               {`line 12, column 9: the condition of "r" is of type list(string), and must be true or false; compare it with something`},
	} {
		_, err := rule.Compile([]rule.Source{sourceAt("r", when)})
		if err == nil {
			t.Errorf("%s gives no error", when)
			continue
		}
		if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
	}
}

// A folded block is one line to the engine and several lines in the file.
func TestErrorsInFoldedBlocksHaveTheirPosition(t *testing.T) {
	t.Parallel()
	source := sourceAt("r", `count > 3 && "é" in scans && cnt > 1`)
	for _, tt := range []struct {
		folds []int
		want  string
	}{
		{nil, "line 12, column 38: "},
		{[]int{36}, "line 12, column 38: "},
		{[]int{13, 23}, "line 13, column 25: "},
		{[]int{13, 16, 7}, "line 14, column 9: "},
		{[]int{13, 10}, "line 13, column 25: "}, // a position after the last line is on the last line
	} {
		source.Folds = tt.folds
		if _, err := rule.Compile([]rule.Source{source}); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("with the folds %v: %v, want %s", tt.folds, err, tt.want)
		}
	}
}

// CEL's conversions, pattern matching, construction and time, none of which a rule needs.
func TestCompileRejectsUnneededParts(t *testing.T) {
	t.Parallel()
	for _, when := range []string{
		`operation.matches("(a*)*")`, `scans.map(s, s).size() > 1`, `int("3") > 2`, `dyn(1) == 1`, `type(count) == int`,
		`has(scans.x)`, `timestamp("2026-01-01T00:00:00Z") < timestamp("2027-01-01T00:00:00Z")`, `duration("1s") == duration("1s")`,
		`string(count) == "1"`, `bytes("x") == b"x"`, `optional.none() == 1`, `now > 3`, `count % 2 == 0`, `count / 0 == 1`,
		`code == ""`, `digest == ""`, `Facts{}.count == 1`,
	} {
		if _, err := rule.Compile([]rule.Source{sourceAt("r", when)}); err == nil {
			t.Errorf("%s compiles", when)
		}
	}
}

func TestCompileReturnsAllErrors(t *testing.T) {
	t.Parallel()
	alter := func(name string, f func(*rule.Source)) rule.Source {
		s := sourceAt(name, "agent")
		f(&s)
		return s
	}
	long := strings.Repeat(" ", 4<<10)
	_, err := rule.Compile([]rule.Source{
		sourceAt("good", "agent"),
		sourceAt("", "agent"),
		sourceAt("good", "agent"),
		sourceAt("empty", ""),
		sourceAt("long", "agent"+long),
		sourceAt("binary", "\xff"),
		alter("none", func(s *rule.Source) { s.Approvals = 0 }),
		alter("many", func(s *rule.Source) { s.Approvals = 11 }),
		alter("both", func(s *rule.Source) { s.Refuse = "no" }),
		alter("reason", func(s *rule.Source) { s.Refuse, s.Approvals = long+"x", 0 }),
		alter("elsewhere", func(s *rule.Source) { s.When, s.Line, s.Column = "cnt", 40, 1 }),
		alter("nowhere", func(s *rule.Source) { s.When, s.Line, s.Column = "cnt", 0, 0 }),
	})
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	want := []string{
		"line 12, column 9: the rule has no name", `called "good" too`, `"empty" has no condition`, "4101 bytes and may have 4096",
		`"binary" is not UTF-8`, `"none" asks for 0 people`, `"many" asks for 11 people`, `"both" both asks for people and refuses`,
		"longer than 4096 bytes", `line 40, column 1: in the condition of "elsewhere"`, `in the condition of "nowhere", "cnt"`,
	}
	if len(lines) != len(want) {
		t.Fatalf("%d errors, want %d:\n%v", len(lines), len(want), err)
	}
	for i, w := range want {
		if !strings.Contains(lines[i], w) {
			t.Errorf("error %d is %q, want it to contain %q", i, lines[i], w)
		}
	}
	if strings.Contains(lines[10], "line") {
		t.Errorf("without a file: %q", lines[10])
	}
}

func TestTooManyRules(t *testing.T) {
	t.Parallel()
	var sources []rule.Source
	for i := range 101 {
		s := sourceAt(strings.Repeat("x", i+1), "agent")
		s.Line = i + 1
		sources = append(sources, s)
	}
	if _, err := rule.Compile(sources); err == nil || !strings.Contains(err.Error(), "line 101, column 9: there are 101 rules and may be 100") {
		t.Errorf("got %v", err)
	}
	if rules, err := rule.Compile(sources[:100]); err != nil || len(rules) != 100 {
		t.Errorf("100 rules give %d, %v", len(rules), err)
	}
}

func TestCompileRejectsDeepBrackets(t *testing.T) {
	t.Parallel()
	when := strings.Repeat("(", 1000) + "agent" + strings.Repeat(")", 1000)
	if _, err := rule.Compile([]rule.Source{sourceAt("r", when)}); err == nil {
		t.Error("it compiles")
	}
}
