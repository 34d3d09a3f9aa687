package browsertest

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"slices"
	"testing"
)

// picturesPath names the environment variable with the directory in which the pictures of the documentation are made.
const picturesPath = "SCANWARDEN_DOCS_PICTURES"

// maxPicture bounds a picture of the documentation, in bytes.
const maxPicture = 60 << 10

// PicturesDir returns the directory of the documentation's pictures. It skips the test where none is to be made.
func PicturesDir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv(picturesPath)
	if dir == "" {
		t.Skip("set " + picturesPath + " to the directory of the pictures")
	}
	return dir
}

// SavePicture writes a picture with at most 256 colors. It fails the test if it is too large for the documentation.
func SavePicture(t testing.TB, path string, raw []byte) {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	small := image.NewPaletted(picture.Bounds(), commonColors(picture, 256))
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

// commonColors returns at most n colors of the picture, the most frequent first. Of colors that a person can hardly tell apart
// it takes one, so that the few pixels of a red word are not drawn in the brown of another.
func commonColors(picture image.Image, n int) color.Palette {
	count, common := map[color.RGBA]int{}, map[color.RGBA]color.RGBA{}
	for y := picture.Bounds().Min.Y; y < picture.Bounds().Max.Y; y++ {
		for x := picture.Bounds().Min.X; x < picture.Bounds().Max.X; x++ {
			count[color.RGBAModel.Convert(picture.At(x, y)).(color.RGBA)]++
		}
	}
	for c, times := range count {
		group := color.RGBA{R: c.R / 12, G: c.G / 12, B: c.B / 12}
		if best, found := common[group]; !found || times > count[best] || times == count[best] && compareColors(c, best) < 0 {
			common[group] = c
		}
	}
	all := slices.SortedFunc(maps.Values(common), func(a, b color.RGBA) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), compareColors(a, b))
	})
	var palette color.Palette
	for _, c := range all[:min(n, len(all))] {
		palette = append(palette, c)
	}
	return palette
}

// compareColors orders colors, so that the same picture has the same palette each time.
func compareColors(a, b color.RGBA) int {
	return cmp.Or(cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B))
}
