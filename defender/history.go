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

// Run is one run of a scan. Which fields are set depends on the read, and on whether the service follows the pages or its
// $metadata, which disagree on nearly every name. Both are decoded.
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

// Page is $top and $skip; zero omits them. By the pages, the largest $top is 10,000 or 4,096.
type Page struct{ Top, Skip int }

// RunsByDefinition returns the runs of the definitions with the given ids, 1 to 500, in the service's order.
// POST .../GetScanHistoryByScanDefinitionId ("Get scan history by definition"), a read in spite of its method;
// needs Machine.Read.All.
func (c *Client) RunsByDefinition(ctx context.Context, actor Actor, ids []string, p Page) ([]Run, error) {
	const op = "read history by definition"
	query, err := p.query(op)
	if err != nil {
		return nil, err
	}
	body, err := encodeIDs(op, "ScanDefinitionIds", ids)
	if err != nil {
		return nil, err
	}
	path := definitionsPath + "/GetScanHistoryByScanDefinitionId"
	r := request{op: op, method: http.MethodPost, path: path, query: query, body: body, actor: actor}
	return listAll[Run](ctx, c, r, p.Top)
}

// RunsBySession returns the runs of the sessions with the given ids, 1 to 500, with the result at each target.
// POST .../GetScanHistoryBySessionId ("Get scan history by session"), a read in spite of its method; needs
// Machine.Read.All.
func (c *Client) RunsBySession(ctx context.Context, actor Actor, ids []string) ([]Run, error) {
	const op = "read history by session"
	body, err := encodeIDs(op, "SessionIds", ids)
	if err != nil {
		return nil, err
	}
	path := definitionsPath + "/GetScanHistoryBySessionId"
	return listAll[Run](ctx, c, request{op: op, method: http.MethodPost, path: path, body: body, actor: actor}, 0)
}

// query returns p as a query string, "" for the zero Page.
func (p Page) query(op string) (string, error) {
	if p.Top < 0 || p.Skip < 0 {
		return "", invalidError(op, "top and skip must not be negative; leave them out, or count from 0")
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

// UnmarshalJSON decodes a run with the pages' names (plural even for one id), those of $metadata, or ours.
func (r *Run) UnmarshalJSON(data []byte) error {
	var in struct {
		ScanDefinitionID, SessionID        string
		ScanDefinitionIDs, SessionIDs      oneOrMany[string]
		ScannerID, ScanStatus              string
		LastScanned                        looseTime
		NumberOfTargets                    int
		NumberOfSuccessfullyScannedTargets int
		GeneralErrorMessage                string
		ScannedTargets, ListScannedTargets oneOrMany[RunTarget]
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
