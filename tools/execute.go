package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"scanwarden/confirm"
	"scanwarden/defender"
)

// Executor performs confirmed changes. Only the gate calls it.
type Executor struct {
	reader      *defender.Client
	writer      *defender.Writer
	credentials map[string]Credential
}

// NewExecutor returns an executor; the one that holds the pen.
func NewExecutor(reader *defender.Client, writer *defender.Writer, credentials map[string]Credential) *Executor {
	return &Executor{reader: reader, writer: writer, credentials: credentials}
}

// Execute sends a confirmed change, once and to the byte, on behalf of its requester. It prepares the write, compares
// the live scans with the plan, calls beforeSend, and sends, in this order: no wait lies between the last look and the
// request. Nothing is sent if the scans differ from the plan or beforeSend returns an error. The outcome is Applied,
// Failed or Stale, where Defender's state is known, or Unknown.
func (e *Executor) Execute(ctx context.Context, c confirm.Change, beforeSend func(context.Context) error) confirm.Outcome {
	by := Caller{Principal: c.Requester, Agent: c.Agent}.actor()
	auth, err := e.secrets(ctx, c.Request.Body)
	if err != nil {
		return unsent(err.Error(), "Mend the credential in scanwarden's configuration, then ask again.")
	}
	write := defender.Write{Method: c.Request.Method, Path: c.Request.Path, Body: c.Request.Body}
	prepared, err := e.writer.Prepare(ctx, by, write, auth)
	for err == nil {
		touched, moved := e.compareLive(ctx, by, c)
		if moved.State != "" {
			return moved
		}
		Progress(ctx, "sending the change to Defender")
		if err := beforeSend(ctx); err != nil {
			return unsent("it may not be sent any more: "+err.Error(), "Ask again.")
		}
		receipt, sendErr := prepared.Send(ctx)
		if sendErr == nil {
			return applied(c, receipt, touched)
		}
		if err = sendErr; errors.Is(err, defender.ErrTokenRefused) {
			err = prepared.Renew(ctx) // nothing was done; everything is checked again
		}
	}
	return failure(c, err)
}

// compareLive compares the scans that a change touches with what they were when it was planned, and returns them
// as they are. A new scan touches none. Microsoft documents no ETag, so a gap of one round trip remains.
func (e *Executor) compareLive(ctx context.Context, by defender.Actor, c confirm.Change) ([]defender.Definition, confirm.Outcome) {
	planned, err := readSnapshot(c.Snapshot)
	switch {
	case err != nil:
		return nil, unsent(err.Error(), "Ask again.")
	case planned.states == nil:
		return nil, confirm.Outcome{}
	}
	Progress(ctx, "comparing the plan with Defender's state now")
	live, err := e.reader.Definitions(ctx, by)
	if err != nil {
		return nil, unsent("the scans could not be read again: "+reasonOf(err), nextOf(err, "Ask again."))
	}
	touched, moves := planned.compare(live)
	if len(moves) > 0 {
		return nil, confirm.Outcome{
			State:  confirm.Stale,
			Reason: "nothing was sent, because the live state moved: " + listed(moves, 10),
			Next:   "Ask again to see a fresh plan.",
		}
	}
	return touched, confirm.Outcome{}
}

// secrets resolves the credential that the frozen body refers to; nil when it refers to none.
func (e *Executor) secrets(ctx context.Context, body json.RawMessage) (*defender.Authentication, error) {
	var sent struct {
		Auth struct {
			Credential  string `json:"credential"`
			Fingerprint string `json:"fingerprint"`
		} `json:"scanAuthenticationParams"`
	}
	if err := json.Unmarshal(body, &sent); err != nil {
		return nil, fmt.Errorf("read the frozen request: %w", err)
	}
	name := sent.Auth.Credential
	if name == "" {
		return nil, nil
	}
	c, ok := e.credentials[name]
	switch {
	case !ok:
		return nil, fmt.Errorf("credential %s is no longer configured", quoted(name))
	case c.fingerprint() != sent.Auth.Fingerprint:
		return nil, fmt.Errorf("credential %s was changed in the configuration after the plan", quoted(name))
	}
	return c.resolve(ctx, name)
}

func unsent(reason, next string) confirm.Outcome {
	return confirm.Outcome{State: confirm.Failed, Reason: shown("nothing was sent: " + reason), Next: next}
}

// failure tells what nobody knows from what Defender refused. Only an error that says so counts as a no.
func failure(c confirm.Change, err error) confirm.Outcome {
	var fault *defender.Error
	switch {
	case errors.Is(err, defender.ErrNotSent):
		return unsent(reasonOf(err), nextOf(err, "Ask again."))
	case errors.Is(err, defender.ErrUncertain), !errors.As(err, &fault):
		return confirm.Outcome{State: confirm.Unknown, Reason: reasonOf(err), Next: lookFor(c)}
	default:
		return confirm.Outcome{State: confirm.Failed, Reason: reasonOf(err), Next: nextOf(err, "Mend what Defender names, then ask again.")}
	}
}

func reasonOf(err error) string {
	if fault := (*defender.Error)(nil); errors.As(err, &fault) {
		return shown(withoutNext(fault))
	}
	return shown(err.Error())
}

func nextOf(err error, otherwise string) string {
	if fault := (*defender.Error)(nil); errors.As(err, &fault) && fault.Next != "" {
		return shown(fault.Next)
	}
	return otherwise
}

// applied is the good end. What Defender answers decides nothing any more, but what contradicts the request
// is told.
func applied(c confirm.Change, r defender.Receipt, deleted []defender.Definition) confirm.Outcome {
	out := confirm.Outcome{State: confirm.Applied}
	if r.Definition == nil {
		out.Scans = brief(deleted)
		return out
	}
	out.Scans = asJSON([]defender.Definition{readable(*r.Definition)})
	if c.Operation == addScan.Name {
		out.CreatedIDs = []string{r.Definition.ID}
	}
	want, err := readWanted(c.Request.Body)
	if odd := want.contradictions(*r.Definition); err == nil && len(odd) > 0 {
		out.Reason = "Defender accepted the change, but its answer differs: " + strings.Join(odd, "; ")
		out.Next = "Check the scan in the Defender portal."
	}
	return out
}

// brief is what is left to say of deleted scans.
func brief(deleted []defender.Definition) json.RawMessage {
	type scan struct {
		ID   string `json:"id"`
		Name string `json:"scanName"`
	}
	out := make([]scan, len(deleted))
	for i, d := range deleted {
		out[i] = scan{shown(d.ID), shown(d.ScanName)}
	}
	return asJSON(out)
}

// asJSON leaves out what does not marshal, such as a date beyond the year 9999: how a write ended must not
// depend on it.
func asJSON(v any) json.RawMessage {
	b, _ := json.Marshal(v)
	return b
}
