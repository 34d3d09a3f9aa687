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

// seed fills the tenant as of now. It runs before anyone else knows the server.
func (s *Server) seed(now time.Time) {
	var tenant struct {
		Scanners []struct {
			MachineID, Name string
			SeenAgo         ago
		}
		Scans []json.RawMessage
		Runs  []struct {
			Scan, Session, Status string
			Ago                   ago
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
		s.insert(fields)
	}
	for _, run := range tenant.Runs {
		s.finish(run.Scan, run.Status, run.Session, now.Add(-time.Duration(run.Ago)))
	}
}

// ago is a duration written as text.
type ago time.Duration

// UnmarshalText parses a Go duration such as "4m".
func (a *ago) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	*a = ago(d)
	return err
}
