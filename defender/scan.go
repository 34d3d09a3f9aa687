package defender

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// Scan is the body of an add or an update. An update omits ScanType, TargetType and MachineID if they are "", as the older
// page's example does; an add needs them.
type Scan struct {
	ScanType                 string
	ScanName                 string
	IsActive                 bool
	Target                   string          // comma-separated, no spaces in the examples
	IntervalInHours          *int            // nil is sent as null
	TargetType               string          // Ip or Hostname; the documentation's "IP Address" is not a value
	MachineID                string          // the scanner's
	ScanAuthenticationParams *Authentication // nil is omitted
}

// scanBody is the JSON of a Scan, in the order of Microsoft's examples.
type scanBody struct {
	ScanType                 string          `json:"scanType,omitempty"`
	ScanName                 string          `json:"scanName"`
	IsActive                 bool            `json:"isActive"`
	Target                   string          `json:"target"`
	IntervalInHours          *int            `json:"intervalInHours"`
	TargetType               string          `json:"targetType,omitempty"`
	ScannerAgent             *agentBody      `json:"scannerAgent,omitempty"`
	ScanAuthenticationParams *Authentication `json:"scanAuthenticationParams,omitempty"`
}

// agentBody identifies a scanner by its machine id only, as the examples do. Public clients send more, but differ.
type agentBody struct {
	MachineID string `json:"machineId"`
}

// field is the name of a text field in the API, and its value.
type field struct{ name, value string }

// marshal returns s as JSON, or an error that names the field to correct. The required fields must not be "".
func (s Scan) marshal(op string, required ...field) (json.RawMessage, error) {
	for _, f := range append(required, field{"scanName", s.ScanName}, field{"target", s.Target}) {
		if f.value == "" {
			return nil, invalidError(op, "%s is empty: give it a value", f.name)
		}
	}
	if err := checkUTF8(op, field{"scanType", s.ScanType}, field{"scanName", s.ScanName}, field{"target", s.Target},
		field{"targetType", s.TargetType}, field{"scannerAgent.machineId", s.MachineID}); err != nil {
		return nil, err
	}
	b := scanBody{
		ScanType:                 s.ScanType,
		ScanName:                 s.ScanName,
		IsActive:                 s.IsActive,
		Target:                   s.Target,
		IntervalInHours:          s.IntervalInHours,
		TargetType:               s.TargetType,
		ScanAuthenticationParams: s.ScanAuthenticationParams,
	}
	if s.MachineID != "" {
		b.ScannerAgent = &agentBody{MachineID: s.MachineID}
	}
	if s.ScanAuthenticationParams != nil {
		if err := s.ScanAuthenticationParams.checkPublic(); err != nil {
			return nil, invalidError(op, "%v", err)
		}
	}
	return marshalJSON(b)
}

// checkUTF8 returns an error if a field is not valid UTF-8, which encoding/json would silently change: the confirmed text
// must be the sent text.
func checkUTF8(op string, fields ...field) error {
	for _, f := range fields {
		if !utf8.ValidString(f.value) {
			return invalidError(op, "%s is not valid UTF-8: write it again", f.name)
		}
	}
	return nil
}

// marshalJSON returns v as JSON. Unlike json.Marshal, it does not escape HTML, which would send "R&D" as "R\u0026D".
func marshalJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
