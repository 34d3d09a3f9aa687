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
	ID                     string    `json:"id,omitempty"` // opaque, although it looks like ORG_MACHINE
	MachineID              string    `json:"machineId"`
	Name                   string    `json:"name,omitempty"` // computerDnsName, or machineName inside a definition
	LastSeen               time.Time `json:"lastSeen,omitzero"`
	ScannerSoftwareVersion string    `json:"scannerSoftwareVersion,omitempty"`
}

// Scanners returns every scanner that actor may read, sorted by name, then machine id: no order is documented.
// GET /api/DeviceAuthenticatedScanAgents ("Get all scan agents"); needs Machine.Read.All.
func (c *Client) Scanners(ctx context.Context, actor Actor) ([]Scanner, error) {
	r := request{op: "list scanners", method: http.MethodGet, path: "/api/DeviceAuthenticatedScanAgents", actor: actor}
	all, err := listAll[Scanner](ctx, c, r, 0)
	slices.SortFunc(all, func(a, b Scanner) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.MachineID, b.MachineID))
	})
	return all, err
}

// UnmarshalJSON decodes a scanner from the list of scanners, from a definition, or from our JSON.
func (s *Scanner) UnmarshalJSON(data []byte) error {
	var in struct {
		ID, MachineID                      string
		ComputerDNSName, MachineName, Name string
		LastSeen                           looseTime
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
