package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/server"
	"scanwarden/cmd/scanwarden/internal/terminal"
	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

// newPeopleCommand returns `scanwarden people`, which lists linked identities and has the commands list and unlink.
func newPeopleCommand(e environment) *cobra.Command {
	var asJSON bool
	list := func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(cmd, args[0])
		}
		return runPeopleList(e, givenSettings(cmd), asJSON)
	}
	cmd := &cobra.Command{
		Use: "people", GroupID: groupInspect, Example: "scanwarden people", Args: cobra.ArbitraryArgs,
		Short: "List which identities belong to one person, or remove a link.", RunE: list,
	}
	all := &cobra.Command{
		Use: "list", Example: "scanwarden people list --json",
		Short: "List which identities belong to one person, by configuration or by a link.", RunE: list,
	}
	unlink := &cobra.Command{
		Use: "unlink PRINCIPAL", Example: "scanwarden people unlink slack:T024BE7LD/U024BE7LH", Args: cobra.ArbitraryArgs,
		Short: "Remove the link of a Slack user, slack:TEAM/USER; the user may then link again.",
		RunE:  func(cmd *cobra.Command, args []string) error { return runPeopleUnlink(e, givenSettings(cmd), args) },
	}
	for _, c := range []*cobra.Command{cmd, all} {
		c.Flags().BoolVar(&asJSON, "json", false, "Print a JSON array, for programs.")
	}
	for _, c := range []*cobra.Command{cmd, all, unlink} {
		addLedgerFlags(c)
	}
	cmd.AddCommand(all, unlink)
	return cmd
}

// runPeopleList lists the people with several identities.
func runPeopleList(e environment, flags config.Flags, asJSON bool) error {
	cfg, err := config.Load(e.env, flags)
	if err != nil {
		return err
	}
	var links []confirm.Link
	err = withStore(e, flags, func(ledger *store.Store) (err error) {
		links, err = ledger.Links(e.ctx)
		return err
	})
	if err != nil && !errors.Is(err, server.ErrNoStore) {
		return err
	}
	known := linkedPeople(cfg.People, links)
	if asJSON {
		return writeJSON(e.stdout, known)
	}
	return printPeople(newPrinter(e), known, time.Local)
}

// linkedPerson is a person with several principals, for programs.
type linkedPerson struct {
	Name       string     `json:"name"`
	Principals []string   `json:"principals"`
	JoinedBy   string     `json:"joined_by"` // configuration, sign-in or e-mail
	At         *time.Time `json:"at,omitempty"`
}

// linkedPeople returns the people of the configuration and of the links.
func linkedPeople(configured []config.PersonSettings, links []confirm.Link) []linkedPerson {
	known := []linkedPerson{}
	for _, p := range configured {
		known = append(known, linkedPerson{Name: p.Name, Principals: p.Principals, JoinedBy: "configuration"})
	}
	for _, l := range links {
		known = append(known, linkedPerson{Name: l.Name, Principals: []string{string(l.From), string(l.To)}, JoinedBy: l.How, At: &l.At})
	}
	return known
}

// printPeople prints linked people: the name and what joined the principals, then each principal on a line of its own.
// Times are in zone.
func printPeople(p *terminal.Printer, known []linkedPerson, zone *time.Location) error {
	if len(known) == 0 {
		p.Print(terminal.WrapText(terminal.Plain, "no identities are linked: each principal is a person of its own", p.Width(), 0)...)
	}
	for i, person := range known {
		if i > 0 {
			p.Print(nil)
		}
		by := "joined by " + person.JoinedBy
		if person.At != nil {
			by += ", " + person.At.In(zone).Format(timeLayout)
		}
		p.Print(terminal.Beside(terminal.Styled(terminal.Bold, person.Name), terminal.Styled(terminal.Dim, by), min(p.Width(), maxEdge))...)
		for _, principal := range person.Principals {
			// One blank: an Entra principal has 79 columns.
			p.Print(terminal.WrapText(terminal.Plain, principal, p.Width(), 1)...)
		}
	}
	return p.Err()
}

// runPeopleUnlink removes a link, with an entry in the audit log.
func runPeopleUnlink(e environment, flags config.Flags, args []string) error {
	if len(args) != 1 {
		return usageError{errors.New("people unlink: name whose link to remove, slack:TEAM/USER; `scanwarden people` lists them")}
	}
	principal := args[0]
	if err := config.CheckPrincipal(principal, []string{"slack:"}); err != nil {
		return usageError{fmt.Errorf("people unlink: %w", err)}
	}
	return withStore(e, flags, func(ledger *store.Store) error {
		err := ledger.Unlink(e.ctx, confirm.Principal(principal), time.Now(), "taken back by an operator, "+string(server.LocalUser(e.env)))
		if errors.Is(err, confirm.ErrNotFound) {
			return fmt.Errorf("%s is not linked; `scanwarden people` lists who is", principal)
		}
		if err == nil {
			p := newPrinter(e)
			p.Print(terminal.WrapText(terminal.Plain, principal+" is a person of its own again", p.Width(), 0)...)
			err = p.Err()
		}
		return err
	})
}
