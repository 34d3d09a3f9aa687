// Package confusable finds texts that look like another text, with the tables of Unicode's security mechanisms (UTS 39).
//
//	Skeleton(text)  -> equal for texts that look alike
//	LookAlike(text) -> the ordinary text that a text imitates, and the character that gives it away
//	MixedScripts    -> a word above the restriction level "moderately restrictive"
//	IsBlank         -> a printable character that fonts draw as nothing
//
// The invariant: an ordinary text in one script is no look-alike, whatever its language. What such texts can still be
// mistaken for is found by comparing skeletons with the texts that exist.
package confusable

import (
	"cmp"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

//go:generate go run gen.go

// Skeleton returns the skeleton of text as UTS 39 section 4 defines it, after compatibility normalization. Texts with
// equal skeletons look alike. It is for comparison only and must not be shown.
func Skeleton(text string) string {
	if isASCII(text) {
		return asciiSkeleton(text)
	}
	var b strings.Builder
	table := prototypeTable()
	for _, r := range norm.NFD.String(norm.NFKC.String(text)) {
		switch prototype, mapped := table[r]; {
		case mapped:
			b.WriteString(prototype)
		case !isDefaultIgnorable(r):
			b.WriteRune(r)
		}
	}
	return norm.NFD.String(b.String())
}

// asciiSkeleton returns the skeleton of an ASCII text, which nearly all names are.
func asciiSkeleton(text string) string {
	var b strings.Builder
	b.Grow(len(text) + 8)
	table := asciiTable()
	for i := range len(text) {
		b.WriteString(table[text[i]])
	}
	return b.String()
}

// IsBlank reports whether r takes up space, or a place in the text, and is drawn as nothing by at least one font. The
// ASCII space is not blank in this sense.
func IsBlank(r rune) bool {
	_, blank := blankTable()[r]
	return blank
}

func isDefaultIgnorable(r rune) bool {
	return unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector, unicode.Cf)
}

// isAllowed reports whether the Identifier_Status of r is Allowed: whether r is in ordinary use today.
func isAllowed(r rune) bool { return unicode.Is(allowedTable(), r) }

// The tables are decoded when the first text needs them, so that they cost nothing at start.
var (
	prototypeTable = sync.OnceValue(decodePrototypes)
	asciiTable     = sync.OnceValue(func() (out [utf8.RuneSelf]string) {
		for r := range rune(utf8.RuneSelf) {
			out[r] = cmp.Or(norm.NFD.String(prototypeTable()[r]), string(r))
		}
		return out
	})
	allowedTable = sync.OnceValue(decodeAllowed)
	blankTable   = sync.OnceValue(func() map[rune]struct{} {
		out := map[rune]struct{}{}
		for word := range strings.FieldsSeq(blanks) {
			out[hexRune(word)] = struct{}{}
		}
		return out
	})
	smallCapitalTable = sync.OnceValue(func() map[rune]string {
		words, out := strings.Fields(smallCapitals), map[rune]string{}
		for i := 0; i < len(words); i += 2 {
			out[hexRune(words[i])] = words[i+1]
		}
		return out
	})
)

func decodePrototypes() map[rune]string {
	out := make(map[rune]string, 7000)
	for line := range strings.Lines(prototypes) {
		key, list, _ := strings.Cut(line, "=")
		var prototype strings.Builder
		for word := range strings.FieldsSeq(key) {
			prototype.WriteRune(hexRune(word))
		}
		r := rune(0)
		for word := range strings.FieldsSeq(list) {
			r += hexRune(word)
			out[r] = prototype.String()
		}
	}
	return out
}

func decodeAllowed() *unicode.RangeTable {
	words := strings.Fields(allowed)
	out := &unicode.RangeTable{}
	end := rune(0)
	for i := 0; i < len(words); i += 2 {
		start := end + hexRune(words[i])
		end = start + hexRune(words[i+1])
		if start <= 0xffff && end > 0x10000 {
			panic("a range of Allowed crosses the planes") // the generated table has none
		}
		if start <= 0xffff {
			out.R16 = append(out.R16, unicode.Range16{Lo: uint16(start), Hi: uint16(end - 1), Stride: 1})
		} else {
			out.R32 = append(out.R32, unicode.Range32{Lo: uint32(start), Hi: uint32(end - 1), Stride: 1})
		}
	}
	return out
}

// hexRune returns the number that a generated table has in hexadecimal.
func hexRune(word string) rune {
	n, err := strconv.ParseUint(word, 16, 31)
	if err != nil {
		panic("generated table: " + err.Error())
	}
	return rune(n)
}
