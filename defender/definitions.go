package defender

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

const definitionsPath = "/api/DeviceAuthenticatedScanDefinitions"

// Definition is a scan definition as Defender returns it, without its credentials. Enumerations are kept as the
// strings they came as, so a value that is new to us is shown, not lost. The JSON names are Microsoft's, and
// also what we show.
type Definition struct {
	ID              string     `json:"id"`       // opaque; a GUID in examples
	ScanType        string     `json:"scanType"` // Network, Windows; $metadata also has Linux and AdvancedActive
	ScanName        string     `json:"scanName"`
	IsActive        bool       `json:"isActive"`        // enabled, not "running now"
	Target          string     `json:"target"`          // comma-separated
	TargetType      string     `json:"targetType"`      // Ip, Hostname; $metadata also has Combined
	IntervalInHours *int       `json:"intervalInHours"` // nil when Defender says null
	OrgID           string     `json:"orgId,omitempty"`
	CreatedBy       string     `json:"createdBy,omitempty"`
	ScannerAgent    Scanner    `json:"scannerAgent"`
	LatestScan      LatestScan `json:"latestScan"`

	state string
}

// LatestScan is how the last run went. It is zero when the scan has never run.
type LatestScan struct {
	Status            string    `json:"status,omitempty"` // Success, Fail
	FailureReason     string    `json:"failureReason,omitempty"`
	ExecutionDateTime time.Time `json:"executionDateTime,omitzero"`
}

// Definitions lists, on behalf of by, every scan definition, sorted by name, then id: no order is documented.
// GET /api/DeviceAuthenticatedScanDefinitions ("Get all scan definitions"); needs Machine.Read.All.
func (c *Client) Definitions(ctx context.Context, by Actor) ([]Definition, error) {
	all, err := list[Definition](ctx, c, call{op: "list definitions", method: http.MethodGet, path: definitionsPath, by: by}, 0)
	slices.SortFunc(all, func(a, b Definition) int {
		return cmp.Or(strings.Compare(a.ScanName, b.ScanName), strings.Compare(a.ID, b.ID))
	})
	return all, err
}

// Canonical returns the definition as Defender sent it, for telling whether it has moved: canonical JSON with sorted,
// lower-cased names, without what moves by itself (latestScan, times, scanner software versions) and without
// secrets. A Definition that was not made from JSON has the state {}.
func (d Definition) Canonical() json.RawMessage { return json.RawMessage(cmp.Or(d.state, "{}")) }

// UnmarshalJSON reads Defender's answer, and ours.
func (d *Definition) UnmarshalJSON(data []byte) error {
	type fields Definition // without this method, or it would call itself
	var in fields
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	state, err := stateOf(data)
	if err != nil {
		return err
	}
	*d = Definition(in)
	d.state = state
	return nil
}

// UnmarshalJSON reads times leniently.
func (l *LatestScan) UnmarshalJSON(data []byte) error {
	var in struct {
		Status, FailureReason string
		ExecutionDateTime     moment
	}
	err := json.Unmarshal(data, &in)
	*l = LatestScan{Status: in.Status, FailureReason: in.FailureReason, ExecutionDateTime: in.ExecutionDateTime.Time}
	return err
}
