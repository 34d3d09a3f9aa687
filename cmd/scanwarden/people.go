package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

type peopleCommand struct {
	List   listPeople   `cmd:"" default:"withargs" help:"List who is one and the same person, by configuration or by a link."`
	Unlink unlinkPerson `cmd:"" help:"Take a link back; the person may then link again. Example: scanwarden people unlink slack:T024BE7LD/U024BE7LH"`
}

type listPeople struct{ ledgerFlags }

// Run lists the joined people.
func (listPeople) Run(w world, flags flagValues) error {
	cfg, err := load(w.environment, flags)
	if err != nil {
		return err
	}
	var links []confirm.Link
	err = withLedger(w, flags, func(ledger *store.Store) (err error) {
		links, err = ledger.Links(w.ctx)
		return err
	})
	if err != nil && !errors.Is(err, errNoLedger) {
		return err
	}
	return printPeople(w.out, cfg.People, links)
}

func printPeople(out io.Writer, configured []personConfig, links []confirm.Link) error {
	if len(configured)+len(links) == 0 {
		_, err := fmt.Fprintln(out, "nobody is joined: every principal is a person of its own")
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tPRINCIPALS\tJOINED BY")
	for _, person := range configured {
		fmt.Fprintf(table, "%s\t%s\tconfiguration\n", person.Name, strings.Join(person.Principals, ", "))
	}
	for _, link := range links {
		fmt.Fprintf(table, "%s\t%s, %s\t%s, %s\n", link.Name, link.From, link.To, link.How, link.At.Local().Format(time.DateTime))
	}
	return table.Flush()
}

type unlinkPerson struct {
	Principal string `arg:"" help:"The Slack principal of the link, slack:TEAM/USER."`
	ledgerFlags
}

// Run takes a link back, with an entry in the audit log.
func (u unlinkPerson) Run(w world, flags flagValues) error {
	if err := checkPrincipal(u.Principal, []string{"slack:"}); err != nil {
		return usageError{fmt.Errorf("people unlink: %w", err)}
	}
	return withLedger(w, flags, func(ledger *store.Store) error {
		err := ledger.Unlink(w.ctx, confirm.Principal(u.Principal), time.Now(), "taken back by an operator, "+string(localUser(w.environment)))
		if errors.Is(err, confirm.ErrNotFound) {
			return fmt.Errorf("%s is not linked; `scanwarden people` lists who is", u.Principal)
		}
		if err == nil {
			_, err = fmt.Fprintf(w.out, "%s is a person of its own again\n", u.Principal)
		}
		return err
	})
}
