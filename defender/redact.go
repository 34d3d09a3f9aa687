package defender

import (
	"cmp"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Limits on the texts in an Error, in characters.
const (
	maxMessage = 500 // of a text from the service
	maxName    = 100
	maxOwnText = 10_000 // of an error of our own side, such as one with the address for a sign-in
)

// redactSecrets returns text without secrets. A secret in the clear is replaced by [redacted]. If a secret appears only
// after decoding, the whole text is replaced, because the service's encoding is unknown.
func redactSecrets(text string, secrets []string) string {
	secrets = slices.DeleteFunc(slices.Clone(secrets), func(s string) bool { return s == "" })
	if len(secrets) == 0 || text == "" {
		return text
	}
	// Longest first, or the end of a secret that begins with another secret would stay.
	slices.SortFunc(secrets, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	var pairs []string
	for _, s := range secrets {
		pairs = append(pairs, s, redacted)
	}
	text = strings.NewReplacer(pairs...).Replace(text)
	for _, decode := range []func(string) string{unescapeJSON, unescapePercent, unescapeForm, html.UnescapeString} {
		if revealsAfterDecoding(decode, text, secrets) {
			return redacted
		}
	}
	return text
}

// revealsAfterDecoding reports whether text contains a secret after up to three rounds of decode. An error that quotes a
// body, which quotes another, is the deepest that occurs.
func revealsAfterDecoding(decode func(string) string, text string, secrets []string) bool {
	for range 3 {
		plain := decode(text)
		if plain == text {
			return false
		}
		if slices.ContainsFunc(secrets, func(s string) bool { return strings.Contains(plain, s) }) {
			return true
		}
		text = plain
	}
	return false
}

var (
	reJSONEscapes    = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?:\\u[0-9a-fA-F]{4})+|\\["\\/bfnrt]`) })
	rePercentEscapes = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?:%[0-9a-fA-F]{2})+`) })
)

// unescapeJSON returns text with its JSON escapes decoded. It decodes a sequence of \u together, to keep surrogate pairs.
func unescapeJSON(text string) string {
	return reJSONEscapes().ReplaceAllStringFunc(text, func(escape string) string {
		var plain string
		if json.Unmarshal([]byte(`"`+escape+`"`), &plain) != nil {
			return escape
		}
		return plain
	})
}

// unescapePercent returns text with its percent-encoding decoded.
func unescapePercent(text string) string {
	return rePercentEscapes().ReplaceAllStringFunc(text, func(escape string) string {
		plain, _ := url.PathUnescape(escape) // cannot fail on what the pattern matches
		return plain
	})
}

// unescapeForm returns text decoded like a form: percent-encoding, and + for a space.
func unescapeForm(text string) string { return unescapePercent(strings.ReplaceAll(text, "+", " ")) }
