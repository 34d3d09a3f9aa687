package defender

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
)

// The writes, as an Error names them.
const (
	opAdd    = "add scan"
	opUpdate = "update scan"
	opDelete = "delete scans"
)

// Writer sends writes. Whoever holds one can change every scan of the tenant, so hand it to nobody but the gate
// that knows what a person confirmed. A Writer is safe for concurrent use.
type Writer struct{ wire *wire }

// NewWriter returns a Writer, or an error that names the setting to correct. It sends nothing.
func NewWriter(cfg Config) (*Writer, error) {
	w, err := cfg.open(false)
	if err != nil {
		return nil, err
	}
	return &Writer{wire: w}, nil
}

// Receipt is what Defender answered to a write.
type Receipt struct {
	Status     int
	Definition *Definition // nil for a delete, and for an update that was answered without it
}

// Do sends w once, to the byte; auth, when not nil, takes the place of the credential reference. It never tries
// again by itself, but for a 401, which proves that nothing was done.
//
// An error is one of three: [ErrNotSent] when the write certainly never left, which includes one that is not of
// the three forms or does not fit auth; [ErrUncertain] when it left and no answer says what became of it; any
// other when Defender refused it. The id in the answer may differ from the one in the path, as it does in
// Microsoft's own example.
func (w *Writer) Do(ctx context.Context, write Write, auth *Authentication) (Receipt, error) {
	return w.DoIf(ctx, write, auth, nil)
}

// DoIf is Do on a condition: still is asked when everything else is ready, after the wait for the call's turn
// and for a token and directly before the request leaves. Its error means that nothing is sent ([ErrNotSent]).
func (w *Writer) DoIf(ctx context.Context, write Write, auth *Authentication, still func(context.Context) error) (Receipt, error) {
	c, err := write.call(auth)
	if err != nil {
		return Receipt{}, err
	}
	c.still = still
	a, failed := w.wire.send(ctx, c)
	if failed != nil {
		return Receipt{}, failed
	}
	receipt, failed := outcome(c, a)
	if failed != nil {
		return Receipt{}, failed
	}
	return receipt, nil
}

// call makes the write ready to be sent, or says why it must not be.
func (w Write) call(auth *Authentication) (call, error) {
	c := call{op: w.operation(), method: w.Method, path: w.Path, write: true}
	if c.op == "" {
		c.op = "write"
		e := unsent(c, "the method and path are not those of an add, an update or a delete", nil)
		e.Next = "make the change with AddScan, UpdateScan or DeleteScans"
		return call{}, e
	}
	body, err := fill(w.Body, auth)
	if err != nil {
		e := unsent(c, "the change cannot be sent as it was confirmed", err)
		e.Next = "propose it again, so that it is planned afresh"
		return call{}, e
	}
	c.body = body
	if auth != nil {
		c.hide = auth.secrets()
	}
	return c, nil
}

// outcome says what became of a write that was answered. 200 is the documented success of an add and an update,
// and 201 what public clients expect of an add. Nothing is documented for the delete, whose closest relative
// (indicators/BatchDelete) answers 204 without a body.
func outcome(c call, a answer) (Receipt, *Error) {
	switch {
	case c.op == opDelete && (a.status == http.StatusOK || a.status == http.StatusNoContent):
		return deleted(c, a)
	case c.op == opUpdate && a.status == http.StatusNoContent:
		return Receipt{Status: a.status}, nil
	case a.status == http.StatusOK && c.op != opDelete, a.status == http.StatusCreated && c.op == opAdd:
		return stored(c, a)
	}
	return Receipt{}, refused(c, a)
}

// deleted believes an answer without a body. One with a body may tell of a partial failure in a shape that
// nobody has documented, and one of 202 has only promised: after those, only reading tells.
func deleted(c call, a answer) (Receipt, *Error) {
	if a.err != nil || len(bytes.TrimSpace(a.body)) > 0 {
		return Receipt{}, unreadable(c, a, a.describe(), a.err)
	}
	return Receipt{Status: a.status}, nil
}

func stored(c call, a answer) (Receipt, *Error) {
	if a.err != nil {
		return Receipt{}, unreadable(c, a, "the answer did not arrive whole", a.err)
	}
	d, err := entity([]byte(scrub(string(a.body), a.hide))) // a service that echoes must not get a secret into a ledger
	if err != nil {
		return Receipt{}, unreadable(c, a, a.describe(), syntax(err))
	}
	return Receipt{Status: a.status, Definition: &d}, nil
}

// entity reads a definition that stands bare, as these pages show it, or in a value array of one, as the page on
// a single agent does.
func entity(body []byte) (Definition, error) {
	var wrapped struct{ Value many[json.RawMessage] }
	if err := json.Unmarshal(body, &wrapped); err != nil {
		return Definition{}, err
	}
	if len(wrapped.Value) == 1 {
		body = wrapped.Value[0]
	}
	var d Definition
	if err := json.Unmarshal(body, &d); err != nil {
		return Definition{}, err
	}
	if d.ID == "" {
		return Definition{}, errors.New("it has no definition with an id")
	}
	return d, nil
}
