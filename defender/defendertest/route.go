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

// methodRoutes has the routes of one path by method.
type methodRoutes map[string]route

// route describes one operation of the API.
type route struct {
	role    string // the application role it needs; "" means none
	isWrite bool
	handle  func(*request) (response, error) // called with the server's lock held
}

// newRoutes returns the API: nine documented operations and $metadata. Reading one definition by its id is not
// documented, so it is not found. Nor is the method DELETE, so it is not allowed.
func (s *Server) newRoutes() map[string]methodRoutes {
	read := func(h func(*request) (response, error)) route { return route{role: readRole, handle: h} }
	write := func(h func(*request) (response, error)) route {
		return route{role: writeRole, isWrite: true, handle: h}
	}
	return map[string]methodRoutes{
		"$metadata": {"GET": {handle: s.getMetadata}},

		"DeviceAuthenticatedScanDefinitions":             {"GET": read(s.listScans), "POST": write(s.addScan)},
		"DeviceAuthenticatedScanDefinitions/{id}":        {"GET": read(notDocumented), "PATCH": write(s.updateScan)},
		"DeviceAuthenticatedScanDefinitions/BatchDelete": {"POST": write(s.deleteScans)},

		"DeviceAuthenticatedScanDefinitions/GetScanHistoryByScanDefinitionId": {"POST": read(s.historyByScan)},
		"DeviceAuthenticatedScanDefinitions/GetScanHistoryBySessionId":        {"POST": read(s.historyBySession)},

		"DeviceAuthenticatedScanAgents":      {"GET": read(s.listScanners)},
		"DeviceAuthenticatedScanAgents/{id}": {"GET": read(s.scannerByID)},
	}
}

// findRoute returns the route of a request and stores the path's id in r.
func (s *Server) findRoute(r *request) (route, error) {
	methods := s.routesAt(r)
	if methods == nil {
		return route{}, &apiError{http.StatusNotFound, "NotFound", "No resource found for " + r.URL.Path + "."}
	}
	found, ok := methods[r.Method]
	if !ok {
		allowed := strings.Join(slices.Sorted(maps.Keys(methods)), ", ")
		return route{}, &apiError{http.StatusMethodNotAllowed, "MethodNotAllowed",
			"The requested resource does not support " + r.Method + ", only " + allowed + "."}
	}
	return found, nil
}

// routesAt returns the routes of a path below /api or /api/v1.0, or nil. It does not clean the path, which would turn a
// client's stray ".." into a valid call.
func (s *Server) routesAt(r *request) methodRoutes {
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

func notDocumented(r *request) (response, error) { return response{}, notFound(r.id) }
