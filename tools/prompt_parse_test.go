package tools_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"scanwarden/confirm"
)

// foldText folds all white space, as some clients do.
func foldText(text string) string { return strings.Join(strings.Fields(text), " ") }

// readPrompt returns what a person can read from a prompt after folding: the values by field name, with the ids and names
// of scans that are deleted together as "id 1", "name 1". It knows nothing but the written rules: text in quotation marks
// with \" and \\ inside, items that end with "." or ";", and notes in parentheses.
func readPrompt(t testing.TB, text string) map[string]string {
	t.Helper()
	folded := foldText(text)
	end := strings.LastIndex(folded, " To apply this change, type: ")
	if end < 0 {
		t.Fatalf("there is no code in %q", folded)
	}
	bare, values := takeQuoted(t, folded[:end])
	p := promptReader{values: values, fields: map[string]string{}, t: t}
	for sentence := range strings.SplitSeq(strings.TrimSuffix(bare, ".")+" ", ". ") {
		p.readItem(sentence)
	}
	return p.fields
}

// taken marks the place of a quoted value. It is of a private use area, which a prompt never shows.
const taken = "\ue000"

// takeQuoted replaces each quoted value by taken.
func takeQuoted(t testing.TB, text string) (bare string, values []string) {
	t.Helper()
	if strings.Contains(text, taken) {
		t.Fatal("the prompt has a character of a private use area")
	}
	quoted := regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)
	bare = quoted.ReplaceAllStringFunc(text, func(q string) string {
		values = append(values, q[1:len(q)-1])
		return taken
	})
	if strings.ContainsAny(bare, `"\`) {
		t.Fatalf("a quotation mark has no partner in %q", text)
	}
	return bare, values
}

type promptReader struct {
	values []string
	fields map[string]string
	t      testing.TB
}

func (p *promptReader) next() string {
	v := p.values[0]
	p.values = p.values[1:]
	return v
}

func (p *promptReader) set(name, value string) {
	if _, twice := p.fields[name]; twice {
		p.t.Fatalf("%s is shown twice", name)
	}
	p.fields[name] = value
}

// formOf returns a pattern in which § stands for a quoted value.
func formOf(pattern string) *regexp.Regexp {
	return regexp.MustCompile(strings.ReplaceAll(pattern, "§", taken))
}

var (
	headlineForm  = formOf(`^(Add|Update|Delete) (scan §|\d+ scans) in tenant §(: .*)?$`)
	deletedForm   = formOf(`(\d+)\) §; §; §$`)
	fromToForm    = formOf(`^(\S+) from (§|null)(?: \(([^()]*)\))? to (§|null)(?: \(([^()]*)\))?$`)
	toForm        = formOf(`^(\S+) (?:to )?(§|null)(?: \(([^()]*)\))?$`)
	countForm     = regexp.MustCompile(`^(more than )?[\d,]+ \w+, were (more than )?[\d,]+( \w+)?$`)
	requesterForm = formOf(`^ASKED by § through §(; needs the yes of \d+ people)?; open until [\d :-]+UTC ?$`)
)

func (p *promptReader) readItem(item string) {
	p.t.Helper()
	label, rest, _ := strings.Cut(item, ": ")
	switch {
	case headlineForm.MatchString(item):
		p.readHeadline(item)
	case label == "WARNING":
		p.skip(item)
	case requesterForm.MatchString(item):
		p.skip(item)
	case deletedForm.MatchString(item):
		n := deletedForm.FindStringSubmatch(item)[1]
		p.set("name "+n, plainText(p.t, p.next()))
		p.set("target "+n, plainTarget(p.t, p.next()))
		p.set("id "+n, plainText(p.t, p.next()))
	case label == "NEW" || label == "CHANGE" || label == "SAME" || label == "GONE" || label == "WAS":
		for part := range strings.SplitSeq(rest, "; ") {
			p.readField(part)
		}
	default:
		p.t.Fatalf("the item %q is none of those", item)
	}
}

func (p *promptReader) skip(item string) { p.values = p.values[strings.Count(item, taken):] }

func (p *promptReader) readHeadline(item string) {
	if strings.Contains(item, " scan "+taken) {
		p.set("headline", plainText(p.t, p.next()))
	}
	p.set("tenant", plainText(p.t, p.next()))
}

func (p *promptReader) readField(part string) {
	p.t.Helper()
	switch m := fromToForm.FindStringSubmatch(part); {
	case m != nil:
		p.set(m[1]+" before", p.value(m[1], m[2]))
		p.skip(m[3])
		p.set(m[1], p.value(m[1], m[4]))
		p.skip(m[5])
		return
	case countForm.MatchString(part):
		return
	}
	m := toForm.FindStringSubmatch(part)
	if m == nil {
		p.t.Fatalf("%q is not a field", part)
	}
	name := strings.NewReplacer("adds", "target adds", "removes", "target removes").Replace(m[1])
	p.set(name, p.value(strings.Fields(name)[0], m[2]))
	p.skip(m[3])
}

func (p *promptReader) value(name, mark string) string {
	switch {
	case mark == "null":
		return "null"
	case name == "target":
		return plainTarget(p.t, p.next())
	}
	return plainText(p.t, p.next())
}

// plainTarget returns the target that a quoted text stands for: white space after a comma is that of the layout.
func plainTarget(t testing.TB, quoted string) string {
	return plainText(t, strings.ReplaceAll(quoted, ", ", ","))
}

var escapeForm = regexp.MustCompile(`⟨(?:U\+([0-9A-F]{4,6})|0x([0-9A-F]{2})|([\d,]+) blanks?)⟩`)

// plainText returns the text that the inside of a quoted value stands for.
func plainText(t testing.TB, quoted string) string {
	text := strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(quoted)
	return escapeForm.ReplaceAllStringFunc(text, func(e string) string {
		m := escapeForm.FindStringSubmatch(e)
		if m[3] != "" {
			n, err := strconv.Atoi(strings.ReplaceAll(m[3], ",", ""))
			if err != nil {
				t.Fatal(err)
			}
			return strings.Repeat(" ", n)
		}
		n, err := strconv.ParseUint(m[1]+m[2], 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		if m[2] != "" {
			return string([]byte{byte(n)})
		}
		return string(rune(n))
	})
}

// wantSent checks that the fields that were read from a prompt are exactly those of the request: no other, and none with
// another value.
func wantSent(t testing.TB, p confirm.Proposal, read map[string]string) {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal(p.Request.Body, &body); err != nil {
		t.Fatal(err)
	}
	if ids, isDelete := body["ScanDefinitionIds"].([]any); isDelete {
		wantDeleted(t, ids, read)
		return
	}
	sent := map[string]string{}
	flattenBody(body, sent)
	if id, isUpdate := strings.CutPrefix(p.Request.Path, "/api/DeviceAuthenticatedScanDefinitions/"); isUpdate {
		sent["id"] = id
	}
	if _, shown := read["scanName"]; !shown {
		read["scanName"] = read["headline"]
	}
	for name, value := range sent {
		if got, shown := read[name]; !shown || got != value {
			t.Errorf("%s is sent as %q and shown as %q", name, value, got)
		}
	}
	for name := range read {
		_, isSent := sent[name]
		_, isCredential := body["scanAuthenticationParams"] // by reference
		switch {
		case isSent, name == "headline", name == "tenant", name == "credential", strings.Contains(name, " "):
		case isCredential && strings.Contains("@odata.type type username authProtocol privProtocol", name):
		default:
			t.Errorf("%s is shown as %q and not sent", name, read[name])
		}
	}
}

func wantDeleted(t testing.TB, ids []any, read map[string]string) {
	t.Helper()
	if len(ids) == 1 {
		read["id 1"] = read["id"]
	}
	for i, id := range ids {
		if got := read[fmt.Sprintf("id %d", i+1)]; got != id {
			t.Errorf("scan %d is deleted by the id %v and shown by %q", i+1, id, got)
		}
	}
	if _, more := read[fmt.Sprintf("id %d", len(ids)+1)]; more {
		t.Error("the prompt shows a scan that is not deleted")
	}
}

// flattenBody collects the values of a request body by the names that a prompt uses.
func flattenBody(body map[string]any, into map[string]string) {
	for name, v := range body {
		switch v := v.(type) {
		case map[string]any:
			for inner, value := range v {
				if name == "scannerAgent" {
					inner = name + "." + inner
				}
				if inner != "credential" && inner != "fingerprint" {
					into[inner] = fmt.Sprint(value)
				}
			}
		case nil:
			into[name] = "null"
		default:
			into[name] = fmt.Sprint(v)
		}
	}
}
