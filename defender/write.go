package defender

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Limits on ids. The largest batch is that of indicators/BatchDelete, the closest documented relative; none is
// stated for scan definitions.
const (
	maxIDs      = 500
	maxIDLength = 128
)

const deletePath = definitionsPath + "/BatchDelete"

// pathID is an id that may stand in a path. Ids are opaque, so one that does not fit is refused, not escaped:
// url.PathEscape leaves ".." alone, and a server that cleans paths then climbs out of the collection.
var pathID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$`) })

// Write is one of the three writes, frozen and inert: the bytes a person confirms are the bytes that are sent.
// Only [AddScan], [UpdateScan] and [DeleteScans] make ones that [Writer.Prepare] accepts. Keep Body as it is; json.Marshal
// of a struct that holds it compacts and HTML-escapes it, which makes other bytes of it.
type Write struct {
	Method string
	Path   string
	Body   json.RawMessage
}

// AddScan freezes the adding of a scan: POST /api/DeviceAuthenticatedScanDefinitions ("Add a new scan
// definition"). It refuses what no reading of the documentation allows: an empty field, text that is not UTF-8,
// a secret in the clear. It does not judge values.
func AddScan(s Scan) (Write, error) {
	body, err := s.body(opAdd, field{"scanType", s.ScanType}, field{"targetType", s.TargetType},
		field{"scannerAgent.machineId", s.MachineID})
	if err != nil {
		return Write{}, err
	}
	return Write{http.MethodPost, definitionsPath, body}, nil
}

// UpdateScan freezes the changing of a scan: PATCH /api/DeviceAuthenticatedScanDefinitions/{id} ("Update an
// existing scan definition"). Send every field that is not secret, changed or not: a sparse PATCH is shown
// nowhere. Without ScanAuthenticationParams the stored credentials stay (documented as optional).
func UpdateScan(id string, s Scan) (Write, error) {
	if !pathID().MatchString(id) {
		return Write{}, invalid(opUpdate, "the id %q cannot be a scan's: take it from the list of scans (letters, digits, - and _)", printable(id, maxIDLength))
	}
	body, err := s.body(opUpdate)
	if err != nil {
		return Write{}, err
	}
	return Write{http.MethodPatch, definitionsPath + "/" + id, body}, nil
}

// DeleteScans freezes the deleting of 1 to 500 different scans: POST
// /api/DeviceAuthenticatedScanDefinitions/BatchDelete ("Delete scan definitions"), the only delete there is.
func DeleteScans(ids []string) (Write, error) {
	body, err := encodeIDs(opDelete, "ScanDefinitionIds", ids)
	if err != nil {
		return Write{}, err
	}
	return Write{http.MethodPost, deletePath, body}, nil
}

// operation names the form w has, or "" if it has none of the three.
func (w Write) operation() string {
	id, inside := strings.CutPrefix(w.Path, definitionsPath+"/")
	switch {
	case w.Method == http.MethodPost && w.Path == definitionsPath:
		return opAdd
	case w.Method == http.MethodPost && w.Path == deletePath:
		return opDelete
	case w.Method == http.MethodPatch && inside && pathID().MatchString(id):
		return opUpdate
	}
	return ""
}

// encodeIDs makes the body of a delete or a history read, whose names are PascalCase where those of a scan are
// camelCase; the service is documented to tell the difference.
func encodeIDs(op, name string, ids []string) (json.RawMessage, error) {
	if len(ids) == 0 || len(ids) > maxIDs {
		return nil, invalid(op, "%s has %d ids: name 1 to %d", name, len(ids), maxIDs)
	}
	seen := make(map[string]bool, len(ids))
	for _, id := range ids {
		switch {
		case id == "" || len(id) > maxIDLength || !utf8.ValidString(id) || strings.ContainsFunc(id, invisible):
			return nil, invalid(op, "%s: %q cannot be an id: take ids from the list", name, printable(id, maxIDLength))
		case seen[id]:
			return nil, invalid(op, "%s names %q twice: name each once", name, id)
		}
		seen[id] = true
	}
	return encode(map[string][]string{name: ids})
}

func invisible(r rune) bool { return !unicode.IsPrint(r) }
