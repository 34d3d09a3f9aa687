package slackbot

import (
	"errors"
	"regexp"
	"strings"
	"sync"
)

// pair is a name=value of a command's text; a bare word has no name.
type pair struct{ name, value string }

// quotes are what people's keyboards make of a quotation mark.
var quotes = map[rune]rune{'"': '"', '\'': '\'', '“': '”', '„': '“', '‘': '’', '”': '”'}

var errUnclosed = errors.New("a quotation mark is not closed")

// pairs takes a command's text apart: words separated by blanks, of which those with an equals sign are
// name=value. Quotation marks keep blanks together, around the value or around the whole word.
func pairs(text string) ([]pair, error) {
	var out []pair
	var word strings.Builder
	var name string
	closing, named, begun := rune(0), false, false
	end := func() {
		if begun {
			out = append(out, pair{name, typedText(word.String())})
		}
		word.Reset()
		name, named, begun = "", false, false
	}
	for _, r := range text {
		switch opens, quote := quotes[r]; {
		case closing != 0 && r == closing:
			closing = 0
		case closing != 0:
			word.WriteRune(r)
		case quote && word.Len() == 0:
			closing, begun = opens, true
		case r == ' ' || r == '\t' || r == '\n' || r == '\u00a0':
			end()
		case r == '=' && !named && word.Len() > 0:
			name, named, begun = word.String(), true, true
			word.Reset()
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	if closing != 0 {
		return nil, errUnclosed
	}
	end()
	return out, nil
}

// marked is what Slack makes of addresses and names on the way: <https://host/>, <http://host|host>, <@U1|ada>.
var marked = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`<([^<>|]*)(?:\|([^<>]*))?>`) })

// typedText is what the person typed before Slack escaped it and made links of it.
func typedText(s string) string {
	s = marked().ReplaceAllStringFunc(s, func(link string) string {
		parts := marked().FindStringSubmatch(link)
		if strings.HasPrefix(parts[1], "@") || strings.HasPrefix(parts[1], "!") || parts[2] == "" {
			return parts[1]
		}
		if strings.HasPrefix(parts[1], "#") {
			return "#" + parts[2]
		}
		return parts[2]
	})
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(s)
}
