package defendertest

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
)

const maxDeleteIDs = 500 // documented for indicators/BatchDelete only

// The members of a definition in the order of the examples. The list page's examples end at latestScan. Those of add and
// update (December 2025) go on to advancedActiveConfiguration. isTroubleshootMode is in $metadata only, so a definition
// has it only if a test added it.
var (
	listedFields = []string{"id", "scanType", "scanName", "isActive", "target", "orgId", "intervalInHours",
		"createdBy", "targetType", "isTroubleshootMode", "scanAuthenticationParams", "scannerAgent", "latestScan"}
	scanFields   = append(slices.Clone(listedFields), "advancedActiveConfiguration")
	latestFields = []string{"status", "failureReason", "executionDateTime"}
	authFields   = []string{"@odata.type", "type", "username", "domain", "isGmsaUser", "authProtocol",
		"authPassword", "privProtocol", "privPassword", "communityString"}
)

// listScans lists the definitions in the order of their ids, which is arbitrary. Microsoft documents no order, so a client
// that needs one must sort.
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

// updateScan merges the body into the definition, because Microsoft's older example is partial (no scanType, no
// scannerAgent). Omitted credentials are kept, as documented.
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

// listedScan returns a definition as the list shows it.
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

// entityResponse returns one definition as add and update show it: without credentials, and with
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

// listResponse returns rows, which are sorted by id, or one page of them. A page starts after the id in $skiptoken, so
// that a row added or removed between two pages neither repeats nor hides another.
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

// originOf returns the scheme and host that the caller used.
func originOf(r *request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
