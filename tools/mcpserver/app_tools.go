package mcpserver

import (
	"context"
	"errors"

	"github.com/mark3labs/mcp-go/mcp"

	"scanwarden/confirm"
	"scanwarden/tools"
)

// The tools that the card calls. A server cannot find out whether a card or a model has called, so each is harmless in a
// model's hands: it decides nothing, and returns neither a code nor an address that is worth anything without a sign-in.
const (
	openPageTool = "open_page"
	planTool     = "change_plan"
)

const (
	// maxCardScans and maxCardFields bound what a card shows. The page shows all.
	maxCardScans  = 5
	maxCardFields = 8
	maxCardText   = 300
)

// changeCard is what a card shows of a change. It has no code.
type changeCard struct {
	ChangeID string     `json:"change_id"`
	Target   string     `json:"target"` // the tenant
	Expires  string     `json:"expires"`
	Warnings int        `json:"warnings"`
	Scans    []cardScan `json:"scans"`
	More     int        `json:"more"` // scans that are left out
}

// cardScan is one scan on a card.
type cardScan struct {
	Effect string      `json:"effect"` // "added", "updated" or "deleted"
	Name   string      `json:"name"`
	Fields []cardField `json:"fields"`
	More   int         `json:"more"` // fields that are left out
}

// cardField is one field that changes.
type cardField struct {
	Name   string `json:"name"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// openedPage is the answer to open_page: a page has opened, or the host has to open the address.
type openedPage struct {
	Opened bool   `json:"opened"`
	URL    string `json:"url,omitempty"`
}

// handlePlan returns what a change of the caller would do.
func (s *Server) handlePlan(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	c, release, err := s.ownChange(ctx, req)
	if err != nil {
		return s.logRefusal(ctx, planTool, err), nil
	}
	defer release()
	return structuredResult(newChangeCard(c)), nil
}

// handleOpenPage opens the page of a waiting change of the caller, or returns its plain address where the page is behind a
// sign-in.
func (s *Server) handleOpenPage(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	c, release, err := s.ownChange(ctx, req)
	if err != nil {
		return s.logRefusal(ctx, openPageTool, err), nil
	}
	defer release()
	if c.State != confirm.Pending {
		return refusedResult(openPageTool, &tools.Refusal{Reason: "the change no longer waits for a person.", Next: "Call get_change to see how it ended."}), nil
	}
	if s.cfg.PageURL != nil {
		if address := s.cfg.PageURL(c.ID); address != "" {
			return structuredResult(openedPage{URL: address}), nil
		}
	}
	if s.cfg.ShowPage == nil {
		return refusedResult(openPageTool, &tools.Refusal{Reason: "this server has no page that can be opened from here.", Next: "Open scanwarden's pages in a browser and sign in."}), nil
	}
	if err := s.cfg.ShowPage(ctx, c); err != nil {
		s.cfg.Log.WarnContext(ctx, "the page of a change was not opened", "change", c.ID, "error", err)
		return refusedResult(openPageTool, &tools.Refusal{Reason: "no browser has opened the page.", Next: "Run `scanwarden review` in a terminal to decide there."}), nil
	}
	return structuredResult(openedPage{Opened: true}), nil
}

// ownChange returns the change that the call names, if the caller has asked for it, and a slot that must be released. Another
// caller's change looks like one that does not exist.
func (s *Server) ownChange(ctx context.Context, req mcp.CallToolRequest) (c confirm.Change, release func(), err error) {
	caller, err := callerFrom(ctx)
	if err != nil {
		return c, nil, err
	}
	backend, err := s.cfg.Backend(ctx)
	if err != nil {
		return c, nil, err
	}
	release, err = s.occupyCall(caller)
	if err != nil {
		return c, nil, s.asRefusal(ctx, caller, err)
	}
	id, _ := req.GetArguments()["change_id"].(string)
	c, err = backend.Gate.Change(ctx, id)
	if errors.Is(err, confirm.ErrNotFound) || err == nil && c.Requester != caller.principal {
		err = &tools.Refusal{Reason: "change_id names no change of this caller.", Next: "Use the change_id of a result."}
	}
	if err != nil {
		release()
		return confirm.Change{}, nil, err
	}
	return c, release, nil
}

// newChangeCard returns what a card shows of c.
func newChangeCard(c confirm.Change) changeCard {
	card := changeCard{ChangeID: c.ID, Target: c.Target, Expires: c.Expires.UTC().Format("15:04 MST"), Warnings: len(c.Warnings), Scans: []cardScan{}}
	for _, s := range tools.PlannedScans(c.Proposal) {
		if len(card.Scans) == maxCardScans {
			card.More++
			continue
		}
		card.Scans = append(card.Scans, newCardScan(s))
	}
	return card
}

// newCardScan returns what a card shows of one scan.
func newCardScan(s tools.PlannedScan) cardScan {
	out := cardScan{Effect: string(s.Effect), Name: clipCard(s.Name), Fields: []cardField{}}
	for _, f := range s.Changed {
		if len(out.Fields) == maxCardFields {
			out.More++
			continue
		}
		out.Fields = append(out.Fields, cardField{f.Name, clipCard(f.Before), clipCard(f.After)})
	}
	return out
}

// clipCard returns the beginning of a long text, with a sign that it was cut.
func clipCard(text string) string {
	if r := []rune(text); len(r) > maxCardText {
		return string(r[:maxCardText]) + "…"
	}
	return text
}
