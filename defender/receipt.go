package defender

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
)

// Receipt is Defender's response to a successful write.
type Receipt struct {
	Status     int
	Definition *Definition // nil for a delete, and for an update with an empty response
}

// receiptOf returns the receipt for a response to a write, or the Error. 200 is the documented success of an add and an
// update, and public clients also expect 201 of an add. Nothing is documented for the delete; its closest relative
// (indicators/BatchDelete) returns 204 without a body.
func receiptOf(r request, resp response) (Receipt, *Error) {
	switch {
	case r.op == opDelete && (resp.status == http.StatusOK || resp.status == http.StatusNoContent):
		return deleteReceipt(r, resp)
	case r.op == opUpdate && resp.status == http.StatusNoContent:
		return Receipt{Status: resp.status}, nil
	case resp.status == http.StatusOK && r.op != opDelete, resp.status == http.StatusCreated && r.op == opAdd:
		return scanReceipt(r, resp)
	}
	return Receipt{}, responseError(r, resp)
}

// deleteReceipt returns the receipt for a delete if the response has no body. A body might report a partial failure in an
// undocumented shape, so the outcome is then uncertain, as it is after a 202.
func deleteReceipt(r request, resp response) (Receipt, *Error) {
	if resp.err != nil || len(bytes.TrimSpace(resp.body)) > 0 {
		return Receipt{}, bodyError(r, resp, resp.describeBody(), resp.err)
	}
	return Receipt{Status: resp.status}, nil
}

// scanReceipt returns the receipt for an add or an update, with the definition in the response.
func scanReceipt(r request, resp response) (Receipt, *Error) {
	if resp.err != nil {
		return Receipt{}, bodyError(r, resp, msgIncomplete, resp.err)
	}
	// If the service echoes a secret, the receipt must not carry it into the database.
	d, err := decodeDefinition([]byte(redactSecrets(string(resp.body), resp.secrets)))
	if err != nil {
		return Receipt{}, bodyError(r, resp, resp.describeBody(), describeSyntax(err))
	}
	if resp.hadCredential {
		var ok bool
		if d, ok = r.confirmed(d); !ok {
			return Receipt{}, bodyError(r, resp, "the response has no id of a scan in the usual form", nil)
		}
	}
	return Receipt{Status: resp.status, Definition: &d}, nil
}

// decodeDefinition returns the definition in body: the object itself, as the pages show it, or the only element of a value
// array, as on the page on a single agent.
func decodeDefinition(body []byte) (Definition, error) {
	var wrapped struct{ Value oneOrMany[json.RawMessage] }
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
