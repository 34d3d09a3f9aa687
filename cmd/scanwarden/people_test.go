package main

import (
	"testing"
	"time"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/terminal"
	"scanwarden/confirm"
)

// TestPeopleOnATerminal compares the list with its golden file: the longest principals fit 80 columns, and a name from a
// link cannot move the cursor.
func TestPeopleOnATerminal(t *testing.T) {
	entra := "entra:0335a792-18d2-424b-aeed-559567054570/7e0d5d4c-36f3-44fc-8be7-c16edf987d6e"
	at := time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC)
	known := linkedPeople(
		[]config.PersonSettings{{Name: "Ada Lovelace", Principals: []string{"slack:T024BE7LD/U024BE7LH", entra, "token:ada"}}},
		[]confirm.Link{{Name: "Grace\x1b[2J Hopper", From: "slack:T024BE7LD/U024BE7LJ", To: confirm.Principal(entra), How: "sign-in", At: at}})
	for name, people := range map[string][]linkedPerson{"people": known, "people-none": nil} {
		checkGolden(t, name, func(p *terminal.Printer) {
			if err := printPeople(p, people, time.UTC); err != nil {
				t.Error(err)
			}
		})
	}
}
