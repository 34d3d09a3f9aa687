package web_test

import (
	"encoding/json"
	"html"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"scanwarden/confirm/web"
	"scanwarden/tools"
	"scanwarden/tools/toolstest"
	"scanwarden/tools/toolstest/browsertest"
)

// TestPicturesOfTheDocumentation makes docs/pictures: the page in light and dark, and the prompt of a client.
func TestPicturesOfTheDocumentation(t *testing.T) {
	dir := browsertest.PicturesDir(t)
	s := newChangeSite(t, func(o *toolstest.Options, _ *web.ChangesConfig) { o.Target = "contoso.example" })
	c := s.update(t)
	tab := openInBrowser(t, s, c)
	do(t, tab, chromedp.EmulateViewport(1100, 800))
	for _, scheme := range []string{"light", "dark"} {
		browsertest.SetScheme(t, tab, scheme, false)
		browsertest.SavePicture(t, filepath.Join(dir, "page-"+scheme+".png"), get(t, tab, chromedp.CaptureScreenshot()))
	}
	prompt := `<!doctype html><meta name="color-scheme" content="dark"><title>prompt</title><body style="margin:0;background:#14171d;color:#e9ecf1"><pre style="margin:16px;font:14px/1.45 monospace;white-space:pre-wrap;width:80ch">`
	text, err := json.Marshal(prompt + html.EscapeString(tools.Prompt(c, "")))
	if err != nil {
		t.Fatal(err)
	}
	do(t, tab, chromedp.Navigate("about:blank"), chromedp.EmulateViewport(740, 240),
		chromedp.Evaluate[chromedp.Void](`document.write(`+string(text)+`)`))
	browsertest.SavePicture(t, filepath.Join(dir, "prompt.png"), get(t, tab, chromedp.CaptureScreenshot()))
}
