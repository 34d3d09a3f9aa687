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

// Limits on what an Error repeats, in characters.
const (
	maxMessage = 500 // of a text that is not ours
	maxName    = 100
	maxOwnText = 10_000 // of what our own side says, such as an address that a person has to sign in at
)

// redactSecrets takes secrets out of text. Where one stands in the clear it alone is replaced; where it shows only after
// some decoding, the whole text is, for nobody knows which encoder of the service's wrote it.
func redactSecrets(text string, secrets []string) string {
	secrets = slices.DeleteFunc(slices.Clone(secrets), func(s string) bool { return s == "" })
	if len(secrets) == 0 || text == "" {
		return text
	}
	// Longest first, or the tail of a secret that begins with another would stay.
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

// revealsAfterDecoding decodes up to three times: an error that quotes a body that quotes a body is as deep as they get.
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

// unescapeJSON decodes every escape in text that is one; the runs of \u keep surrogate pairs together.
func unescapeJSON(text string) string {
	return reJSONEscapes().ReplaceAllStringFunc(text, func(escape string) string {
		var plain string
		if json.Unmarshal([]byte(`"`+escape+`"`), &plain) != nil {
			return escape
		}
		return plain
	})
}

func unescapePercent(text string) string {
	return rePercentEscapes().ReplaceAllStringFunc(text, func(escape string) string {
		plain, _ := url.PathUnescape(escape) // the pattern admits nothing that fails
		return plain
	})
}

func unescapeForm(text string) string { return unescapePercent(strings.ReplaceAll(text, "+", " ")) }
