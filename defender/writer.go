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

// Prepare waits for the write's turn and for a token, and returns the write ready to be sent. It sends nothing: its
// error is an [ErrNotSent], also when write is none of the three forms or does not fit auth. A non-nil auth takes
// the place of the credential reference in the body.
func (w *Writer) Prepare(ctx context.Context, by Actor, write Write, auth *Authentication) (*Prepared, error) {
	c, err := write.call(auth)
	if err != nil {
		return nil, err
	}
	c.by = by
	token, failed := w.wire.admit(ctx, c, TokenRequest{Actor: by})
	if failed != nil {
		return nil, failed
	}
	return &Prepared{wire: w.wire, call: c, token: token}, nil
}

// Prepared is a write that has its turn and its token, so that no wait lies between a last check and [Prepared.Send].
// It is for one goroutine.
type Prepared struct {
	wire    *wire
	call    call
	token   string        // "" once it was sent
	renewal *TokenRequest // what Renew asks for, after the first refusal of the token
	renewed bool
}

// Send sends the write once, to the byte. It never tries again by itself.
//
// An error is one of four: [ErrNotSent] when the write certainly never left; [ErrUncertain] when it left and no
// answer proves what became of it; [ErrTokenRefused] when nothing was done for want of a good token, after which
// [Prepared.Renew] may be called; any other when Defender refused the write. The id in the receipt may differ from
// the one in the path, as it does in Microsoft's own example.
func (p *Prepared) Send(ctx context.Context) (Receipt, error) {
	if p.token == "" {
		return Receipt{}, unsent(p.call, "it was sent already", nil)
	}
	token := p.token
	p.token = ""
	a, failed := p.wire.exchange(ctx, p.call, token)
	if failed != nil {
		return Receipt{}, failed
	}
	if a.refusesToken() && !p.renewed {
		want := a.renewal(p.call.by)
		p.renewal = &want
		return Receipt{}, tokenRefused(p.call, a)
	}
	receipt, failed := outcome(p.call, a)
	if failed != nil {
		return Receipt{}, failed
	}
	return receipt, nil
}

// Renew waits for a turn and a new token after an [ErrTokenRefused], so that Send may be called once more. Whatever
// was checked before the first Send has to be checked again. Its error is an [ErrNotSent].
func (p *Prepared) Renew(ctx context.Context) error {
	if p.renewal == nil {
		return unsent(p.call, "no token was refused", nil)
	}
	token, failed := p.wire.admit(ctx, p.call, *p.renewal)
	if failed != nil {
		return failed
	}
	p.token, p.renewal, p.renewed = token, nil, true
	return nil
}

// tokenRefused returns the error of a 401 whose token may be renewed.
func tokenRefused(c call, a answer) *Error {
	e := refused(c, a)
	e.cause = errors.Join(ErrTokenRefused, e.cause)
	return e
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
