package form

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"scanwarden/tools"
)

// Argument is one name=value of command text. A word without an equals sign has no name.
type Argument struct{ Name, Value string }

// ParseArguments returns the arguments in text. Names that the form does not have are returned as well: tools.Service
// knows more spellings than a form, and refuses the others. If the text is not understood, or gives a secret, the error
// names no value.
func (f Form) ParseArguments(text string) (map[string]any, error) {
	arguments, err := SplitArguments(text)
	if err != nil {
		return nil, cmp.Or(tools.RefuseSecrets(text), err)
	}
	args := map[string]any{}
	var bare []string
	for _, a := range arguments {
		in, known := f.fieldIgnoringCase(a.Name)
		if !known {
			in.name = a.Name
		}
		switch _, twice := args[in.name]; {
		case a.Name == "":
			bare = append(bare, a.Value)
		case twice && known:
			err = fmt.Errorf("%s is given twice", in.name)
		case twice:
			err = errors.New("a field is given twice")
		default:
			args[in.name] = in.parse(a.Value)
		}
	}
	if err = errors.Join(err, f.assignBareWords(bare, args)); err != nil {
		return nil, cmp.Or(refuseSecrets(arguments), err)
	}
	return args, nil
}

// refuseSecrets returns a *tools.Refusal if the arguments give a secret. A person who is only told of a stray word would
// not learn that the secret is exposed.
func refuseSecrets(arguments []Argument) error {
	var words strings.Builder
	for _, a := range arguments {
		if a.Name != "" {
			words.WriteString(a.Name + "=")
		}
		words.WriteString(a.Value + "\n")
	}
	return tools.RefuseSecrets(words.String())
}

func (f Form) fieldIgnoringCase(name string) (field, bool) {
	i := slices.IndexFunc(f.fields, func(f field) bool { return strings.EqualFold(f.name, name) })
	if i < 0 {
		return field{}, false
	}
	return f.fields[i], true
}

// assignBareWords adds words without a name to args: one word for a scan's ID, any number for a list of IDs.
func (f Form) assignBareWords(bare []string, args map[string]any) error {
	if len(bare) == 0 {
		return nil
	}
	for _, in := range f.fields {
		if _, given := args[in.name]; given || in.source != ScansSource {
			continue
		}
		switch {
		case in.kind == "array":
			args[in.name] = bare
			return nil
		case len(bare) == 1:
			args[in.name] = bare[0]
			return nil
		}
	}
	return errors.New("a word without a name is not understood; write name=value, with quotation marks around blanks")
}

// quoteRunes maps an opening quotation mark to the closing one, including those that keyboards insert.
var quoteRunes = map[rune]rune{'"': '"', '\'': '\'', '“': '”', '„': '“', '‘': '’', '”': '”'}

var errUnclosedQuote = errors.New("a quotation mark is not closed")

// SplitArguments splits command text at blanks. A word with an equals sign is name=value. Quotation marks around a
// value or around a whole word keep its blanks.
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
		switch closer, isQuote := quoteRunes[r]; {
		case closing != 0 && r == closing:
			closing = 0
		case closing != 0:
			word.WriteRune(r)
		case isQuote && word.Len() == 0:
			closing, begun = closer, true
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

// reSlackLink matches what Slack makes of addresses and names: <https://host/>, <http://host|host>, <@U1|ada>.
var reSlackLink = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`<([^<>|]*)(?:\|([^<>]*))?>`) })

// unescapeText returns what the user typed before Slack escaped it and replaced names by links.
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
