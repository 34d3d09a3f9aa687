package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"scanwarden/confirm"
)

// maxProposal bounds what one change may add to the database and its log, in bytes of JSON.
const maxProposal = 4 << 20

// storedProposal is the fixed part of a change, as it is stored and logged. The parts that the digest covers byte
// for byte are strings, because encoding/json rewrites a json.RawMessage. Operation, target and requester have
// columns of their own.
type storedProposal struct {
	Summary  string            `json:"summary"`
	Method   string            `json:"method"`
	Path     string            `json:"path"`
	Body     string            `json:"body"`
	Subjects []confirm.Subject `json:"subjects"`
	Warnings []string          `json:"warnings"`
	Snapshot string            `json:"snapshot"`

	Local    bool              `json:"local"`
	Channels []confirm.Channel `json:"channels"`
	Needed   int               `json:"needed"`
	Created  time.Time         `json:"created"`
	Expires  time.Time         `json:"expires"`

	// Fields that were added later are omitted when empty, so that rows of older versions read and hash the same.
	Facts         *confirm.Facts      `json:"facts,omitempty"`
	Keys          []string            `json:"keys,omitempty"`
	Agent         bool                `json:"agent,omitempty"`
	RequesterAlso []confirm.Principal `json:"requester_also,omitempty"`
	MAC           string              `json:"mac,omitempty"`
}

// newStoredProposal returns the part of c that is fixed when c is proposed.
func newStoredProposal(c confirm.Change) storedProposal {
	p := storedProposal{
		Summary: c.Summary, Method: c.Request.Method, Path: c.Request.Path, Body: string(c.Request.Body),
		Subjects: c.Subjects, Warnings: c.Warnings, Snapshot: string(c.Snapshot),
		Local: c.Local, Channels: c.Channels, Needed: c.Needed,
		Created: fromMicros(micros(c.Created)), Expires: fromMicros(micros(c.Expires)),
		Keys: c.Keys, Agent: c.Agent, RequesterAlso: c.RequesterAlso, MAC: c.MAC,
	}
	if !c.Facts.Empty() {
		p.Facts = &c.Facts
	}
	return p
}

// restoreTo sets the fields of c that p holds. The times stay as c has them from its row.
func (p storedProposal) restoreTo(c *confirm.Change, operation, target string) {
	c.Proposal = confirm.Proposal{
		Operation: operation, Target: target, Summary: p.Summary,
		Request:  confirm.Request{Method: p.Method, Path: p.Path, Body: rawOrNil(p.Body)},
		Subjects: p.Subjects, Warnings: p.Warnings, Snapshot: rawOrNil(p.Snapshot), Keys: p.Keys,
	}
	if p.Facts != nil {
		c.Facts = *p.Facts
	}
	c.Local, c.Channels, c.Needed = p.Local, p.Channels, p.Needed
	c.Agent, c.RequesterAlso, c.MAC = p.Agent, p.RequesterAlso, p.MAC
}

// rawOrNil returns nil for "".
func rawOrNil(text string) json.RawMessage {
	if text == "" {
		return nil
	}
	return json.RawMessage(text)
}

// Insert implements confirm.Store. It returns an error for a change that is not new, and for a proposal that would
// not read back with its digest. If c has a fingerprint, and another change with it is open, it returns a
// *confirm.OpenError.
func (s *Store) Insert(ctx context.Context, c confirm.Change) error {
	kept, err := encodeProposal(c)
	if err != nil {
		return fmt.Errorf("insert change %s: %w", c.ID, err)
	}
	e := &entry{
		Time: c.Created.UTC(), Event: "proposed", Change: c.ID, Version: c.Version, Operation: c.Operation,
		Target: c.Target, Digest: c.Digest, To: c.State, Round: c.Round, Requester: c.Requester, Via: c.Source,
		Proposed: kept,
	}
	left, err := proposedChange(*e) // before the head of the log is locked
	if err != nil {
		return fmt.Errorf("insert change %s: %w", c.ID, err)
	}
	e.own = &left
	err = s.insertNew(ctx, c, transition{
		guarded: &statement{query: insertChange, args: []any{
			c.ID, c.Code, c.Operation, c.Target, c.Digest, string(c.Requester), c.Source, micros(c.Created), micros(c.Expires),
			string(c.State), boolToInt(isSettled(c.State)), c.Version, c.Round, "", "", int64(0), micros(c.Created),
		}},
		details: []*statement{{query: insertProposal, args: []any{c.ID, string(kept)}}},
		entry:   e,
	})
	if err != nil {
		return fmt.Errorf("insert change %s: %w", c.ID, err)
	}
	return nil
}

// encodeProposal returns the stored JSON of the proposal. It checks that the JSON decodes to a proposal with the
// digest of c.
func encodeProposal(c confirm.Change) (json.RawMessage, error) {
	if c.ID == "" || c.State != confirm.Pending || len(c.Decisions) > 0 || c.Outcome.State != "" || c.Owner != "" {
		return nil, errors.New("only a new pending change without decisions can be inserted")
	}
	kept, err := json.Marshal(newStoredProposal(c))
	if err != nil {
		return nil, err
	}
	if len(kept) > maxProposal {
		return nil, fmt.Errorf("the proposal takes %d bytes and may take %d; propose fewer scans at once", len(kept), maxProposal)
	}
	var back storedProposal
	if err := json.Unmarshal(kept, &back); err != nil {
		return nil, err
	}
	var again confirm.Change
	back.restoreTo(&again, c.Operation, c.Target)
	if digest, err := again.Proposal.Digest(); err != nil || digest != c.Digest {
		return nil, errors.New("the proposal does not have its digest, or holds text that is not UTF-8; plan it again")
	}
	return kept, nil
}

func boolToInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Change implements confirm.Store.
func (s *Store) Change(ctx context.Context, id string) (confirm.Change, error) {
	found, err := readChanges(ctx, s.read, changeQuery{`WHERE id = $1`, []any{id}})
	if err == nil && len(found) == 0 {
		err = confirm.ErrNotFound
	}
	if err != nil {
		return confirm.Change{}, fmt.Errorf("change %q: %w", id, err)
	}
	return found[0], nil
}

// Changes implements confirm.Store.
func (s *Store) Changes(ctx context.Context, f confirm.Filter) ([]confirm.Change, error) {
	found, err := readChanges(ctx, s.read, newChangeQuery(f))
	if err != nil {
		err = fmt.Errorf("list changes: %w", err)
	}
	return found, err
}

// newChangeQuery returns the filter as SQL.
func newChangeQuery(f confirm.Filter) changeQuery {
	clause, args := filterClause(f)
	args = append(args, limitOf(f))
	return changeQuery{fmt.Sprintf("%s ORDER BY created DESC, id DESC LIMIT $%d", clause, len(args)), args}
}

// limitOf returns how many changes are selected at most.
func limitOf(f confirm.Filter) int {
	if f.Limit <= 0 {
		return 100
	}
	return f.Limit
}

// filterClause returns the conditions of a filter.
func filterClause(f confirm.Filter) (clause string, args []any) {
	arg := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	where := []string{"TRUE"}
	if f.Requester != "" {
		where = append(where, "requester = "+arg(string(f.Requester)))
	}
	if f.Target != "" {
		where = append(where, "target = "+arg(f.Target))
	}
	if !f.ExpiredAt.IsZero() {
		where = append(where, "expires <= "+arg(micros(f.ExpiredAt)))
	}
	if len(f.States) > 0 {
		var states []string
		for _, state := range f.States {
			states = append(states, arg(string(state)))
		}
		where = append(where, "state IN ("+strings.Join(states, ", ")+")")
	}
	if len(f.States) > 0 && !slices.ContainsFunc(f.States, isSettled) {
		where = append(where, "settled = 0") // implied by the states; lets the database use its index
	}
	return "WHERE " + strings.Join(where, " AND "), args
}
