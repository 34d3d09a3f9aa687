package config

import (
	"fmt"
)

// Finding is one result of a check, as `scanwarden doctor` prints it.
type Finding struct {
	Check  string `json:"check"`
	Status string `json:"status"` // ok, note or wrong
	Says   string `json:"says"`
	Next   string `json:"next,omitempty"` // what to do, "" if nothing has to be done
}

// The statuses of a finding. A note prevents nothing from working.
const (
	StatusOK      = "ok"
	StatusNote    = "note"
	StatusProblem = "wrong"
)

// Pass returns a finding for what is in order.
func Pass(format string, args ...any) Finding {
	return Finding{Status: StatusOK, Says: fmt.Sprintf(format, args...)}
}

// Problem returns a finding for what prevents something from working.
func Problem(says, next string) Finding {
	return Finding{Status: StatusProblem, Says: says, Next: next}
}

// Note returns a finding for what works and deserves attention.
func Note(says, next string) Finding { return Finding{Status: StatusNote, Says: says, Next: next} }

// Plural returns the number with its noun, "1 scan" or "2 scans". It adds an s and knows no other plural.
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// CountPeople returns "1 person" or "2 people".
func CountPeople(n int) string {
	if n == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%d people", n)
}
