package defendertest

import (
	_ "embed"
	"encoding/json"
	"time"
)

// The tenant to start with. Ids, machine ids and a session id are those of Microsoft's examples, so that a
// request pasted from its pages works as it stands; addresses are those reserved for documentation.
//
//go:embed seed.json
var seedJSON []byte

// seedTenant fills the tenant as of now. It runs before anyone else knows the server.
func (s *Server) seedTenant(now time.Time) {
	var tenant struct {
		Scanners []struct {
			MachineID, Name string
			SeenAgo         relTime
		}
		Scans []json.RawMessage
		Runs  []struct {
			Scan, Session, Status string
			Ago                   relTime
		}
	}
	if err := json.Unmarshal(seedJSON, &tenant); err != nil {
		panic("defendertest: seed.json: " + err.Error())
	}
	for _, scanner := range tenant.Scanners {
		s.addScanner(scanner.MachineID, scanner.Name, now.Add(-time.Duration(scanner.SeenAgo)))
	}
	for _, data := range tenant.Scans {
		fields, err := parseObject(data)
		if err != nil {
			panic("defendertest: seed.json: " + err.Error())
		}
		s.insertScan(fields)
	}
	for _, run := range tenant.Runs {
		s.recordRun(run.Scan, run.Status, run.Session, now.Add(-time.Duration(run.Ago)))
	}
}

// relTime is a duration written as text.
type relTime time.Duration

// UnmarshalText parses a Go duration such as "4m".
func (a *relTime) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	*a = relTime(d)
	return err
}
