// Package tools plans and executes changes of Defender's authenticated scans, and reads them.
//
// A [Service] answers the read operations, and turns the arguments of a write operation into a [confirm.Proposal]:
// the exact bytes to send, every field before and after, warnings, and a snapshot of the live state. An approver
// confirms the proposal at the [confirm.Gate]. The Gate then calls an [Executor], which compares the live state with
// the snapshot and sends these bytes. The catalogue lists the operations for every interface.
//
// The invariant: no argument leads to a write. A Service holds a Client of Defender and no Writer. The Executor
// holds the Writer, takes nothing but a change, and only the Gate calls it. A Service refuses secrets by their field
// names and plans with references to credentials; the Executor resolves them.
//
// Arguments come from a model or a user, and any administrator may have written what Defender stores. Both are shown
// with invisible characters escaped, and neither decides what is allowed.
package tools

import (
	"encoding/json"
	"fmt"
)

// catalogue lists the operations of the product. A new operation is one file and one line here; every interface
// offers it without further code.
var catalogue = []operation{
	// read Defender
	listScans,
	listScanners,
	scanHistory,
	// follow the caller's own changes
	getChange,
	withdrawChange,
	// propose a change of Defender to an approver
	addScan,
	updateScan,
	deleteScans,
}

// Effect classifies an operation by what it can change. The Gate is required for Proposes, whatever the HTTP verb.
type Effect int

const (
	Reads    Effect = iota // changes nothing (the two history reads are POSTs, and reads)
	Proposes               // proposes a change of Defender to an approver
	Manages                // acts on the caller's own changes
)

// Operation describes an entry of the catalogue: all that an interface needs to offer it.
type Operation struct {
	Name        string
	Title       string
	Description string
	Effect      Effect
	Destructive bool // can overwrite or remove existing scans
	Idempotent  bool // a second call has no further effect
	OpenWorld   bool // reaches Defender, not only the ledger
	// WaitArgument names the argument that makes a call wait for an outcome; "" if no call waits. An interface bounds
	// such calls.
	WaitArgument string
	Input        json.RawMessage // JSON Schema 2020-12
	Output       json.RawMessage
}

// ReadOnly reports whether the operation changes nothing at all.
func (o Operation) ReadOnly() bool { return o.Effect == Reads }

// Catalogue returns the operations with their schemas, which list the names of the configured credentials.
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
