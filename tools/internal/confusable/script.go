package confusable

import "unicode"

// Script returns Unicode's name of the script of r, such as "Cyrillic". It is "Common" for what all scripts share,
// "Inherited" for marks that take the script of their base, and "" for what has no script.
func Script(r rune) string {
	for _, name := range []string{"Latin", "Common", "Inherited"} {
		if unicode.Is(unicode.Scripts[name], r) {
			return name
		}
	}
	for name, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			return name
		}
	}
	return ""
}

// Foreign is a character in a word of another script.
type Foreign struct {
	Rune   rune
	Script string
	Among  string // the script of the word
}

// MixedScripts returns the first character of a word that mixes scripts beyond the restriction level "moderately
// restrictive" (UTS 39 section 5.2): one script; Latin with Chinese, Japanese or Korean; or Latin with one script of
// today other than Cyrillic and Greek. ok is false if text has no such word. Scripts of different words may differ.
func MixedScripts(text string) (found Foreign, ok bool) {
	among := ""
	for _, r := range text {
		if !isWordRune(r) {
			among = ""
			continue
		}
		script := Script(r)
		switch {
		case !unicode.IsLetter(r), script == "Common", script == "Inherited", script == "":
		case among == "":
			among = script
		case !mayShareWord(among, script, r):
			return Foreign{r, script, among}, true
		case among == "Latin":
			among = script // the stricter of the two for what follows
		}
	}
	return Foreign{}, false
}

func isWordRune(r rune) bool { return unicode.In(r, unicode.L, unicode.M, unicode.N) }

// eastAsian are the scripts of which Chinese, Japanese and Korean texts use several at once.
var eastAsian = map[string]bool{"Han": true, "Hiragana": true, "Katakana": true, "Hangul": true, "Bopomofo": true}

func mayShareWord(among, script string, r rune) bool {
	switch {
	case among == script, eastAsian[among] && eastAsian[script]:
		return true
	case among == "Latin":
		return isAllowed(r) && script != "Cyrillic" && script != "Greek"
	case script == "Latin":
		return among != "Cyrillic" && among != "Greek" && isAllowed(r)
	}
	return false
}
