package defendertest

import (
	"fmt"
	"maps"
	"math"
	"mime"
	"net/http"
	"slices"
	"strings"
)

// Everything in this file is the simulator's policy, not Microsoft's behavior: which mistake gets which error is
// documented nowhere. Codes and the words before the colon come from the common-errors page. What follows the colon is
// ours, and explains to developers why a test failed.

var (
	// The members that a request may have. Only Defender sets the others.
	writableMembers = []string{"scanType", "scanName", "isActive", "target", "intervalInHours", "targetType",
		"scannerAgent", "scanAuthenticationParams"}

	// Without targetType: the property page calls it required and, in the same row, gives a default.
	requiredMembers = []string{"scanType", "scanName", "isActive", "target", "intervalInHours", "scannerAgent",
		"scanAuthenticationParams"}

	scanTypes   = []string{"Network", "Windows", "Linux", "AdvancedActive"} // of $metadata
	targetTypes = []string{"Ip", "Hostname", "Combined"}                    // "IP Address" is prose, not a value
)

// checkNew returns the definition that an add creates.
func (s *Server) checkNew(r *request) (object, error) {
	sent, err := s.decodeBody(r, writableMembers)
	if err != nil {
		return nil, err
	}
	for _, name := range requiredMembers {
		if _, ok := sent[name]; !ok {
			return nil, missingParam(name)
		}
	}
	scan := object{"targetType": "Ip"}
	maps.Copy(scan, sent)
	return scan, s.checkFields(scan, scan)
}

// checkUpdate returns the fields that an update changes.
func (s *Server) checkUpdate(r *request, stored object) (object, error) {
	sent, err := s.decodeBody(r, writableMembers)
	if err != nil {
		return nil, err
	}
	whole := object{}
	maps.Copy(whole, stored)
	maps.Copy(whole, sent)
	return sent, s.checkFields(sent, whole)
}

// checkFields checks each field in sent, and the fields that must agree with each other in whole, the definition that
// would result. Stored fields that were not sent are not checked.
func (s *Server) checkFields(sent, whole object) error {
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		if err := s.checkField(sent, name); err != nil {
			return err
		}
	}
	if hasMember(sent, "target") || hasMember(sent, "targetType") {
		if err := checkTargets(whole); err != nil {
			return err
		}
	}
	if hasMember(sent, "scanType") || hasMember(sent, "scanAuthenticationParams") {
		if err := checkAgreement(whole); err != nil {
			return err
		}
	}
	if s.options.RefuseWindows && whole["scanType"] == "Windows" {
		return invalidInput("scanType", "Windows")
	}
	return nil
}

func (s *Server) checkField(sent object, name string) error {
	switch v := sent[name]; name {
	case "scanType":
		return checkOneOf(name, v, scanTypes)
	case "targetType":
		return checkOneOf(name, v, targetTypes)
	case "scanName", "target":
		return checkText(name, v)
	case "isActive":
		if _, ok := v.(bool); !ok { // the page of 2022 sends "True" in quotes
			return invalidBody("isActive has to be true or false")
		}
	case "intervalInHours":
		// No range is documented; $metadata says Int32, and null is allowed.
		if n, ok := v.(int); v != nil && (!ok || n < 0 || n > math.MaxInt32) {
			return invalidBody("intervalInHours has to be a whole number or null")
		}
	case "scannerAgent":
		return s.checkScanner(sent, v)
	case "scanAuthenticationParams":
		return s.checkAuth(v)
	}
	return nil
}

// checkScanner returns an error unless v is a scannerAgent whose machineId names a scanner. It replaces scannerAgent in sent
// by its machineId. The other members are looked up when the definition is read.
func (s *Server) checkScanner(sent object, v any) error {
	agent, ok := v.(object)
	if !ok {
		return invalidBody("scannerAgent has to be an object")
	}
	if err := s.checkNames(agent, embeddedFields); err != nil {
		return err
	}
	if !hasMember(agent, "machineId") {
		return missingParam("scannerAgent.machineId")
	}
	if err := checkText("scannerAgent.machineId", agent["machineId"]); err != nil {
		return err
	}
	scanner := s.findScanner(agent["machineId"].(string))
	if scanner == nil || scanner["machineId"] != agent["machineId"] {
		return invalidInput("scannerAgent.machineId", agent["machineId"])
	}
	sent["scannerAgent"] = object{"machineId": agent["machineId"]}
	return nil
}

// checkIDs returns the ids in the body of an action: {name: [id, ...]}. The type is String in the pages' tables, but an
// array in their examples and in $metadata.
func (s *Server) checkIDs(r *request, name string) ([]string, error) {
	sent, err := s.decodeBody(r, []string{name})
	if err != nil {
		return nil, err
	}
	if !hasMember(sent, name) {
		return nil, missingParam(name)
	}
	list, ok := sent[name].([]any)
	if !ok {
		return nil, invalidBody(name + " has to be an array of strings")
	}
	if len(list) == 0 {
		return nil, invalidInput(name, "[]")
	}
	ids := make([]string, len(list))
	for i, v := range list {
		if ids[i], ok = v.(string); !ok || ids[i] == "" {
			return nil, invalidBody(name + " has to be an array of strings")
		}
	}
	return ids, nil
}

// decodeBody returns the body of r as an object with the given names only.
func (s *Server) decodeBody(r *request, names []string) (object, error) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return nil, invalidBody("Content-Type has to be application/json")
	}
	fields, err := parseObject(r.body)
	if err != nil {
		return nil, invalidBody("it has to be one JSON object")
	}
	return fields, s.checkNames(fields, names)
}

// checkNames returns an error if fields has other names, or deletes those if the options ignore unknown fields.
func (s *Server) checkNames(fields object, names []string) error {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if slices.Contains(names, name) {
			continue
		}
		if !s.options.IgnoreUnknownFields {
			return invalidBody(fmt.Sprintf("%.60q is not one of %s", name, strings.Join(names, ", ")))
		}
		delete(fields, name)
	}
	return nil
}

func hasMember(o object, name string) bool {
	_, ok := o[name]
	return ok
}

func checkOneOf(name string, v any, words []string) error {
	if word, ok := v.(string); !ok || !slices.Contains(words, word) {
		return invalidBody(name + " has to be one of " + strings.Join(words, ", "))
	}
	return nil
}

func checkText(name string, v any) error {
	t, ok := v.(string)
	if !ok {
		return invalidBody(name + " has to be a string")
	}
	if t == "" {
		return missingParam(name)
	}
	return nil
}

func invalidBody(why string) error {
	return &apiError{http.StatusBadRequest, "InvalidRequestBody", "Request body is incorrect: " + why}
}

func missingParam(name string) error {
	return &apiError{http.StatusBadRequest, "MissingRequiredParameter", "Parameter " + name + " is missing."}
}

func invalidInput(name string, v any) error {
	return &apiError{http.StatusBadRequest, "InvalidInput", fmt.Sprintf("Invalid input %.100v: %s", v, name)}
}

func batchTooLarge(received int) error {
	return &apiError{http.StatusBadRequest, "MaximumBatchSizeExceeded",
		fmt.Sprintf("Maximum batch size exceeded. Received: %d, allowed: %d.", received, maxDeleteIDs)}
}

func notFound(id string) error {
	return &apiError{http.StatusNotFound, "ResourceNotFound", "Resource " + id + " was not found."}
}
