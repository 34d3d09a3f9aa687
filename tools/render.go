package tools

import (
	"fmt"
	"strings"
	"time"

	"scanwarden/confirm"
)

// Render returns the whole plan as plain text for an approver: summary, warnings, every field, its requester and
// until when it can be decided, without a line break at the end. It never contains the code, which an interface adds.
// It returns the same text at every call.
func Render(c confirm.Change) string {
	var b strings.Builder
	fmt.Fprintln(&b, c.Summary)
	for _, w := range c.Warnings {
		fmt.Fprintln(&b, "WARNING:", w)
	}
	for _, s := range c.Subjects {
		renderSubject(&b, s)
	}
	fmt.Fprintf(&b, "\nTenant: %s\n", escapeInvisible(c.Target))
	fmt.Fprintf(&b, "Asked by %s through %s\n", escapeInvisible(string(c.Requester)), escapeInvisible(c.Source))
	if c.Needed > 1 {
		fmt.Fprintf(&b, "Needs the yes of %d people\n", c.Needed)
	}
	minutes := uint64(c.Expires.Sub(c.Created).Round(time.Minute) / time.Minute)
	fmt.Fprintf(&b, "Expires %s after it was asked, at %s",
		plural(minutes, "minute", "minutes"), c.Expires.UTC().Format("15:04 MST"))
	return b.String()
}

// renderSubject writes every field of a scan. A scan that is deleted as a whole is marked once, in its title.
func renderSubject(b *strings.Builder, s confirm.Subject) {
	width, goes := 0, true
	for _, f := range s.Fields {
		width = max(width, len(f.Name))
		goes = goes && f.After == ""
	}
	if goes {
		fmt.Fprintf(b, "\nDELETED: scan \"%s\"\n", s.Title)
	} else {
		fmt.Fprintf(b, "\nScan \"%s\"\n", s.Title) // in quotes, so that no name reads like a line of the plan
	}
	for _, f := range s.Fields {
		if goes {
			f.After = f.Before
		}
		mark := ' '
		if f.Before != f.After && f.Before != "" {
			mark = '>' // marks what changes
		}
		fmt.Fprintf(b, "%c %-*s  %s\n", mark, width+1, f.Name+":", transitionText(f))
	}
}

// transitionText returns "before -> after", and a value that stays only once.
func transitionText(f confirm.Field) string {
	switch {
	case f.Before == f.After:
		return f.After
	case f.Before == "":
		return f.After
	case f.After == "":
		return f.Before + " -> (deleted)"
	default:
		return f.Before + " -> " + f.After
	}
}
