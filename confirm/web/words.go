package web

import (
	"strconv"
	"strings"
)

// operationWords returns the name of a tool as words: "Delete scans" for delete_scans.
func operationWords(name string) string {
	words := strings.ReplaceAll(name, "_", " ")
	if words == "" {
		return ""
	}
	return strings.ToUpper(words[:1]) + words[1:]
}

// countWords returns the number with the right form of the noun.
func countWords(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// spelledCode returns the code with a blank between the letters, so that a screen reader spells it.
func spelledCode(code string) string { return strings.Join(strings.Split(code, ""), " ") }

// nounFor returns the form of a noun or verb for a number.
func nounFor(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// firstOf and secondOf pick one of two results, because a template cannot.
func firstOf(first, _ string) string { return first }

func secondOf(_, second string) string { return second }

// sentence returns text with a capital letter and a full stop.
func sentence(text string) string {
	text = operationWords(strings.ReplaceAll(text, "_", "\x00"))
	text = strings.ReplaceAll(text, "\x00", "_")
	if text != "" && !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}

// versionText returns the version of the change that the page shows.
func versionText(p page) string { return strconv.FormatInt(p.Version, 10) }
