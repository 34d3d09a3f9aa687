package defendertest

import (
	"fmt"
	"maps"
	"slices"
)

const (
	orgID     = "0335a792-18d2-424b-aeed-559567054570"
	createdBy = "username@test.com" // as in the examples; the value for an app-only caller is undocumented
)

// AddScan adds a definition to the tenant without the API, and returns its id. The fields have the API's names. They are
// not checked, so that a test can store what a live tenant might have: new enum values, unknown members, an id that is
// not a GUID. The default is an active Network scan of one documentation address every 4 hours by the first scanner, which
// has never run.
func (s *Server) AddScan(fields map[string]any) (id string) {
	fields = cloneObject(fields)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.insertScan(fields)["id"].(string)
}

// Edit changes fields of a definition, as a user of the portal would; nil stores null. It panics if there is no such
// definition.
func (s *Server) Edit(id string, fields map[string]any) {
	if !s.editScan(id, fields) {
		panic(unknownScan("Edit", id))
	}
}

// Remove deletes a definition, as a user of the portal would. It panics if there is no such definition.
func (s *Server) Remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.removeScans(id) == 0 {
		panic(unknownScan("Remove", id))
	}
}

// Scan returns a copy of a definition as it is stored, secrets included, and reports whether there is one. Whole numbers
// in it are int, and its scannerAgent has only the machineId.
func (s *Server) Scan(id string) (map[string]any, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	scan := s.findScan(id)
	if scan == nil {
		return nil, false
	}
	return cloneObject(scan), true
}

// Scans returns a copy of every definition, oldest first, as [Server.Scan] does.
func (s *Server) Scans() []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]map[string]any, len(s.scans))
	for i := range s.scans {
		all[i] = cloneObject(s.scans[i])
	}
	return all
}

// insertScan stores a definition, with defaults for absent fields, and returns it. The caller holds the lock and must not
// use fields afterwards.
func (s *Server) insertScan(fields object) object {
	scan := object{
		"scanType":        "Network",
		"scanName":        fmt.Sprintf("Network scan %d", len(s.scans)+1),
		"isActive":        true,
		"target":          "192.0.2.1",
		"orgId":           orgID,
		"intervalInHours": 4,
		"createdBy":       createdBy,
		"targetType":      "Ip",
		"latestScan":      object{"status": nil, "failureReason": nil, "executionDateTime": nil},
		"scannerAgent":    object{"machineId": nil},
		"scanAuthenticationParams": object{
			"@odata.type": snmpType, "type": "CommunityString", "communityString": "community-string",
		},
	}
	if len(s.scanners) > 0 {
		scan["scannerAgent"] = object{"machineId": s.scanners[0]["machineId"]}
	}
	maps.Copy(scan, fields)
	if _, ok := scan["id"].(string); !ok {
		scan["id"] = s.newID()
	}
	s.scans = append(s.scans, scan)
	return scan
}

// editScan changes fields of a definition and reports whether there is one with this id.
func (s *Server) editScan(id string, fields map[string]any) bool {
	fields = cloneObject(fields)
	s.mu.Lock()
	defer s.mu.Unlock()
	scan := s.findScan(id)
	if scan == nil {
		return false
	}
	maps.Copy(scan, fields)
	scan["id"] = id // with another id, the caller could not find it again
	return true
}

// findScan returns the stored definition itself, not a copy, or nil.
func (s *Server) findScan(id string) object {
	for _, scan := range s.scans {
		if scan["id"] == id {
			return scan
		}
	}
	return nil
}

// removeScans deletes the definitions with these ids and returns how many there were.
func (s *Server) removeScans(ids ...string) (removed int) {
	before := len(s.scans)
	s.scans = slices.DeleteFunc(s.scans, func(scan object) bool { return slices.Contains(ids, scan["id"].(string)) })
	return before - len(s.scans)
}

func unknownScan(method, id string) string {
	return fmt.Sprintf("defendertest: %s: there is no scan definition %q", method, id)
}
