package defendertest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// object is a JSON object as it is stored. Whole numbers in it are int.
type object = map[string]any

// orderedObject is a JSON object as it is sent. Its members have the order of Microsoft's examples.
type orderedObject []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in their order.
func (o orderedObject) MarshalJSON() ([]byte, error) { return appendJSON(nil, o) }

// appendJSON appends v as JSON to b. It recurses by itself where order matters, because json.Marshal would check and copy
// each level again.
func appendJSON(b []byte, v any) (_ []byte, err error) {
	switch v := v.(type) {
	case orderedObject:
		b = append(b, '{')
		for i, m := range v {
			if i > 0 {
				b = append(b, ',')
			}
			name, _ := json.Marshal(m.name) // strings always marshal
			b = append(append(b, name...), ':')
			if b, err = appendJSON(b, m.value); err != nil {
				return nil, fmt.Errorf("%s: %w", m.name, err)
			}
		}
		return append(b, '}'), nil
	case []orderedObject:
		b = append(b, '[')
		for i, o := range v {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendJSON(b, o); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	}
	data, err := json.Marshal(v)
	return append(b, data...), err
}

// orderMembers returns o with its members in the order of names, and any others at the end. A test can thus give a
// definition unknown fields, which a client must accept.
func orderMembers(o object, names []string) orderedObject {
	var out orderedObject
	for _, name := range names {
		if v, ok := o[name]; ok {
			out = append(out, member{name, v})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if !slices.Contains(names, name) {
			out = append(out, member{name, o[name]})
		}
	}
	return out
}

// cloneObject returns a copy of o made through JSON. It shares nothing with the caller, and every value has the type that
// it would have after a request. cloneObject panics if o is not JSON, which is a mistake in the calling test.
func cloneObject(o object) object {
	if o == nil {
		return object{}
	}
	data, err := json.Marshal(o)
	if err != nil {
		panic("defendertest: fields must be JSON: " + err.Error())
	}
	out, err := parseObject(data)
	if err != nil {
		panic("defendertest: fields must be a JSON object: " + err.Error())
	}
	return out
}

// parseObject returns data as an object. data must be exactly one JSON object.
func parseObject(data []byte) (object, error) {
	if !json.Valid(data) { // a Decoder alone would ignore what follows the object
		return nil, errors.New("not valid JSON")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var o object
	if err := d.Decode(&o); err != nil {
		return nil, err
	}
	if o == nil {
		return nil, errors.New("null is not an object")
	}
	return plainNumbers(o).(object), nil
}

// plainNumbers returns v with each json.Number replaced by an int if it is whole, or else by a float64.
func plainNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := strconv.Atoi(v.String()); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case object:
		for name := range v {
			v[name] = plainNumbers(v[name])
		}
	case []any:
		for i := range v {
			v[i] = plainNumbers(v[i])
		}
	}
	return v
}

// formatTime returns t in the service's form: up to seven digits of a second, without zeros at the end.
func formatTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.9999999Z07:00") }

// newHex returns n hex digits, different at each call.
func (s *Server) newHex(n int) string {
	s.issued++
	sum := sha256.Sum256([]byte("scanwarden simulator " + strconv.Itoa(s.issued)))
	return fmt.Sprintf("%x", sum)[:n]
}

// newID returns the next id, shaped like a version 4 GUID.
func (s *Server) newID() string {
	h := s.newHex(32)
	return strings.Join([]string{h[:8], h[8:12], "4" + h[13:16], "8" + h[17:20], h[20:]}, "-")
}
