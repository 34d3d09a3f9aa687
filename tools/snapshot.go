package tools

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"scanwarden/defender"
)

// snapshot is the live state that a change was planned against: the states of the scans that it touches, by id. A new
// scan touches none; its snapshot is the ids of all scans that existed.
type snapshot struct {
	states map[string]any
	ids    []string
}

// snapshotScans returns the states of the scans that a change touches, to be compared before anything is sent.
func snapshotScans(touched ...defender.Definition) (json.RawMessage, error) {
	states := map[string]json.RawMessage{}
	for _, d := range touched {
		states[d.ID] = d.Canonical()
	}
	return json.Marshal(states)
}

// snapshotIDs returns the ids of all scans, so that a new one can be recognized.
func snapshotIDs(scans []defender.Definition) (json.RawMessage, error) {
	ids := make([]string, len(scans))
	for i, d := range scans {
		ids[i] = d.ID
	}
	slices.Sort(ids)
	return json.Marshal(ids)
}

func readSnapshot(frozen json.RawMessage) (snapshot, error) {
	var s snapshot
	if json.Unmarshal(frozen, &s.ids) == nil && s.ids != nil {
		return s, nil
	}
	states, ok := parseDocument(frozen).(map[string]any)
	if !ok || len(states) == 0 {
		return s, errors.New("what it was planned against cannot be read")
	}
	return snapshot{states: states}, nil
}

// compare returns the live scans that the snapshot contains, and a text for each difference from it.
func (s snapshot) compare(live []defender.Definition) (touched []defender.Definition, differences []string) {
	present := map[string]bool{}
	for _, d := range live {
		was, planned := s.states[d.ID]
		if !planned {
			continue
		}
		touched, present[d.ID] = append(touched, d), true
		for _, difference := range diffStates(was, parseDocument(d.Canonical())) {
			differences = append(differences, fmt.Sprintf("scan %s: %s", quote(d.ScanName), difference))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.states)) {
		if !present[id] {
			differences = append(differences, fmt.Sprintf("scan %s is gone", s.scanName(id)))
		}
	}
	return touched, differences
}

// scanName returns the quoted name that a scan had, or its id.
func (s snapshot) scanName(id string) string {
	state, _ := s.states[id].(map[string]any)
	if name, ok := state["scanname"].(string); ok {
		return quote(name)
	}
	return quote(id)
}

// isUnchanged reports whether a scan is still in the state of the snapshot.
func (s snapshot) isUnchanged(d defender.Definition) bool {
	return len(diffStates(s.states[d.ID], parseDocument(d.Canonical()))) == 0
}

// parseDocument returns a JSON document in a form that compares equal however its bytes are written.
func parseDocument(document json.RawMessage) any {
	dec := json.NewDecoder(bytes.NewReader(document))
	dec.UseNumber() // a float would make large numbers equal that are not
	var v any
	dec.Decode(&v) // an unreadable document equals no state
	return v
}

// fieldNames restores Microsoft's spelling of the names in a state, which are in lower case.
var fieldNames = strings.NewReplacer(
	"scantype", "scanType", "scanname", "scanName", "isactive", "isActive", "intervalinhours", "intervalInHours",
	"targettype", "targetType", "scanneragent", "scannerAgent", "machineid", "machineId", "machinename", "machineName",
	"scanauthenticationparams", "scanAuthenticationParams",
)

// diffStates returns the fields of two states that differ, as "name: before -> now", dotted where nested.
func diffStates(before, now any) []string {
	beforeFields, nowFields := map[string]any{}, map[string]any{}
	flattenState("", before, beforeFields)
	flattenState("", now, nowFields)
	all := maps.Clone(beforeFields)
	maps.Copy(all, nowFields)
	var out []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !reflect.DeepEqual(beforeFields[name], nowFields[name]) {
			out = append(out, fmt.Sprintf("%s: %s -> %s", truncate(fieldNames.Replace(name), 80), shortJSON(beforeFields[name]), shortJSON(nowFields[name])))
		}
	}
	return out
}

func flattenState(path string, v any, into map[string]any) {
	object, ok := v.(map[string]any)
	if !ok {
		into[path] = v
		return
	}
	for name, inner := range object {
		dotted := name
		if path != "" {
			dotted = path + "." + name
		}
		flattenState(dotted, inner, into)
	}
}

func shortJSON(v any) string { return truncate(string(marshalOrNil(v)), 200) }
