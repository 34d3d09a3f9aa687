package defender

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// Scan is the body of an add or an update. An update leaves out ScanType, TargetType and MachineID where they
// are "", as the older page's example does; an add needs them.
type Scan struct {
	ScanType                 string
	ScanName                 string
	IsActive                 bool
	Target                   string          // comma-separated, no spaces in the examples
	IntervalInHours          *int            // nil is sent as null
	TargetType               string          // Ip or Hostname on the wire, whatever the prose says
	MachineID                string          // the scanner's
	ScanAuthenticationParams *Authentication // nil is left out
}

// scanBody has the fields of Scan in the order in which Microsoft's examples print them.
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

// agentBody names a scanner by its machine id alone, as the examples do; public clients send more, and differ.
type agentBody struct {
	MachineID string `json:"machineId"`
}

// field is a text with the name it has in the API.
type field struct{ name, value string }

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

// checkUTF8 refuses text that encoding/json would silently alter: what was confirmed is what must be sent.
func checkUTF8(op string, fields ...field) error {
	for _, f := range fields {
		if !utf8.ValidString(f.value) {
			return invalidError(op, "%s is not valid UTF-8: write it again", f.name)
		}
	}
	return nil
}

// marshalJSON is json.Marshal without its HTML escaping, which would send "R&D" as "R\u0026D".
func marshalJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
