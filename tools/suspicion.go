package tools

import (
	"fmt"
	"sync"
	"unicode"
)

// special are the addresses that reach no machine of one's own when a scanner tries them, by what they are (IANA's
// special-purpose address registries).
var special = sync.OnceValue(func() []struct {
	spans []span
	why   string
} {
	return []struct {
		spans []span
		why   string
	}{
		{spansOf("127.0.0.0/8", "::1/128"), "loopback: the scanner would scan itself"},
		{spansOf("224.0.0.0/4", "ff00::/8"), "multicast, not one machine"},
		{spansOf("169.254.0.0/16", "fe80::/10"), "link-local: it means another machine on every network"},
		{spansOf("0.0.0.0/32", "::/128"), "the unspecified address, no machine"},
		{spansOf("255.255.255.255/32"), "broadcast, not one machine"},
	}
})

// nowhere warns of addresses that cannot be meant.
func (t target) nowhere() []string {
	var out []string
	for _, kind := range special() {
		if shared, ok := common(t.spans, kind.spans); ok {
			out = append(out, fmt.Sprintf("target: %s is %s", shared, kind.why))
		}
	}
	return out
}

// lookalike warns of a name that mixes Latin letters with Cyrillic or Greek ones, many of which look the same.
func lookalike(field, name string) []string {
	latin := false
	var odd rune
	var script string
	for _, r := range name {
		switch {
		case unicode.Is(unicode.Latin, r):
			latin = true
		case odd != 0:
		case unicode.Is(unicode.Cyrillic, r):
			odd, script = r, "Cyrillic"
		case unicode.Is(unicode.Greek, r):
			odd, script = r, "Greek"
		}
	}
	if !latin || odd == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s: %s mixes Latin letters with the %s %c (U+%04X), which can pass for another: it may be made to look like a name you know", field, quoted(name), script, odd, odd)}
}
