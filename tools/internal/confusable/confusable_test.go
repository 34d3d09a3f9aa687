package confusable_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"scanwarden/tools/internal/confusable"
)

// TestSkeleton has the examples of UTS 39 and texts that must stay apart.
func TestSkeleton(t *testing.T) {
	for _, same := range [][2]string{
		{"paypal", "ρаура\u04cf"}, {"paypal", "𝔭𝒶ỿ𝕡𝕒ℓ"}, {"Core", "Соrе"}, {"Il1|", "llll"}, {"m", "rn"}, {"Core", "Ｃｏｒｅ"},
		{"é", "e\u0301"}, {"a\u200bb", "ab"},
	} {
		if a, b := confusable.Skeleton(same[0]), confusable.Skeleton(same[1]); a != b {
			t.Errorf("%q and %q have the skeletons %q and %q", same[0], same[1], a, b)
		}
	}
	for _, apart := range [][2]string{{"Core", "Cora"}, {"Core 1", "Core 2"}, {"é", "e"}, {"東京", "京都"}} {
		if confusable.Skeleton(apart[0]) == confusable.Skeleton(apart[1]) {
			t.Errorf("%q and %q have one skeleton", apart[0], apart[1])
		}
	}
}

// TestTables checks samples of the generated tables, and their sizes, so that a wrong source is noticed.
func TestTables(t *testing.T) {
	if n := len(confusable.PrototypeTable()); n != 6565 {
		t.Errorf("%d prototypes", n)
	}
	for r, want := range map[rune]bool{'a': true, 'é': true, 'ж': true, '漢': true, 'ʀ': false, 'Ａ': false, '𝐂': false, 'Ꮯ': false, '\u200b': false, '€': false} {
		if got := confusable.IsAllowed(r); got != want {
			t.Errorf("%c is Allowed: %v", r, got)
		}
	}
	for r, want := range map[rune]bool{'\U0001D159': true, '\U00013441': true, '\U00013442': true, '\u2800': true, '\u3164': true, ' ': false, 'a': false} {
		if got := confusable.IsBlank(r); got != want {
			t.Errorf("%U is blank: %v", r, got)
		}
	}
}

// TestEveryLookAlikeIsFound: each character whose prototype is ASCII, in a word of Latin letters, is an imitation or
// an ordinary character of its own.
func TestEveryLookAlikeIsFound(t *testing.T) {
	for r, prototype := range confusable.PrototypeTable() {
		plain := !strings.ContainsFunc(prototype, func(r rune) bool { return r > unicode.MaxASCII })
		if r <= unicode.MaxASCII || !plain || confusable.IsOrdinary(r) || unicode.IsSpace(r) || !norm.NFC.IsNormalString(string(r)) {
			continue
		}
		found, ok := confusable.LookAlike("Core" + string(r))
		if !ok || found.Rune != r || !strings.HasPrefix(found.Looks, "Core") {
			t.Errorf("%c (%U), which looks like %q: %+v %v", r, r, prototype, found, ok)
		}
	}
}

// FuzzLookAlike: no text panics, all lengths are bounded, and no text is said to look like itself.
func FuzzLookAlike(f *testing.F) {
	for _, seed := range []string{"Core", "Соrе", "Ｃｏｒｅ", "ᴄᴏʀᴇ", "Co\u0336re", "i\u0307", "\u212A\u037E", "e\u0301\u0338", "\xff", "ﷺ", "\U0001D159"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		found, ok := confusable.LookAlike(text)
		confusable.MixedScripts(text)
		skeleton := confusable.Skeleton(text)
		if len(skeleton) > 64*len(text) || len(found.Looks) > 64*len(text) {
			t.Fatalf("%d bytes have a skeleton of %d and look like %d", len(text), len(skeleton), len(found.Looks))
		}
		if !ok || !utf8.ValidString(text) {
			return
		}
		if found.Looks == text {
			t.Fatalf("%q looks like itself", text)
		}
	})
}

func BenchmarkSkeleton(b *testing.B) {
	for b.Loop() {
		confusable.Skeleton("Core switches Berlin 12")
	}
}
