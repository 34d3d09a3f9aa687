package defender

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

// maxClaims bounds the JSON of a claims challenge, in bytes. Real ones have about a hundred.
const maxClaims = 8 << 10

// claimsChallenge returns the JSON of the claims that a new token must have, from a 401 with the error insufficient_claims
// and claims in base64 (Microsoft identity platform, "Claims challenges, claims requests and client capabilities"). It
// returns "" if there is no readable challenge; the 401 is then like any other.
func (resp response) claimsChallenge() string {
	for _, header := range resp.header.Values("WWW-Authenticate") {
		for _, c := range parseChallenges(header) {
			if !strings.EqualFold(c.scheme, "Bearer") || c.params["error"] != "insufficient_claims" {
				continue
			}
			if claims := decodeClaims(c.params["claims"]); claims != "" {
				return claims
			}
		}
	}
	return ""
}

// decodeClaims returns the JSON object in text, or "". It accepts both alphabets of base64, padded or not, because
// Microsoft's services use either.
func decodeClaims(text string) string {
	text = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(text), "=")
	if base64.RawStdEncoding.DecodedLen(len(text)) > maxClaims {
		return ""
	}
	claims, err := base64.RawStdEncoding.DecodeString(text)
	var object map[string]json.RawMessage
	if err != nil || json.Unmarshal(claims, &object) != nil || object == nil {
		return ""
	}
	return string(claims)
}

// authChallenge is one challenge in a WWW-Authenticate header (RFC 9110, section 11.6.1).
type authChallenge struct {
	scheme string
	params map[string]string // by name in lower case
}

// parseChallenges returns the challenges in a header, or nil if it is malformed. A header that ends inside a quoted string,
// or has a parameter twice, is not interpreted.
func parseChallenges(header string) []authChallenge {
	var all []authChallenge
	for rest := skipChars(header, ", \t"); rest != ""; rest = skipChars(rest, ", \t") {
		name, after := cutAny(rest, "=, \t\"")
		if name == "" {
			return nil
		}
		value, isParam := strings.CutPrefix(skipChars(after, " \t"), "=")
		if !isParam {
			all, rest = append(all, authChallenge{name, map[string]string{}}), after
			continue
		}
		if len(all) == 0 {
			return nil
		}
		text, after, ok := paramValue(skipChars(value, " \t"))
		params, key := all[len(all)-1].params, strings.ToLower(name)
		if _, twice := params[key]; !ok || twice {
			return nil
		}
		params[key], rest = text, after
	}
	return all
}

// paramValue returns the quoted string at the start of s, or the text before the next comma or blank, and the rest of s.
// The value may be empty or "=", because the padding of a token68 makes it look like a parameter.
func paramValue(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		value, rest = cutAny(s, ", \t")
		return value, rest, true
	}
	var text strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return text.String(), s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return "", "", false
			}
		}
		text.WriteByte(s[i])
	}
	return "", "", false
}

// cutAny returns s before and from the first of the stop characters.
func cutAny(s, stops string) (before, rest string) {
	if i := strings.IndexAny(s, stops); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

func skipChars(s, blanks string) string { return strings.TrimLeft(s, blanks) }
