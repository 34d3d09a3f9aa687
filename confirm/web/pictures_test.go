package web_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"html"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"

	"scanwarden/tools"
	"scanwarden/tools/toolstest/browsertest"
)

// picturesPath names the environment variable with the directory in which the pictures of the documentation are made.
const picturesPath = "SCANWARDEN_DOCS_PICTURES"

// maxPicture bounds a picture of the documentation, in bytes.
const maxPicture = 60 << 10

// TestPicturesOfTheDocumentation makes docs/pictures: the page in light and dark, and the prompt of a client.
func TestPicturesOfTheDocumentation(t *testing.T) {
	dir := os.Getenv(picturesPath)
	if dir == "" {
		t.Skip("set " + picturesPath + " to the directory of the pictures")
	}
	s := newChangeSite(t, nil)
	c := s.update(t)
	tab := openInBrowser(t, s, c)
	do(t, tab, chromedp.EmulateViewport(1100, 800))
	for _, scheme := range []string{"light", "dark"} {
		browsertest.SetScheme(t, tab, scheme, true)
		savePicture(t, filepath.Join(dir, "page-"+scheme+".png"), get(t, tab, chromedp.CaptureScreenshot()))
	}
	prompt := `<!doctype html><meta name="color-scheme" content="dark"><title>prompt</title><body style="margin:0;background:#14171d;color:#e9ecf1"><pre style="margin:16px;font:14px/1.45 monospace;white-space:pre-wrap;width:80ch">`
	text, err := json.Marshal(prompt + html.EscapeString(tools.Prompt(c, "")))
	if err != nil {
		t.Fatal(err)
	}
	do(t, tab, chromedp.Navigate("about:blank"), chromedp.EmulateViewport(740, 330),
		chromedp.Evaluate[chromedp.Void](`document.write(`+string(text)+`)`))
	savePicture(t, filepath.Join(dir, "prompt.png"), get(t, tab, chromedp.CaptureScreenshot()))
}

// savePicture writes a picture with at most 128 colors. It fails the test if it is too large for the documentation.
func savePicture(t testing.TB, path string, raw []byte) {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	small := image.NewPaletted(picture.Bounds(), commonColors(picture, 128))
	draw.Draw(small, small.Bounds(), picture, picture.Bounds().Min, draw.Src)
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, small); err != nil {
		t.Fatal(err)
	}
	if out.Len() > maxPicture {
		t.Errorf("%s has %d bytes, want at most %d", path, out.Len(), maxPicture)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// commonColors returns the n colors that most pixels have.
func commonColors(picture image.Image, n int) color.Palette {
	count := map[color.RGBA]int{}
	for y := picture.Bounds().Min.Y; y < picture.Bounds().Max.Y; y++ {
		for x := picture.Bounds().Min.X; x < picture.Bounds().Max.X; x++ {
			count[color.RGBAModel.Convert(picture.At(x, y)).(color.RGBA)]++
		}
	}
	var all []color.RGBA
	for c := range count {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b color.RGBA) int { return cmp.Compare(count[b], count[a]) })
	var palette color.Palette
	for _, c := range all[:min(n, len(all))] {
		palette = append(palette, c)
	}
	return palette
}
