package slacktest_test

import (
	"encoding/json"
	"testing"

	"scanwarden/slackbot/slacktest"
)

// FuzzBlocks checks that any blocks are either refused and recorded as a violation, or shown with a unique id on
// every block.
func FuzzBlocks(f *testing.F) {
	for _, test := range messageLimits {
		f.Add("[" + test.right + "]")
		f.Add("[" + test.wrong + "]")
	}
	f.Add(`[{"type":"divider","block_id":"block_id_0"},{"type":"divider"}]`)
	f.Add(`{"type":"divider"}`)
	f.Add(`[null,1,"x"]`)
	s := ruleBreakingWorkspace(f, slacktest.Options{})
	f.Fuzz(func(t *testing.T, blocks string) {
		before := len(s.Violations())
		a := call(t, s, "chat.postMessage", "channel", "C1", "text", "x", "blocks", blocks)
		if !a.OK {
			if kept := len(s.Violations()) - before; kept != 1 {
				t.Errorf("%s was refused with %s, and %d violations kept", blocks, a.Error, kept)
			}
			return
		}
		var shown []struct {
			ID string `json:"block_id"`
		}
		m := s.Messages("C1")
		if raw := m[len(m)-1].Blocks; raw != nil {
			if err := json.Unmarshal(raw, &shown); err != nil {
				t.Fatal(err)
			}
		}
		seen := map[string]bool{"": true}
		for _, b := range shown {
			if seen[b.ID] {
				t.Errorf("%s was shown with block_id %q missing or twice", blocks, b.ID)
			}
			seen[b.ID] = true
		}
	})
}
