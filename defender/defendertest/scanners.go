package defendertest

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The members of a scanner in the order of the examples: as an entity, and inside a definition, where its name is called
// machineName.
var (
	scannerFields = []string{"id", "machineId", "lastSeen", "computerDnsName", "assignedApplicationId",
		"scannerSoftwareVersion", "lastCommandExecutionTimestamp", "mdeClientVersion"}
	embeddedFields = []string{"id", "machineId", "machineName", "lastSeen", "assignedApplicationId",
		"scannerSoftwareVersion", "lastCommandExecutionTimestamp", "mdeClientVersion"}
)

// AddScanner registers a scanner, last seen at the given time, and returns its machine id of 40 hex digits.
func (s *Server) AddScanner(name string, lastSeen time.Time) (machineID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	machineID = s.newHex(40)
	s.addScanner(machineID, name, lastSeen)
	return machineID
}

func (s *Server) addScanner(machineID, name string, lastSeen time.Time) {
	s.scanners = append(s.scanners, object{
		"id":                            orgID + "_" + machineID,
		"machineId":                     machineID,
		"lastSeen":                      formatTime(lastSeen),
		"computerDnsName":               name,
		"assignedApplicationId":         "f23c76e1-a6b5-4f77-9468-3a57916c910e",
		"scannerSoftwareVersion":        "9.3.15.19",
		"lastCommandExecutionTimestamp": formatTime(lastSeen.Truncate(time.Second)),
		"mdeClientVersion":              nil,
	})
}

func (s *Server) listScanners(r *request) (response, error) {
	rows := make([]orderedObject, 0, len(s.scanners))
	for _, scanner := range slices.SortedFunc(slices.Values(s.scanners), byID) {
		rows = append(rows, s.applyCasing(orderMembers(scanner, scannerFields)))
	}
	return s.listResponse(r, "DeviceAuthenticatedScanAgents", rows)
}

// scannerByID returns the scanner that r.id names, or a 404. r.id is the machine id, as in the page's example path, or the
// entity's id, as in $metadata. Which of them the service accepts is unknown.
func (s *Server) scannerByID(r *request) (response, error) {
	scanner := s.findScanner(r.id)
	if scanner == nil {
		return response{}, notFound(r.id)
	}
	context := member{"@odata.context", originOf(r) + "/api/$metadata#DeviceAuthenticatedScanAgents/$entity"}
	entity := s.applyCasing(orderMembers(scanner, scannerFields))
	if s.options.BareAgent {
		return jsonResponse(http.StatusOK, append(orderedObject{context}, entity...))
	}
	return jsonResponse(http.StatusOK, orderedObject{context, {"value", []orderedObject{entity}}})
}

// findScanner returns the scanner with this machine id or entity id, or nil.
func (s *Server) findScanner(id string) object {
	for _, scanner := range s.scanners {
		if scanner["machineId"] == id || scanner["id"] == id {
			return scanner
		}
	}
	return nil
}

// embeddedScanner returns the scannerAgent of a definition: the scanner as it is now, or the stored reference if there is
// no such scanner.
func (s *Server) embeddedScanner(scan object) orderedObject {
	reference, ok := scan["scannerAgent"].(object)
	if !ok {
		return orderMembers(object{"machineId": nil}, embeddedFields)
	}
	machineID, _ := reference["machineId"].(string)
	scanner := s.findScanner(machineID)
	if scanner == nil {
		return orderMembers(reference, embeddedFields)
	}
	agent := object{}
	maps.Copy(agent, scanner)
	agent["machineName"] = scanner["computerDnsName"]
	delete(agent, "computerDnsName")
	return orderMembers(agent, embeddedFields)
}

// applyCasing returns a scanner with the names that the options choose.
func (s *Server) applyCasing(scanner orderedObject) orderedObject {
	if !s.options.PascalCaseAgents {
		return scanner
	}
	for i, m := range scanner {
		switch m.name {
		case "assignedApplicationId", "scannerSoftwareVersion", "lastCommandExecutionTimestamp":
			scanner[i].name = strings.ToUpper(m.name[:1]) + m.name[1:]
		}
	}
	return scanner
}
