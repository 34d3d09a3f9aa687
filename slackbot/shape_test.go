package slackbot_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"scanwarden/slackbot/slacktest"
)

// shapesDir names a directory in which the tests save what they sent to Slack, once each, for .ci/shapes.sh to
// check against Slack's own types. Without it they save nothing.
const shapesDir = "SCANWARDEN_TEST_SHAPES"

// saveCalls saves the blocks and views of calls.
func saveCalls(t testing.TB, calls []slacktest.Call) {
	t.Helper()
	for _, c := range calls {
		if blocks := c.Args["blocks"]; blocks != "" {
			saveShape(t, "blocks", []byte(blocks))
		}
		if view := c.Args["view"]; view != "" {
			saveView(t, []byte(view))
		}
	}
}

// saveAnswer saves the view or the options in an acknowledgement, if it has either.
func saveAnswer(t testing.TB, body []byte) {
	t.Helper()
	var answer struct {
		View    json.RawMessage `json:"view"`
		Options json.RawMessage `json:"options"`
	}
	_ = json.Unmarshal(body, &answer) // most are empty
	if answer.View != nil {
		saveView(t, answer.View)
	}
	if answer.Options != nil {
		saveShape(t, "options", answer.Options)
	}
}

func saveView(t testing.TB, view []byte) {
	t.Helper()
	var kind struct{ Type string }
	if err := json.Unmarshal(view, &kind); err != nil || (kind.Type != "modal" && kind.Type != "home") {
		t.Errorf("not a view: %v %s", err, view)
		return
	}
	saveShape(t, kind.Type, view)
}

// saveShape saves one JSON value. .ci/shapes.sh finds its type by kind.
func saveShape(t testing.TB, kind string, body []byte) {
	t.Helper()
	dir := os.Getenv(shapesDir)
	if dir == "" {
		return
	}
	name := fmt.Sprintf("%s-%x.json", kind, sha256.Sum256(body))
	if err := os.WriteFile(filepath.Join(dir, name), body, 0o600); err != nil {
		t.Error(err)
	}
}
