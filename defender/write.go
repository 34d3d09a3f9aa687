package defender

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"scanwarden/defender/internal/untrusted"
)

// Limits on ids. The number is that of indicators/BatchDelete, the closest documented relative; none is documented for
// scan definitions.
const (
	maxIDs      = 500
	maxIDLength = 128
)

const deletePath = definitionsPath + "/BatchDelete"

// rePathID matches an id that may be in a path. Other ids are refused, not escaped, because ids are opaque: url.PathEscape
// does not change "..", and a server that cleans paths would then leave the collection.
var rePathID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$`) })

// Write is one of the three writes, frozen: the bytes that an approver confirms are the bytes that are sent. Create it with
// [AddScan], [UpdateScan] or [DeleteScans]; [Writer.Prepare] refuses any other. Do not change Body. json.Marshal of a
// struct that contains it does so, by compacting and HTML-escaping it.
type Write struct {
	Method string
	Path   string
	Body   json.RawMessage
}

// AddScan returns the write that adds a scan: POST /api/DeviceAuthenticatedScanDefinitions ("Add a new scan definition").
// It returns an error for an empty field, text that is not UTF-8, or a secret in the clear, which no reading of the
// documentation allows. It does not check values.
func AddScan(s Scan) (Write, error) {
	body, err := s.marshal(opAdd, field{"scanType", s.ScanType}, field{"targetType", s.TargetType},
		field{"scannerAgent.machineId", s.MachineID})
	if err != nil {
		return Write{}, err
	}
	return Write{http.MethodPost, definitionsPath, body}, nil
}

// UpdateScan returns the write that changes a scan: PATCH /api/DeviceAuthenticatedScanDefinitions/{id} ("Update an
// existing scan definition"). s must have every field that is not secret, changed or not, because the documentation shows
// no partial PATCH. Without ScanAuthenticationParams the stored credentials are kept (documented as optional).
func UpdateScan(id string, s Scan) (Write, error) {
	if !rePathID().MatchString(id) {
		return Write{}, invalidError(opUpdate, "the id %q cannot be a scan's: take it from the list of scans (letters, digits, - and _)", untrusted.SanitizeText(id, maxIDLength))
	}
	body, err := s.marshal(opUpdate)
	if err != nil {
		return Write{}, err
	}
	return Write{http.MethodPatch, definitionsPath + "/" + id, body}, nil
}

// DeleteScans returns the write that deletes 1 to 500 different scans: POST
// /api/DeviceAuthenticatedScanDefinitions/BatchDelete ("Delete scan definitions"), the only delete of the API.
func DeleteScans(ids []string) (Write, error) {
	body, err := encodeIDs(opDelete, "ScanDefinitionIds", ids)
	if err != nil {
		return Write{}, err
	}
	return Write{http.MethodPost, deletePath, body}, nil
}

// operation returns which of the three writes w is, or "" if it is none of them.
func (w Write) operation() string {
	id, inside := strings.CutPrefix(w.Path, definitionsPath+"/")
	switch {
	case w.Method == http.MethodPost && w.Path == definitionsPath:
		return opAdd
	case w.Method == http.MethodPost && w.Path == deletePath:
		return opDelete
	case w.Method == http.MethodPatch && inside && rePathID().MatchString(id):
		return opUpdate
	}
	return ""
}

// encodeIDs returns the body of a delete or a history read. Its names are PascalCase, while those of a scan are camelCase;
// the service is documented to be case-sensitive.
func encodeIDs(op, name string, ids []string) (json.RawMessage, error) {
	if len(ids) == 0 || len(ids) > maxIDs {
		return nil, invalidError(op, "%s has %d ids: name 1 to %d", name, len(ids), maxIDs)
	}
	seen := make(map[string]bool, len(ids))
	for _, id := range ids {
		switch {
		case id == "" || len(id) > maxIDLength || !utf8.ValidString(id) || strings.ContainsFunc(id, isInvisible):
			return nil, invalidError(op, "%s: %q cannot be an id: take ids from the list", name, untrusted.SanitizeText(id, maxIDLength))
		case seen[id]:
			return nil, invalidError(op, "%s names %q twice: name each once", name, id)
		}
		seen[id] = true
	}
	return marshalJSON(map[string][]string{name: ids})
}

func isInvisible(r rune) bool { return !unicode.IsPrint(r) }
