package confusable

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Imitation is the text that another one looks like, and the first character that shows that it is not that text.
type Imitation struct {
	Looks string
	Rune  rune
}

// LookAlike returns the text in ordinary Latin letters, digits and signs that text looks like. ok is false for a text
// that imitates nothing: one of ordinary characters (UTS 39, Identifier_Status=Allowed), or one in another script
// with at least one letter that has no Latin look-alike. A word that consists only of letters with Latin look-alikes
// counts as an imitation in every script, because nothing in it shows which was meant.
func LookAlike(text string) (found Imitation, ok bool) {
	var s scan
	s.noteSingletons(text)
	for _, r := range norm.NFC.String(text) {
		s.addRune(r)
	}
	if s.odd == 0 || s.blocked && !s.deceptive || s.rightToLeft && !s.latin {
		return Imitation{}, false
	}
	return Imitation{s.looks.String(), s.odd}, true
}

// scan is the state of LookAlike.
type scan struct {
	looks       strings.Builder
	last        rune // the character before
	odd         rune // the first character that is not what it looks like
	deceptive   bool // one of them has no ordinary use
	blocked     bool // a letter looks like no Latin one
	latin       bool
	rightToLeft bool
}

// noteSingletons notes the characters that normalization turns into ASCII, such as the Kelvin sign.
func (s *scan) noteSingletons(text string) {
	for _, r := range text {
		if r > unicode.MaxASCII && isASCII(norm.NFC.String(string(r))) {
			s.noteOdd(r, true)
		}
	}
}

func (s *scan) noteOdd(r rune, deceptive bool) {
	if s.odd == 0 {
		s.odd = r
	}
	s.deceptive = s.deceptive || deceptive
}

// addRune takes the next character.
func (s *scan) addRune(r rune) {
	defer func() { s.last = r }()
	switch {
	case isHiddenMark(s.last, r):
		s.noteOdd(r, true)
		return
	case r <= unicode.MaxASCII, isOrdinary(r):
		s.latin = s.latin || unicode.Is(unicode.Latin, r)
		s.looks.WriteRune(r)
		return
	}
	if plain := plainForm(r); plain != "" {
		s.rightToLeft = s.rightToLeft || isRightToLeft(r)
		s.noteOdd(r, isDeceptive(r))
		s.looks.WriteString(plain)
		return
	}
	s.blocked = s.blocked || unicode.IsLetter(r)
	s.looks.WriteRune(r)
}

// isHiddenMark reports whether r is a mark that covers or joins the character before, so that it is easily missed: an
// overlay, or a dot on a letter that has one.
func isHiddenMark(before, r rune) bool {
	const overlay = 1 // Canonical_Combining_Class
	if norm.NFC.PropertiesString(string(r)).CCC() == overlay {
		return true
	}
	return r == '\u0307' && unicode.Is(unicode.Soft_Dotted, before)
}

// isOrdinary reports whether r is in use as itself in texts of Latin letters: an Allowed letter or digit, or a
// typographic sign that writers and word processors use.
func isOrdinary(r rune) bool {
	if isAllowed(r) {
		return unicode.In(r, unicode.Latin, unicode.Common, unicode.Inherited)
	}
	return r <= unicode.MaxLatin1 || r == '…' || unicode.In(r, unicode.Dash, unicode.Quotation_Mark)
}

// isDeceptive reports whether r has no use beside the letter that it looks like: a mathematical letter, a small
// capital, a phonetic sign. Fullwidth forms are ordinary in East Asian texts.
func isDeceptive(r rune) bool {
	return unicode.In(r, unicode.Lu, unicode.Ll, unicode.Nd) && unicode.In(r, unicode.Latin, unicode.Common) && !isFullwidth(r)
}

func isFullwidth(r rune) bool { return r >= '\uff01' && r <= '\uff5e' }

func isRightToLeft(r rune) bool {
	return unicode.In(r, unicode.Arabic, unicode.Hebrew, unicode.Syriac, unicode.Thaana, unicode.Nko)
}

// plainForm returns the ASCII text that r looks like, or "".
func plainForm(r rune) string {
	if capital, ok := smallCapitalTable()[r]; ok {
		return capital
	}
	if unicode.In(r, unicode.Lu, unicode.Ll, unicode.Nd, unicode.Nl) || isFullwidth(r) {
		if plain := norm.NFKC.String(string(r)); isASCII(plain) {
			return plain
		}
	}
	switch prototype := prototypeTable()[r]; {
	case !isASCII(prototype):
		return ""
	case prototype == "l" && unicode.IsUpper(r):
		return "I" // the prototype of I is l
	case prototype == "rn":
		return "m" // the prototype of m is rn
	default:
		return prototype
	}
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
