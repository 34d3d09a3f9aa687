package main

import (
	"errors"
	"fmt"
	"io"
	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/server"
	"scanwarden/confirm"
	"scanwarden/confirm/store"
	"strings"
	"text/tabwriter"
	"time"
)

type peopleCommand struct {
	List   listPeople   `cmd:"" default:"withargs" help:"List who is one and the same person, by configuration or by a link."`
	Unlink unlinkPerson `cmd:"" help:"Take a link back; the person may then link again. Example: scanwarden people unlink slack:T024BE7LD/U024BE7LH"`
}

type listPeople struct {
	JSON bool `help:"Print a JSON array, for programs."`
	ledgerFlags
}

// Run lists the joined people.
func (l listPeople) Run(w environment, flags config.Flags) error {
	cfg, err := config.Load(w.env, flags)
	if err != nil {
		return err
	}
	var links []confirm.Link
	err = withStore(w, flags, func(ledger *store.Store) (err error) {
		links, err = ledger.Links(w.ctx)
		return err
	})
	if err != nil && !errors.Is(err, server.ErrNoStore) {
		return err
	}
	known := linkedPeople(cfg.People, links)
	if l.JSON {
		return writeJSON(w.stdout, known)
	}
	return printPeople(w.stdout, known)
}

// linkedPerson is somebody with several principals, for programs.
type linkedPerson struct {
	Name       string     `json:"name"`
	Principals []string   `json:"principals"`
	JoinedBy   string     `json:"joined_by"` // configuration, sign-in or e-mail
	At         *time.Time `json:"at,omitempty"`
}

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

func printPeople(out io.Writer, known []linkedPerson) error {
	if len(known) == 0 {
		_, err := fmt.Fprintln(out, "nobody is joined: every principal is a person of its own")
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tPRINCIPALS\tJOINED BY")
	for _, p := range known {
		by := p.JoinedBy
		if p.At != nil {
			by += ", " + p.At.Local().Format(timeLayout)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", p.Name, strings.Join(p.Principals, ", "), by)
	}
	return table.Flush()
}

type unlinkPerson struct {
	Principal string `arg:"" help:"The Slack principal of the link, slack:TEAM/USER."`
	ledgerFlags
}

// Run takes a link back, with an entry in the audit log.
func (u unlinkPerson) Run(w environment, flags config.Flags) error {
	if u.Principal == "" {
		return usageError{errors.New("people unlink: name whose link to take back, slack:TEAM/USER; `scanwarden people` lists them")}
	}
	if err := config.CheckPrincipal(u.Principal, []string{"slack:"}); err != nil {
		return usageError{fmt.Errorf("people unlink: %w", err)}
	}
	return withStore(w, flags, func(ledger *store.Store) error {
		err := ledger.Unlink(w.ctx, confirm.Principal(u.Principal), time.Now(), "taken back by an operator, "+string(server.LocalUser(w.env)))
		if errors.Is(err, confirm.ErrNotFound) {
			return fmt.Errorf("%s is not linked; `scanwarden people` lists who is", u.Principal)
		}
		if err == nil {
			_, err = fmt.Fprintf(w.stdout, "%s is a person of its own again\n", u.Principal)
		}
		return err
	})
}
