package defendertest

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
)

const maxDeleteIDs = 500 // documented for indicators/BatchDelete only

// The members of a definition in the order the examples print them. The list page's examples end at
// latestScan; those of add and update (December 2025) go on to advancedActiveConfiguration. isTroubleshootMode
// is in $metadata alone, so a definition has it only if a test gave it one.
var (
	listedFields = []string{"id", "scanType", "scanName", "isActive", "target", "orgId", "intervalInHours",
		"createdBy", "targetType", "isTroubleshootMode", "scanAuthenticationParams", "scannerAgent", "latestScan"}
	scanFields   = append(slices.Clone(listedFields), "advancedActiveConfiguration")
	latestFields = []string{"status", "failureReason", "executionDateTime"}
	authFields   = []string{"@odata.type", "type", "username", "domain", "isGmsaUser", "authProtocol",
		"authPassword", "privProtocol", "privPassword", "communityString"}
)

// listScans answers in the order of ids, which means nothing: Microsoft documents no order, so a client that
// wants one has to sort.
func (s *Server) listScans(r *request) (response, error) {
	rows := make([]orderedObject, 0, len(s.scans))
	for _, scan := range slices.SortedFunc(slices.Values(s.scans), byID) {
		rows = append(rows, s.listedScan(scan))
	}
	return s.listResponse(r, "DeviceAuthenticatedScanDefinitions", rows)
}

func (s *Server) addScan(r *request) (response, error) {
	scan, err := s.checkNew(r)
	if err != nil {
		return response{}, err
	}
	return s.entityResponse(r, cmp.Or(s.options.CreateStatus, http.StatusOK), s.insertScan(scan))
}

// updateScan merges a partial body, which Microsoft's older example is (no scanType, no scannerAgent).
// Credentials that are left out stay as they were, as documented.
func (s *Server) updateScan(r *request) (response, error) {
	stored := s.findScan(r.id)
	if stored == nil {
		return response{}, notFound(r.id)
	}
	fields, err := s.checkUpdate(r, stored)
	if err != nil {
		return response{}, err
	}
	maps.Copy(stored, fields)
	if s.options.OtherIDOnUpdate {
		stored = cloneObject(stored)
		stored["id"] = s.newID()
	}
	return s.entityResponse(r, http.StatusOK, stored)
}

// deleteScans deletes all the ids or none. The limits and the 404 are those of indicators/BatchDelete, the
// closest documented relative.
func (s *Server) deleteScans(r *request) (response, error) {
	ids, err := s.checkIDs(r, "ScanDefinitionIds")
	if err != nil {
		return response{}, err
	}
	if len(ids) > maxDeleteIDs {
		return response{}, batchTooLarge(len(ids))
	}
	for _, id := range ids {
		if s.findScan(id) == nil {
			return response{}, notFound(id)
		}
	}
	s.removeScans(ids...)
	return response{status: cmp.Or(s.options.DeleteStatus, http.StatusOK)}, nil
}

func (s *Server) listedScan(scan object) orderedObject {
	row := object{}
	maps.Copy(row, scan)
	row["scannerAgent"] = s.applyCasing(s.embeddedScanner(scan))
	if auth, ok := scan["scanAuthenticationParams"].(object); ok && s.options.AuthInLists {
		row["scanAuthenticationParams"] = orderMembers(auth, authFields)
	} else {
		row["scanAuthenticationParams"] = nil
	}
	row["latestScan"] = latestScan(scan)
	return orderMembers(row, listedFields)
}

// entityResponse is one definition as add and update show it: without credentials, and with
// advancedActiveConfiguration.
func (s *Server) entityResponse(r *request, status int, scan object) (response, error) {
	row := object{"advancedActiveConfiguration": nil}
	maps.Copy(row, scan)
	row["scanAuthenticationParams"] = nil
	row["scannerAgent"] = s.embeddedScanner(scan)
	row["latestScan"] = latestScan(scan)

	context := member{"@odata.context", originOf(r) + "/api/$metadata#DeviceAuthenticatedScanDefinitions/$entity"}
	entity := orderMembers(row, scanFields)
	if s.options.WrapEntities {
		return jsonResponse(status, orderedObject{context, {"value", []orderedObject{entity}}})
	}
	return jsonResponse(status, append(orderedObject{context}, entity...))
}

// listResponse wraps rows, sorted by id, in the list form. A page starts after the id in $skiptoken, so that a
// row added or removed meanwhile neither repeats nor hides another.
func (s *Server) listResponse(r *request, set string, rows []orderedObject) (response, error) {
	list := orderedObject{{"@odata.context", originOf(r) + "/api/$metadata#" + set}}
	if after := r.URL.Query().Get("$skiptoken"); after != "" {
		rows = slices.DeleteFunc(rows, func(row orderedObject) bool { return row[0].value.(string) <= after })
	}
	if size := s.options.PageSize; size > 0 && len(rows) > size {
		rows = rows[:size]
		next := originOf(r) + r.URL.Path + "?$skiptoken=" + url.QueryEscape(rows[size-1][0].value.(string))
		return jsonResponse(http.StatusOK, append(list, member{"value", rows}, member{"@odata.nextLink", next}))
	}
	return jsonResponse(http.StatusOK, append(list, member{"value", rows}))
}

func latestScan(scan object) any {
	if l, ok := scan["latestScan"].(object); ok {
		return orderMembers(l, latestFields)
	}
	return scan["latestScan"]
}

func byID(a, b object) int { return cmp.Compare(a["id"].(string), b["id"].(string)) }

// originOf is the scheme and host the caller used.
func originOf(r *request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
