package defendertest

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
)

const maxBatch = 500 // documented for indicators/BatchDelete only

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
func (s *Server) listScans(r *request) (answer, error) {
	rows := make([]ordered, 0, len(s.scans))
	for _, scan := range slices.SortedFunc(slices.Values(s.scans), byID) {
		rows = append(rows, s.listed(scan))
	}
	return s.listAnswer(r, "DeviceAuthenticatedScanDefinitions", rows)
}

func (s *Server) addScan(r *request) (answer, error) {
	scan, err := s.checkNew(r)
	if err != nil {
		return answer{}, err
	}
	return s.entityAnswer(r, cmp.Or(s.options.CreateStatus, http.StatusOK), s.insert(scan))
}

// updateScan merges a partial body, which Microsoft's older example is (no scanType, no scannerAgent).
// Credentials that are left out stay as they were, as documented.
func (s *Server) updateScan(r *request) (answer, error) {
	stored := s.find(r.id)
	if stored == nil {
		return answer{}, notFound(r.id)
	}
	fields, err := s.checkUpdate(r, stored)
	if err != nil {
		return answer{}, err
	}
	maps.Copy(stored, fields)
	if s.options.OtherIDOnUpdate {
		stored = clone(stored)
		stored["id"] = s.newID()
	}
	return s.entityAnswer(r, http.StatusOK, stored)
}

// deleteScans deletes all the ids or none. The limits and the 404 are those of indicators/BatchDelete, the
// closest documented relative.
func (s *Server) deleteScans(r *request) (answer, error) {
	ids, err := s.checkIDs(r, "ScanDefinitionIds")
	if err != nil {
		return answer{}, err
	}
	if len(ids) > maxBatch {
		return answer{}, batchTooLarge(len(ids))
	}
	for _, id := range ids {
		if s.find(id) == nil {
			return answer{}, notFound(id)
		}
	}
	s.remove(ids...)
	return answer{status: cmp.Or(s.options.DeleteStatus, http.StatusOK)}, nil
}

func (s *Server) listed(scan object) ordered {
	row := object{}
	maps.Copy(row, scan)
	row["scannerAgent"] = s.casing(s.embedded(scan))
	if auth, ok := scan["scanAuthenticationParams"].(object); ok && s.options.AuthInLists {
		row["scanAuthenticationParams"] = arrange(auth, authFields)
	} else {
		row["scanAuthenticationParams"] = nil
	}
	row["latestScan"] = latest(scan)
	return arrange(row, listedFields)
}

// entityAnswer is one definition as add and update show it: without credentials, and with
// advancedActiveConfiguration.
func (s *Server) entityAnswer(r *request, status int, scan object) (answer, error) {
	row := object{"advancedActiveConfiguration": nil}
	maps.Copy(row, scan)
	row["scanAuthenticationParams"] = nil
	row["scannerAgent"] = s.embedded(scan)
	row["latestScan"] = latest(scan)

	context := member{"@odata.context", origin(r) + "/api/$metadata#DeviceAuthenticatedScanDefinitions/$entity"}
	entity := arrange(row, scanFields)
	if s.options.WrapEntities {
		return jsonAnswer(status, ordered{context, {"value", []ordered{entity}}})
	}
	return jsonAnswer(status, append(ordered{context}, entity...))
}

// listAnswer wraps rows, sorted by id, in the list form. A page starts after the id in $skiptoken, so that a
// row added or removed meanwhile neither repeats nor hides another.
func (s *Server) listAnswer(r *request, set string, rows []ordered) (answer, error) {
	list := ordered{{"@odata.context", origin(r) + "/api/$metadata#" + set}}
	if after := r.URL.Query().Get("$skiptoken"); after != "" {
		rows = slices.DeleteFunc(rows, func(row ordered) bool { return row[0].value.(string) <= after })
	}
	if size := s.options.PageSize; size > 0 && len(rows) > size {
		rows = rows[:size]
		next := origin(r) + r.URL.Path + "?$skiptoken=" + url.QueryEscape(rows[size-1][0].value.(string))
		return jsonAnswer(http.StatusOK, append(list, member{"value", rows}, member{"@odata.nextLink", next}))
	}
	return jsonAnswer(http.StatusOK, append(list, member{"value", rows}))
}

func latest(scan object) any {
	if l, ok := scan["latestScan"].(object); ok {
		return arrange(l, latestFields)
	}
	return scan["latestScan"]
}

func byID(a, b object) int { return cmp.Compare(a["id"].(string), b["id"].(string)) }

// origin is the scheme and host the caller used.
func origin(r *request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
