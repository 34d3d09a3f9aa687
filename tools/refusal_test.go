package tools_test

import (
	"testing"

	"scanwarden/tools"
)

func TestARefusalIsOneSentence(t *testing.T) {
	for _, reason := range []string{"id is missing", "id is missing."} {
		r := &tools.Refusal{Reason: reason, Next: "call list_scans"}
		if got := r.Error(); got != "id is missing; call list_scans" {
			t.Errorf("%q becomes %q", reason, got)
		}
	}
}
