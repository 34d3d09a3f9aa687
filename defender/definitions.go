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

// Definition is a scan definition as Defender returns it, without its credentials. Enumerations are strings, so that an
// unknown value is shown instead of lost. The JSON names are Microsoft's, and also those that users see.
type Definition struct {
	ID              string     `json:"id"`       // opaque; a GUID in examples
	ScanType        string     `json:"scanType"` // Network, Windows; $metadata also has Linux and AdvancedActive
	ScanName        string     `json:"scanName"`
	IsActive        bool       `json:"isActive"`        // enabled, not "running now"
	Target          string     `json:"target"`          // comma-separated
	TargetType      string     `json:"targetType"`      // Ip, Hostname; $metadata also has Combined
	IntervalInHours *int       `json:"intervalInHours"` // nil if Defender sends null
	OrgID           string     `json:"orgId,omitempty"`
	CreatedBy       string     `json:"createdBy,omitempty"`
	ScannerAgent    Scanner    `json:"scannerAgent"`
	LatestScan      LatestScan `json:"latestScan"`

	canonical string
}

// LatestScan is the result of the last run. It is zero if the scan has never run.
type LatestScan struct {
	Status            string    `json:"status,omitempty"` // Success, Fail
	FailureReason     string    `json:"failureReason,omitempty"`
	ExecutionDateTime time.Time `json:"executionDateTime,omitzero"`
}

// Definitions returns every scan definition that actor may read, sorted by name, then id: no order is documented.
// GET /api/DeviceAuthenticatedScanDefinitions ("Get all scan definitions"); needs Machine.Read.All.
func (c *Client) Definitions(ctx context.Context, actor Actor) ([]Definition, error) {
	all, err := listAll[Definition](ctx, c, request{op: "list definitions", method: http.MethodGet, path: definitionsPath, actor: actor}, 0)
	slices.SortFunc(all, func(a, b Definition) int {
		return cmp.Or(strings.Compare(a.ScanName, b.ScanName), strings.Compare(a.ID, b.ID))
	})
	return all, err
}

// Canonical returns the definition in a form to compare: two results are equal if no user or program changed the
// definition in between. It is JSON with sorted, lower-case names, without secrets and without volatile fields
// (latestScan, times, scanner software versions). It returns {} for a Definition that was not decoded from JSON.
func (d Definition) Canonical() json.RawMessage { return json.RawMessage(cmp.Or(d.canonical, "{}")) }

// UnmarshalJSON decodes a definition from Defender's JSON or ours.
func (d *Definition) UnmarshalJSON(data []byte) error {
	type fields Definition // without UnmarshalJSON, which would call itself
	var in fields
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	canonical, err := canonicalOf(data)
	if err != nil {
		return err
	}
	*d = Definition(in)
	d.canonical = canonical
	return nil
}

// UnmarshalJSON decodes a latestScan, with the time as a looseTime.
func (l *LatestScan) UnmarshalJSON(data []byte) error {
	var in struct {
		Status, FailureReason string
		ExecutionDateTime     looseTime
	}
	err := json.Unmarshal(data, &in)
	*l = LatestScan{Status: in.Status, FailureReason: in.FailureReason, ExecutionDateTime: in.ExecutionDateTime.Time}
	return err
}
