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

// Execute sends a confirmed change, once and to the byte, unless the scans it touches are no longer as they
// were when it was planned, or still says that it may not. Both are looked at when all else is ready, so that no
// wait lies between the look and the request. Defender is called in the requester's name. The outcome is Applied,
// Failed or Stale, where Defender's state is known, or Unknown.
func (e *Executor) Execute(ctx context.Context, c confirm.Change, still func(context.Context) error) confirm.Outcome {
	ctx = OnBehalf(ctx, c.Requester)
	if c.Agent {
		ctx = ByAgent(ctx, c.Requester)
	}
	auth, err := e.secrets(ctx, c.Request.Body)
	if err != nil {
		return unsent(err.Error(), "Mend the credential in scanwarden's configuration, then ask again.")
	}
	var deleted []defender.Definition
	var moved confirm.Outcome
	ready := func(ctx context.Context) error {
		if deleted, moved = e.checkLive(ctx, c); moved.State != "" {
			return errors.New("the live state moved, or cannot be compared")
		}
		Progress(ctx, "sending the change to Defender")
		return still(ctx)
	}
	write := defender.Write{Method: c.Request.Method, Path: c.Request.Path, Body: c.Request.Body}
	receipt, err := e.writer.DoIf(ctx, write, auth, ready)
	switch {
	case moved.State != "":
		return moved
	case err != nil:
		return failure(c, err)
	}
	return applied(c, receipt, deleted)
}

// checkLive compares the scans that a change touches with what they were when it was planned, and returns them
// as they are. A new scan touches none. Microsoft documents no ETag, so a gap of one round trip remains.
func (e *Executor) checkLive(ctx context.Context, c confirm.Change) ([]defender.Definition, confirm.Outcome) {
	planned, err := readSnapshot(c.Snapshot)
	switch {
	case err != nil:
		return nil, unsent(err.Error(), "Ask again.")
	case planned.states == nil:
		return nil, confirm.Outcome{}
	}
	Progress(ctx, "comparing the plan with Defender's state now")
	live, err := e.reader.Definitions(ctx)
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
