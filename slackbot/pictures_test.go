package slackbot_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"scanwarden/tools/toolstest/browsertest"
)

// TestPicturesOfAMessage makes docs/pictures/slack-*.png: the golden message of an update, drawn about as Slack draws it.
func TestPicturesOfAMessage(t *testing.T) {
	dir := browsertest.PicturesDir(t)
	page, err := os.ReadFile(filepath.Join("testdata", "message.html"))
	if err != nil {
		t.Fatal(err)
	}
	quoted, err := json.Marshal(string(page))
	if err != nil {
		t.Fatal(err)
	}
	golden, err := os.ReadFile(filepath.Join("testdata", "messages", "question-update.json"))
	if err != nil {
		t.Fatal(err)
	}
	var calls []struct {
		Args struct{ Blocks json.RawMessage }
	}
	if err := json.Unmarshal(golden, &calls); err != nil || len(calls) == 0 {
		t.Fatalf("the golden message has %d calls, %v", len(calls), err)
	}
	tab := browsertest.NewTab(t)
	browsertest.Do(t, tab, chromedp.Navigate("about:blank"), chromedp.EmulateViewport(720, 640),
		chromedp.Evaluate[chromedp.Void](`document.write(`+string(quoted)+`); document.close()`),
		chromedp.Evaluate[chromedp.Void](`draw(`+string(calls[0].Args.Blocks)+`)`))
	height := browsertest.Get(t, tab, chromedp.Evaluate[int64](`document.body.scrollHeight`))
	browsertest.Do(t, tab, chromedp.EmulateViewport(720, height))
	for _, scheme := range []string{"light", "dark"} {
		browsertest.SetScheme(t, tab, scheme, true)
		browsertest.SavePicture(t, filepath.Join(dir, "slack-"+scheme+".png"), browsertest.Get(t, tab, chromedp.CaptureScreenshot()))
	}
}
