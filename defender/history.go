package defender

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Run is one run of a scan. Which fields are there depends on the read and, since the pages and $metadata
// disagree on nearly every name, on which of them the service follows; both are understood.
type Run struct {
	ScanDefinitionID string      `json:"scanDefinitionId,omitempty"`
	SessionID        string      `json:"sessionId,omitempty"` // for RunsBySession
	ScannerID        string      `json:"scannerId,omitempty"`
	ScanStatus       string      `json:"scanStatus,omitempty"` // free text, such as "Partial Success"
	LastScanned      time.Time   `json:"lastScanned,omitzero"` // documented; absent from $metadata
	Targets          int         `json:"numberOfTargets,omitempty"`
	Successful       int         `json:"numberOfSuccessfullyScannedTargets,omitempty"`
	Error            string      `json:"generalErrorMessage,omitempty"` // of $metadata; absent from the pages
	ScannedTargets   []RunTarget `json:"scannedTargets,omitempty"`
}

// RunTarget is what a run found at one address.
type RunTarget struct {
	IP          string `json:"ip,omitempty"`
	Hostname    string `json:"hostname,omitempty"`
	Description string `json:"scannedDeviceDescription,omitempty"`
	Error       string `json:"errorMessage,omitempty"`
	ScanStatus  string `json:"scanStatus,omitempty"`   // Success, Failure, PartialSuccess
	Duration    string `json:"scanDuration,omitempty"` // HH:MM:SS, perhaps with a fraction
}

// Page is $top and $skip; zero leaves them out. The pages put the largest $top at 10,000 or at 4,096.
type Page struct{ Top, Skip int }

// RunsByDefinition returns the runs of some definitions, in the service's order.
// POST .../GetScanHistoryByScanDefinitionId ("Get scan history by definition"), a read in spite of its method;
// needs Machine.Read.All.
func (c *Client) RunsByDefinition(ctx context.Context, by Actor, ids []string, p Page) ([]Run, error) {
	const op = "read history by definition"
	query, err := p.query(op)
	if err != nil {
		return nil, err
	}
	r := call{op: op, method: http.MethodPost, path: definitionsPath + "/GetScanHistoryByScanDefinitionId", query: query, by: by}
	return c.runs(ctx, r, "ScanDefinitionIds", ids, p.Top)
}

// RunsBySession returns the runs of some sessions, with what they found at each target.
// POST .../GetScanHistoryBySessionId ("Get scan history by session"), a read in spite of its method; needs
// Machine.Read.All.
func (c *Client) RunsBySession(ctx context.Context, by Actor, ids []string) ([]Run, error) {
	r := call{op: "read history by session", method: http.MethodPost, path: definitionsPath + "/GetScanHistoryBySessionId", by: by}
	return c.runs(ctx, r, "SessionIds", ids, 0)
}

func (c *Client) runs(ctx context.Context, r call, name string, ids []string, limit int) ([]Run, error) {
	body, err := encodeIDs(r.op, name, ids)
	if err != nil {
		return nil, err
	}
	r.body = body
	return list[Run](ctx, c, r, limit)
}

func (p Page) query(op string) (string, error) {
	if p.Top < 0 || p.Skip < 0 {
		return "", invalid(op, "top and skip must not be negative; leave them out, or count from 0")
	}
	var parts []string
	if p.Top > 0 {
		parts = append(parts, fmt.Sprintf("$top=%d", p.Top))
	}
	if p.Skip > 0 {
		parts = append(parts, fmt.Sprintf("$skip=%d", p.Skip))
	}
	return strings.Join(parts, "&"), nil
}

// UnmarshalJSON reads a run under the pages' names (plural even for one id), under those of $metadata, and ours.
func (r *Run) UnmarshalJSON(data []byte) error {
	var in struct {
		ScanDefinitionID, SessionID        string
		ScanDefinitionIDs, SessionIDs      many[string]
		ScannerID, ScanStatus              string
		LastScanned                        moment
		NumberOfTargets                    int
		NumberOfSuccessfullyScannedTargets int
		GeneralErrorMessage                string
		ScannedTargets, ListScannedTargets many[RunTarget]
	}
	err := json.Unmarshal(data, &in)
	*r = Run{
		ScanDefinitionID: cmp.Or(in.ScanDefinitionID, strings.Join(in.ScanDefinitionIDs, ",")),
		SessionID:        cmp.Or(in.SessionID, strings.Join(in.SessionIDs, ",")),
		ScannerID:        in.ScannerID,
		ScanStatus:       in.ScanStatus,
		LastScanned:      in.LastScanned.Time,
		Targets:          in.NumberOfTargets,
		Successful:       in.NumberOfSuccessfullyScannedTargets,
		Error:            in.GeneralErrorMessage,
		ScannedTargets:   append(in.ScannedTargets, in.ListScannedTargets...),
	}
	return err
}
