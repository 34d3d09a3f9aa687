package defendertest

import (
	_ "embed"
	"encoding/json"
	"time"
)

// seedJSON is the tenant at the start. Ids, machine ids and a session id are those of Microsoft's examples, so that a
// request pasted from its pages works. Addresses are those reserved for documentation.
//
//go:embed seed.json
var seedJSON []byte

// seedTenant fills the tenant with times relative to now. It takes no lock, so only New may call it.
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

// relTime is a duration that is text in JSON.
type relTime time.Duration

// UnmarshalText parses a Go duration such as "4m".
func (a *relTime) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	*a = relTime(d)
	return err
}
