// Package tools is the desk between those who ask and Defender: the catalogue of operations, the planning of a
// change against live state, what a person is shown of it, and the carrying out of what was confirmed.
//
// A [Desk] answers the reading operations, and turns the proposing ones into a [confirm.Proposal]: the exact
// bytes to send, with every field before and after. An [Executor] takes a confirmed change and sends these bytes.
//
// The one invariant: nothing that a caller passes in leads to a write. A Desk holds a reader of Defender and no
// writer; the Executor holds the writer, takes no input but a change, and only the gate may call it. Secrets
// follow the same line: a Desk refuses them by name and plans with references, the Executor resolves them.
//
// What stands in arguments comes from a model or a person; what stands in Defender may have been put there by
// anybody. Both are shown with nothing hidden, and decide nothing.
package tools

import (
	"encoding/json"
	"fmt"
)

// catalogue is the product's table of contents. A new operation is one file and one line here; every face
// offers it from then on.
var catalogue = []operation{
	// read Defender
	listScans,
	listScanners,
	scanHistory,
	// follow one's own changes
	getChange,
	withdrawChange,
	// ask a person to change Defender
	addScan,
	updateScan,
	deleteScans,
}

// Effect says what an operation does to the world; it, not the HTTP verb, decides what is gated.
type Effect int

const (
	Reads    Effect = iota // changes nothing (the two history reads are POSTs, and reads)
	Proposes               // asks a person to change Defender
	Manages                // acts on the caller's own changes
)

// Operation is one entry of the catalogue: all that a face needs to offer it.
type Operation struct {
	Name        string
	Title       string
	Description string
	Effect      Effect
	Destructive bool            // can overwrite or remove what somebody made
	Idempotent  bool            // asking twice has no more effect than asking once
	OpenWorld   bool            // reaches Defender, not only our own ledger
	Input       json.RawMessage // JSON Schema 2020-12
	Output      json.RawMessage
}

// ReadOnly reports whether the operation changes nothing at all.
func (o Operation) ReadOnly() bool { return o.Effect == Reads }

// Catalogue lists the operations with their schemas, into which the names of the configured credentials go.
func Catalogue(credentials []string) ([]Operation, error) {
	all := make([]Operation, len(catalogue))
	for i, op := range catalogue {
		all[i] = op.Operation
		var err error
		if all[i].Input, err = inputSchema(op.input, credentials); err != nil {
			return nil, fmt.Errorf("input schema of %s: %w", op.Name, err)
		}
		if all[i].Output, err = outputSchema(op.output); err != nil {
			return nil, fmt.Errorf("output schema of %s: %w", op.Name, err)
		}
	}
	return all, nil
}
