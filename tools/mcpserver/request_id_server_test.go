package mcpserver_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// largeID is the first whole number that a float64 does not hold (field case 23).
const largeID = "9007199254740993"

// TestALargeIDIsRefusedOverStdio: its client gets the id back as it sent it, and the next request is answered.
func TestALargeIDIsRefusedOverStdio(t *testing.T) {
	w := newStack(t).startStdio(t)
	w.send(`{"jsonrpc":"2.0","id":` + largeID + `,"method":"ping"}`)
	if m := w.read(); string(m.ID) != largeID || m.Error == nil || !strings.Contains(m.Error.Message, "send another id") {
		t.Errorf("the answer has id %s and error %+v", m.ID, m.Error)
	}
	w.send(`{"jsonrpc":"2.0","id":"` + largeID + `","method":"ping"}`)
	if m := w.read(); string(m.ID) != `"`+largeID+`"` || m.Error != nil {
		t.Errorf("the answer to a text id has id %s and error %+v", m.ID, m.Error)
	}
}

// TestALargeIDIsRefusedOverHTTP in the same way.
func TestALargeIDIsRefusedOverHTTP(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	got := s.postMessage(t, "", []byte(`{"jsonrpc":"2.0","id":`+largeID+`,"method":"ping"}`), http.Header{})
	var m struct {
		ID    json.RawMessage
		Error struct {
			Code    int
			Message string
		}
	}
	if err := json.Unmarshal([]byte(got.raw), &m); err != nil {
		t.Fatalf("%v in %q", err, got.raw)
	}
	if got.status != http.StatusBadRequest || string(m.ID) != largeID || m.Error.Code != -32600 || !strings.Contains(m.Error.Message, "send another id") {
		t.Errorf("status %d, body %s", got.status, got.raw)
	}
	if status, _ := s.sendRaw(t, http.MethodPost, `{"jsonrpc":"2.0","id":7,"method":"ping"}`, nil); status == http.StatusBadRequest {
		t.Errorf("an id that is exact has status %d", status)
	}
}
