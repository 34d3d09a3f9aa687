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

// Scanner is a device that carries out scans. A definition refers to one by its machine id.
type Scanner struct {
	ID                     string    `json:"id,omitempty"` // looks like ORG_MACHINE; never built nor taken apart
	MachineID              string    `json:"machineId"`
	Name                   string    `json:"name,omitempty"` // computerDnsName, or machineName inside a definition
	LastSeen               time.Time `json:"lastSeen,omitzero"`
	ScannerSoftwareVersion string    `json:"scannerSoftwareVersion,omitempty"`
}

// Scanners lists, on behalf of by, every scanner, sorted by name, then machine id: no order is documented.
// GET /api/DeviceAuthenticatedScanAgents ("Get all scan agents"); needs Machine.Read.All.
func (c *Client) Scanners(ctx context.Context, by Actor) ([]Scanner, error) {
	r := call{op: "list scanners", method: http.MethodGet, path: "/api/DeviceAuthenticatedScanAgents", by: by}
	all, err := list[Scanner](ctx, c, r, 0)
	slices.SortFunc(all, func(a, b Scanner) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.MachineID, b.MachineID))
	})
	return all, err
}

// UnmarshalJSON reads a scanner of either collection, and ours.
func (s *Scanner) UnmarshalJSON(data []byte) error {
	var in struct {
		ID, MachineID                      string
		ComputerDNSName, MachineName, Name string
		LastSeen                           moment
		ScannerSoftwareVersion             string
	}
	err := json.Unmarshal(data, &in)
	*s = Scanner{
		ID:                     in.ID,
		MachineID:              in.MachineID,
		Name:                   cmp.Or(in.ComputerDNSName, in.MachineName, in.Name),
		LastSeen:               in.LastSeen.Time,
		ScannerSoftwareVersion: in.ScannerSoftwareVersion,
	}
	return err
}
