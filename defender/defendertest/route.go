package defendertest

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

const (
	readRole  = "Machine.Read.All"
	writeRole = "Machine.ReadWrite.All"
)

// verbs are the methods of one path.
type verbs map[string]route

type route struct {
	role   string // the application role it needs; "" is none
	writes bool
	handle func(*request) (answer, error) // called with the server's lock held
}

// table is the API: nine documented operations and $metadata. Reading one definition by its id is not
// documented, so it is not found; nor is a DELETE verb, so it is not allowed.
func (s *Server) table() map[string]verbs {
	read := func(h func(*request) (answer, error)) route { return route{role: readRole, handle: h} }
	write := func(h func(*request) (answer, error)) route { return route{role: writeRole, writes: true, handle: h} }
	return map[string]verbs{
		"$metadata": {"GET": {handle: s.metadata}},

		"DeviceAuthenticatedScanDefinitions":             {"GET": read(s.listScans), "POST": write(s.addScan)},
		"DeviceAuthenticatedScanDefinitions/{id}":        {"GET": read(undocumented), "PATCH": write(s.updateScan)},
		"DeviceAuthenticatedScanDefinitions/BatchDelete": {"POST": write(s.deleteScans)},

		"DeviceAuthenticatedScanDefinitions/GetScanHistoryByScanDefinitionId": {"POST": read(s.historyByScan)},
		"DeviceAuthenticatedScanDefinitions/GetScanHistoryBySessionId":        {"POST": read(s.historyBySession)},

		"DeviceAuthenticatedScanAgents":      {"GET": read(s.listScanners)},
		"DeviceAuthenticatedScanAgents/{id}": {"GET": read(s.scannerByID)},
	}
}

// resolve finds the route of a request and keeps the path's id in r.
func (s *Server) resolve(r *request) (route, error) {
	methods := s.verbsAt(r)
	if methods == nil {
		return route{}, &refusal{http.StatusNotFound, "NotFound", "No resource found for " + r.URL.Path + "."}
	}
	found, ok := methods[r.Method]
	if !ok {
		allowed := strings.Join(slices.Sorted(maps.Keys(methods)), ", ")
		return route{}, &refusal{http.StatusMethodNotAllowed, "MethodNotAllowed",
			"The requested resource does not support " + r.Method + ", only " + allowed + "."}
	}
	return found, nil
}

// verbsAt looks up a path below /api or /api/v1.0. It takes the path as it came: cleaning it would turn a
// client's stray ".." into a valid call.
func (s *Server) verbsAt(r *request) verbs {
	path, ok := strings.CutPrefix(r.URL.Path, "/api/")
	if !ok {
		return nil
	}
	path = strings.TrimPrefix(path, "v1.0/")
	if methods, ok := s.routes[path]; ok {
		return methods
	}
	collection, id, _ := strings.Cut(path, "/")
	if id == "" || strings.Contains(id, "/") {
		return nil
	}
	r.id = id
	return s.routes[collection+"/{id}"]
}

func undocumented(r *request) (answer, error) { return answer{}, notFound(r.id) }
