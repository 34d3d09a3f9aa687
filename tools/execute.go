package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"scanwarden/confirm"
	"scanwarden/defender"
)

// Executor sends confirmed changes to Defender. Only the Gate calls it.
type Executor struct {
	reader      *defender.Client
	writer      *defender.Writer
	credentials map[string]Credential
	typed       *TypedSecrets
}

// NewExecutor returns an Executor. It holds the only Writer: pass it to confirm.Config and to nothing else.
// The reads have the priority of writes: they belong to a change that an approver waits for. typed holds what approvers
// have typed; nil holds nothing.
func NewExecutor(reader *defender.Client, writer *defender.Writer, credentials map[string]Credential, typed *TypedSecrets) *Executor {
	return &Executor{reader: reader.ForCalls(defender.WriteCall), writer: writer, credentials: credentials, typed: typed}
}

// Execute sends a confirmed change, once and to the byte, on behalf of its requester. It prepares the write, compares
// the live scans with the plan, calls beforeSend, and sends, in this order. Between the comparison and the request lies
// only what beforeSend records. Nothing is sent if the scans differ from the plan or beforeSend returns an error. The outcome is
// Applied, Failed or Stale, where Defender's state is known, or Unknown.
func (e *Executor) Execute(ctx context.Context, c confirm.Change, beforeSend confirm.BeforeSend) confirm.Outcome {
	by := Caller{Principal: c.Requester, Agent: c.Agent}.defenderActor()
	auth, err := e.resolveCredential(ctx, c)
	if errors.Is(err, errNotHeld) {
		return notSentOutcome(err.Error(), "Propose the change again.")
	}
	if err != nil {
		return notSentOutcome(err.Error(), "Correct the credential in scanwarden's configuration, then propose the change again.")
	}
	write := defender.Write{Method: c.Request.Method, Path: c.Request.Path, Body: c.Request.Body}
	prepared, err := e.writer.Prepare(ctx, by, write, auth)
	for err == nil {
		live, differs := e.compareLive(ctx, by, c)
		if differs.State != "" {
			return differs
		}
		Progress(ctx, "sending the change to Defender")
		if err := beforeSend(ctx, live.baseline); err != nil {
			return notSentOutcome("it must no longer be sent: "+err.Error(), "Propose the change again.")
		}
		receipt, sendErr := prepared.Send(ctx)
		if sendErr == nil {
			return appliedOutcome(c, receipt, live.touched)
		}
		if err = sendErr; errors.Is(err, defender.ErrTokenRefused) {
			err = prepared.Renew(ctx) // nothing was done; everything is checked again
		}
	}
	return outcomeOfError(c, err)
}

// liveState is what Defender shows directly before a change is sent.
type liveState struct {
	touched  []defender.Definition // the scans that the change touches; a new scan touches none
	baseline json.RawMessage       // the ids of the scans that the change touches or, if it adds one, of all scans
}

// compareLive returns the live state, or an outcome with a State if the change must not be sent: a scan that it touches
// is not as it was when the change was planned, or the scan that it adds has appeared since. Microsoft documents no
// ETag, so a gap of one round trip remains for writes that do not come from scanwarden.
func (e *Executor) compareLive(ctx context.Context, by defender.Actor, c confirm.Change) (liveState, confirm.Outcome) {
	planned, err := readSnapshot(c.Snapshot)
	if err != nil {
		return liveState{}, notSentOutcome(err.Error(), "Propose the change again.")
	}
	Progress(ctx, "comparing the plan with Defender's state now")
	live, err := e.reader.Definitions(ctx, by)
	if err != nil {
		return liveState{}, notSentOutcome("the scans could not be read again: "+reasonOf(err), nextOf(err, "Propose the change again."))
	}
	if planned.states == nil {
		return compareNew(c, planned, live)
	}
	touched, differences := planned.compare(live)
	if len(differences) > 0 {
		return liveState{}, staleOutcome(differences)
	}
	return newLiveState(touched, touched)
}

// newLiveState returns the live state, with the ids of these scans as the baseline. Without a recorded baseline nothing
// was sent, whatever Defender shows later.
func newLiveState(touched, recorded []defender.Definition) (liveState, confirm.Outcome) {
	baseline, err := snapshotIDs(recorded)
	if err != nil {
		return liveState{}, notSentOutcome("the live scans cannot be recorded", "Propose the change again.")
	}
	return liveState{touched: touched, baseline: baseline}, confirm.Outcome{}
}

// compareNew returns the live state for a change that adds a scan, or Stale if the very same scan has appeared since the
// plan.
func compareNew(c confirm.Change, planned snapshot, live []defender.Definition) (liveState, confirm.Outcome) {
	want, err := readFrozenScan(c.Request.Body)
	if err != nil {
		return liveState{}, notSentOutcome("the frozen request cannot be read", "Propose the change again.")
	}
	var appeared []string
	for _, d := range live {
		if want.matches(d) && !slices.Contains(planned.ids, d.ID) {
			appeared = append(appeared, fmt.Sprintf("scan %s with this target and scanner exists now, as %s", quote(d.ScanName), quote(d.ID)))
		}
	}
	if len(appeared) > 0 {
		return liveState{}, staleOutcome(appeared)
	}
	return newLiveState(nil, live)
}

func staleOutcome(differences []string) confirm.Outcome {
	return confirm.Outcome{
		State:  confirm.Stale,
		Reason: "nothing was sent, because the live state changed: " + joinLimited(differences, 10),
		Next:   "Propose it again to see a current plan.",
	}
}

// resolveCredential returns the credential that the frozen body refers to, with its secrets; nil if it refers to
// none. What an approver has typed is no longer held afterwards.
func (e *Executor) resolveCredential(ctx context.Context, c confirm.Change) (*defender.Authentication, error) {
	if len(TypedParts(c)) > 0 {
		return e.typed.take(c)
	}
	return e.namedCredential(ctx, c.Request.Body)
}

// namedCredential returns the configured credential that the frozen body refers to, with its secrets; nil if it refers to
// none.
func (e *Executor) namedCredential(ctx context.Context, body json.RawMessage) (*defender.Authentication, error) {
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
		return nil, fmt.Errorf("credential %s is no longer configured", quote(name))
	case c.fingerprint() != sent.Auth.Fingerprint:
		return nil, fmt.Errorf("credential %s was changed in the configuration after the plan", quote(name))
	}
	return c.resolve(ctx, name)
}

func notSentOutcome(reason, next string) confirm.Outcome {
	return confirm.Outcome{State: confirm.Failed, Reason: escapeInvisible("nothing was sent: " + reason), Next: next}
}

// outcomeOfError returns Failed only for an error with which Defender refused the write, or that proves that nothing
// was sent. Every other error leaves the outcome Unknown.
func outcomeOfError(c confirm.Change, err error) confirm.Outcome {
	var fault *defender.Error
	switch {
	case errors.Is(err, defender.ErrNotSent):
		return notSentOutcome(reasonOf(err), nextOf(err, "Propose the change again."))
	case errors.Is(err, defender.ErrUncertain), !errors.As(err, &fault):
		return confirm.Outcome{State: confirm.Unknown, Reason: reasonOf(err), Next: manualCheck(c)}
	default:
		return confirm.Outcome{State: confirm.Failed, Reason: reasonOf(err), Next: nextOf(err, "Correct what Defender names, then propose the change again.")}
	}
}

func reasonOf(err error) string {
	if fault := (*defender.Error)(nil); errors.As(err, &fault) {
		return escapeInvisible(reasonOnly(fault))
	}
	return escapeInvisible(err.Error())
}

func nextOf(err error, otherwise string) string {
	if fault := (*defender.Error)(nil); errors.As(err, &fault) && fault.Next != "" {
		return escapeInvisible(fault.Next)
	}
	return otherwise
}

// appliedOutcome returns the outcome of an accepted write. Defender's answer no longer decides anything; a difference
// from the request becomes the outcome's reason.
func appliedOutcome(c confirm.Change, r defender.Receipt, deleted []defender.Definition) confirm.Outcome {
	out := confirm.Outcome{State: confirm.Applied}
	if r.Definition == nil {
		out.Scans = deletedScans(deleted)
		return out
	}
	out.Scans = marshalOrNil([]defender.Definition{escapeScan(*r.Definition)})
	if c.Operation == addScan.Name {
		out.CreatedIDs = []string{r.Definition.ID}
	}
	want, err := readFrozenScan(c.Request.Body)
	if differences := want.mismatches(*r.Definition); err == nil && len(differences) > 0 {
		out.Reason = "Defender accepted the change, but its answer differs: " + strings.Join(differences, "; ")
		out.Next = "Check the scan in the Defender portal."
	}
	return out
}

// deletedScans returns the ids and names of deleted scans as JSON.
func deletedScans(deleted []defender.Definition) json.RawMessage {
	type scan struct {
		ID   string `json:"id"`
		Name string `json:"scanName"`
	}
	out := make([]scan, len(deleted))
	for i, d := range deleted {
		out[i] = scan{escapeInvisible(d.ID), escapeInvisible(d.ScanName)}
	}
	return marshalOrNil(out)
}

// marshalOrNil returns nil for a value that does not marshal, such as a date beyond the year 9999: the outcome of a
// write must not depend on it.
func marshalOrNil(v any) json.RawMessage {
	b, _ := json.Marshal(v)
	return b
}
