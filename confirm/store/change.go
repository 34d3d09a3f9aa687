package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"scanwarden/confirm"
)

// maxProposal bounds what one change may put into the ledger and its log, in bytes of JSON.
const maxProposal = 4 << 20

// proposal is confirm.Proposal as it is kept: the parts that the digest covers byte for byte are strings,
// because encoding/json rewrites a json.RawMessage.
type proposal struct {
	Summary  string            `json:"summary"`
	Method   string            `json:"method"`
	Path     string            `json:"path"`
	Body     string            `json:"body"`
	Subjects []confirm.Subject `json:"subjects"`
	Warnings []string          `json:"warnings"`
	Snapshot string            `json:"snapshot"`
}

func proposalOf(p confirm.Proposal) proposal {
	return proposal{
		Summary: p.Summary, Method: p.Request.Method, Path: p.Request.Path, Body: string(p.Request.Body),
		Subjects: p.Subjects, Warnings: p.Warnings, Snapshot: string(p.Snapshot),
	}
}

// restore is the way back; operation and target have columns of their own.
func (p proposal) restore(operation, target string) confirm.Proposal {
	return confirm.Proposal{
		Operation: operation, Target: target, Summary: p.Summary,
		Request:  confirm.Request{Method: p.Method, Path: p.Path, Body: raw(p.Body)},
		Subjects: p.Subjects, Warnings: p.Warnings, Snapshot: raw(p.Snapshot),
	}
}

func raw(text string) json.RawMessage {
	if text == "" {
		return nil
	}
	return json.RawMessage(text)
}

// Insert implements confirm.Ledger. It refuses a change that is not a fresh one, or that would not come back
// from the ledger with the digest it has.
func (s *Store) Insert(ctx context.Context, c confirm.Change) error {
	kept, err := freeze(c)
	if err != nil {
		return fmt.Errorf("insert change %s: %w", c.ID, err)
	}
	channels, err := json.Marshal(c.Channels)
	if err != nil {
		return fmt.Errorf("insert change %s: %w", c.ID, err)
	}
	err = s.commit(ctx, &transition{
		change: &statement{query: insertChange, args: []any{
			c.ID, c.Code, c.Operation, c.Target, c.Digest, string(kept), string(c.Requester), c.Via, flag(c.Local),
			string(channels), c.Needed, micros(c.Created), micros(c.Expires), string(c.State), c.Version, c.Round,
			"", "", int64(0), micros(c.Created),
		}},
		entry: &entry{
			Time: c.Created.UTC(), Event: "proposed", Change: c.ID, Version: c.Version, Operation: c.Operation,
			Target: c.Target, Digest: c.Digest, To: c.State, Round: c.Round, Requester: c.Requester, Via: c.Via,
			Proposed: &proposed{proposalOf(c.Proposal), termsOf(c)},
		},
	})
	if err != nil {
		return fmt.Errorf("insert change %s: %w", c.ID, err)
	}
	return nil
}

// freeze returns the proposal as it will be kept.
func freeze(c confirm.Change) ([]byte, error) {
	if c.ID == "" || c.State != confirm.Pending || len(c.Decisions) > 0 || c.Outcome.State != "" || c.Owner != "" {
		return nil, errors.New("only a fresh pending change can be inserted")
	}
	kept, err := json.Marshal(proposalOf(c.Proposal))
	if err != nil {
		return nil, err
	}
	if len(kept) > maxProposal {
		return nil, fmt.Errorf("the proposal takes %d bytes and may take %d; propose fewer scans at once", len(kept), maxProposal)
	}
	var back proposal
	if err := json.Unmarshal(kept, &back); err != nil {
		return nil, err
	}
	if digest, err := back.restore(c.Operation, c.Target).Digest(); err != nil || digest != c.Digest {
		return nil, errors.New("the proposal does not have its digest, or holds text that is not UTF-8; plan it again")
	}
	return kept, nil
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Change implements confirm.Ledger.
func (s *Store) Change(ctx context.Context, id string) (confirm.Change, error) {
	found, err := changes(ctx, s.read, `WHERE id = $1`, id)
	if err == nil && len(found) == 0 {
		err = confirm.ErrNotFound
	}
	if err != nil {
		return confirm.Change{}, fmt.Errorf("change %q: %w", id, err)
	}
	return found[0], nil
}

// Changes implements confirm.Ledger.
func (s *Store) Changes(ctx context.Context, f confirm.Filter) ([]confirm.Change, error) {
	var where []string
	var args []any
	equal := func(column, value string) {
		if value != "" {
			args = append(args, value)
			where = append(where, fmt.Sprintf("%s = $%d", column, len(args)))
		}
	}
	equal("requester", string(f.Requester))
	equal("target", f.Target)
	if len(f.States) > 0 {
		var in []string
		for _, state := range f.States {
			args = append(args, string(state))
			in = append(in, fmt.Sprintf("$%d", len(args)))
		}
		where = append(where, "state IN ("+strings.Join(in, ",")+")")
	}
	clause := ""
	if len(where) > 0 {
		clause = "WHERE " + strings.Join(where, " AND ")
	}
	limit := f.Limit
	if limit <= 0 {
		limit = 100
	}
	args = append(args, limit)
	clause += fmt.Sprintf(" ORDER BY created DESC, id DESC LIMIT $%d", len(args))
	found, err := changes(ctx, s.read, clause, args...)
	if err != nil {
		return nil, fmt.Errorf("list changes: %w", err)
	}
	return found, nil
}
