package mcpserver

import (
	"encoding/json"
	"testing"
)

// TestInexactIDs: an id comes back exactly, or the request is refused with the id as it came.
func TestInexactIDs(t *testing.T) {
	t.Parallel()
	for id, refused := range map[string]bool{
		`1`: false, `0`: false, `-1`: false, `9007199254740991`: false, `-9007199254740991`: false, `"9007199254740993"`: false, `null`: false, `1.5`: false,
		`9007199254740992`: true, `9007199254740993`: true, `-9007199254740993`: true, `1e400`: true, `18446744073709551615`: true,
		`1.0`: true, `1e3`: true, `0.10`: true,
	} {
		got := inexactID([]byte(`{"jsonrpc":"2.0","id":` + id + `,"method":"ping"}`))
		if (got != nil) != refused {
			t.Errorf("%s: refused %v, want %v", id, got != nil, refused)
		}
		var response struct {
			ID    json.RawMessage
			Error struct{ Code int }
		}
		if got == nil {
			continue
		}
		if err := json.Unmarshal(inexactIDError(got), &response); err != nil || string(response.ID) != id || response.Error.Code != -32600 {
			t.Errorf("%s: the response is %s, %v", id, inexactIDError(got), err)
		}
	}
	if inexactID([]byte(`not JSON`)) != nil || inexactID([]byte(`{"method":"ping"}`)) != nil {
		t.Error("a message without an id is refused for its id")
	}
}
