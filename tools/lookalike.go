package tools

import (
	"fmt"
	"strings"
	"unicode"

	"scanwarden/defender"
	"scanwarden/tools/internal/confusable"
)

// maxMarks bounds the combining marks on one letter of an ordinary text (UTS 39 section 5.4).
const maxMarks = 4

// deceptiveTexts returns the warnings about the texts of a scan that may be taken for others.
func (d draft) deceptiveTexts() []string {
	out := deceptiveText("scanName", d.ScanName)
	out = append(out, deceptiveText("target", d.Target)...)
	out = append(out, deceptiveText("scannerAgent", d.scanner.Name)...)
	if a := d.ScanAuthenticationParams; a != nil {
		out = append(out, deceptiveText("username", a.Username)...)
		out = append(out, deceptiveText("domain", a.Domain)...)
	}
	return out
}

// deceptiveText returns a warning for a text that looks like another text: one in ordinary letters, or one in a single
// script. It returns nil for ordinary texts of every language.
func deceptiveText(field, text string) []string {
	if isPlainASCII(text) {
		return nil
	}
	var out []string
	if like, ok := confusable.LookAlike(text); ok {
		out = append(out, fmt.Sprintf("%s: %s looks like %s but is not: it has %s", field, quote(text), quote(like.Looks), describeRune(like.Rune)))
	} else if f, ok := confusable.MixedScripts(text); ok {
		out = append(out, fmt.Sprintf("%s: %s mixes %s letters with %s, which can pass for another: it may be made to look like a name you know",
			field, quote(text), f.Among, describeRune(f.Rune)))
	}
	if hasStackedMarks(text) {
		out = append(out, fmt.Sprintf("%s: %s has letters under several marks, which can hide what it says", field, quote(text)))
	}
	return out
}

// describeRune returns a character with its script and code point, such as "the Cyrillic а (U+0430)". One that is invisible
// or looks like a quotation mark is described by its code point alone.
func describeRune(r rune) string {
	script := confusable.Script(r)
	switch {
	case unicode.Is(unicode.M, r):
		return fmt.Sprintf("the combining mark U+%04X", r)
	case !isVisible(r) || strings.ContainsRune(quoteLookalikes, r):
		return fmt.Sprintf("the unusual character U+%04X", r)
	case script == "Latin", script == "Common", script == "":
		return fmt.Sprintf("the unusual character %c (U+%04X)", r, r)
	default:
		return fmt.Sprintf("the %s %c (U+%04X)", script, r, r)
	}
}

// hasStackedMarks reports whether a letter of text has the same mark twice in a row, or more than maxMarks.
func hasStackedMarks(text string) bool {
	count, last := 0, rune(0)
	for _, r := range text {
		if !unicode.Is(unicode.Mn, r) {
			count, last = 0, 0
			continue
		}
		if count++; count > maxMarks || r == last {
			return true
		}
		last = r
	}
	return false
}

// similarNameWarnings names the scans that already have the name, which makes it ambiguous from then on, and those
// whose names look like it. self is the id of the scan, "" for a new one.
func similarNameWarnings(self, name string, existing []defender.Definition) []string {
	var same []string
	for _, o := range existing {
		if o.ID != self && strings.EqualFold(strings.TrimSpace(o.ScanName), name) {
			same = append(same, escapeInvisible(o.ID))
		}
	}
	out := newNameIndex(existing).similarTo(self, name)
	if len(same) > 0 {
		out = append([]string{fmt.Sprintf("scanName: %s already exists as %s", quote(name), joinLimited(same, maxNamed))}, out...)
	}
	return out
}

// nameIndex has scans by the skeletons of their names.
type nameIndex map[string][]defender.Definition

func newNameIndex(scans []defender.Definition) nameIndex {
	index := make(nameIndex, len(scans))
	for _, d := range scans {
		key := nameSkeleton(d.ScanName)
		index[key] = append(index[key], d)
	}
	return index
}

// similarTo returns a warning that names the scans other than self with another name that looks like this one, or nil.
func (index nameIndex) similarTo(self, name string) []string {
	var alike []string
	for _, o := range index[nameSkeleton(name)] {
		if o.ID != self && o.ScanName != name {
			alike = append(alike, fmt.Sprintf("%s (%s)", quote(o.ScanName), escapeInvisible(o.ID)))
		}
	}
	if len(alike) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("scanName: %s looks like the name of another scan: %s", quote(name), joinLimited(alike, maxNamed))}
}

// nameSkeleton returns the skeleton of a name as approvers see it.
func nameSkeleton(name string) string { return confusable.Skeleton(escapeInvisible(name)) }
