package slackbot

import (
	"errors"
	"regexp"
	"strings"
	"sync"
)

// Argument is a name=value of a command's text; a bare word has no name.
type Argument struct{ Name, Value string }

// quoteRunes are what people's keyboards make of a quotation mark.
var quoteRunes = map[rune]rune{'"': '"', '\'': '\'', '“': '”', '„': '“', '‘': '’', '”': '”'}

var errUnclosedQuote = errors.New("a quotation mark is not closed")

// SplitArguments takes a command's text apart: words separated by blanks, of which those with an equals sign are
// name=value. Quotation marks keep blanks together, around the value or around the whole word.
func SplitArguments(text string) ([]Argument, error) {
	var out []Argument
	var word strings.Builder
	var name string
	closing, named, begun := rune(0), false, false
	end := func() {
		if begun {
			out = append(out, Argument{name, unescapeText(word.String())})
		}
		word.Reset()
		name, named, begun = "", false, false
	}
	for _, r := range text {
		switch opens, quote := quoteRunes[r]; {
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
		return nil, errUnclosedQuote
	}
	end()
	return out, nil
}

// reSlackLink is what Slack makes of addresses and names on the way: <https://host/>, <http://host|host>, <@U1|ada>.
var reSlackLink = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`<([^<>|]*)(?:\|([^<>]*))?>`) })

// unescapeText is what the person typed before Slack escaped it and made links of it.
func unescapeText(s string) string {
	s = reSlackLink().ReplaceAllStringFunc(s, func(link string) string {
		parts := reSlackLink().FindStringSubmatch(link)
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
