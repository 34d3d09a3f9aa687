// Package rule compiles the rules of a policy, which are written in CEL (cel.dev).
package rule

import "scanwarden/confirm"

// Source is a rule as the policy file has it.
type Source struct {
	Name      string
	When      string // a CEL expression of type bool
	Approvals int
	Refuse    string
	Line      int // where When begins in the file, from 1; 0 where there is no file
	Column    int
}

// Compile checks every rule and makes it ready. The error names each mistake by the file's line and column.
func Compile(sources []Source) ([]confirm.Rule, error) { panic("contract") }

// Words are the names that a rule may use, with their meaning: for help and documentation.
func Words() []Word { panic("contract") }

// Word is one name that a rule may use.
type Word struct{ Name, Type, Meaning string }
