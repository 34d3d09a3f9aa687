package blocks_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/slackbot/internal/blocks"
)

// deletionOf returns the plan that deletes scans with these names.
func deletionOf(names ...string) blocks.Plan {
	c := confirm.Change{Code: "ARX7F", Needed: 1, Created: time.Unix(0, 0), Expires: time.Unix(900, 0)}
	for i, name := range names {
		c.Subjects = append(c.Subjects, confirm.Subject{Title: name, Fields: []confirm.Field{
			{Name: "id", Before: fmt.Sprintf("00000000-0000-4000-8000-%012d", i)}, {Name: "scanName", Before: name},
			{Name: "target", Before: "10.0.0.1"},
		}})
	}
	return blocks.NewPlan(c, "Delete scans")
}

// textOf returns v as JSON.
func textOf(t testing.TB, v any) string {
	t.Helper()
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A character that looks like a quotation mark could end the name for a reader, and spell fields after it.
func TestALookalikeOfAQuotationMarkDoesNotEndAName(t *testing.T) {
	t.Parallel()
	const hostile = "Core\u201d, 2 more; \u201cOld"
	p := deletionOf(hostile, `a "b" \c`)
	for where, text := range map[string]string{
		"header": deletionOf(hostile).Question(), "names": p.Names(200), "changes": textOf(t, p.Changes()),
	} {
		if strings.ContainsAny(text, "\u201c\u201d") || !strings.Contains(text, "⟨U+201D⟩") {
			t.Errorf("%s: the name is shown as %s", where, text)
		}
	}
	if got, want := p.Names(200), `"Core⟨U+201D⟩, 2 more; ⟨U+201C⟩Old" and "a \"b\" \\c"`; got != want {
		t.Errorf("the names are %s, want %s", got, want)
	}
}

// Whatever the names are, a text fits its limit, and names that are left out are counted.
func TestNamesFitTheirLimit(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long name ", 40)
	many := make([]string, 60)
	for i := range many {
		many[i] = fmt.Sprintf("Site %02d", i)
	}
	for _, c := range []struct {
		names []string
		limit int
		want  string
	}{
		{[]string{"One"}, 180, `"One"`},
		{[]string{"One", "Two"}, 180, `"One" and "Two"`},
		{[]string{"One", "Two", "Three"}, 180, `"One", "Two" and "Three"`},
		{[]string{"One", "Two", "Three"}, 23, `"One", "Two" and 1 more`},
		{[]string{"One", "Two", "Three"}, 22, `"One" and 2 more`},
		{[]string{"One", "Two", "Three"}, 15, "3 scans"},
		{[]string{long, "Two"}, 180, "2 scans"},
		{[]string{long}, 20, `"long name lo… (cut)`},
		{[]string{strings.Repeat("😀", 30)}, 20, `"😀😀😀😀😀😀… (cut)`},
		{many, 40, `"Site 00", "Site 01" and 58 more`},
	} {
		if got := deletionOf(c.names...).Names(c.limit); got != c.want || utf16Len(got) > c.limit {
			t.Errorf("%d names in %d units: %s, want %s", len(c.names), c.limit, got, c.want)
		}
	}
}

func TestAPhraseFitsItsLimit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		names []string
		title string
		limit int
		want  string
	}{
		{[]string{"Core switches"}, "Delete scans", 130, `Delete scan "Core switches"`},
		{[]string{"Core switches"}, "Delete scans", 27, `Delete scan "Core switches"`},
		{[]string{"Core switches"}, "Delete scans", 26, `Delete scan "Core s… (cut)`},
		{[]string{"One", "Two"}, "Delete scans", 30, "Delete 2 scans"},
		{nil, "Delete scans", 30, "Delete scans"},
		{[]string{"One"}, "Purge", 30, "Purge"},
		{nil, "Delete scans", 9, "Delete …"},
		{[]string{strings.Repeat("😀", 200)}, "Delete scans", 30, `Delete scan "😀😀😀😀😀… (cut)`},
	} {
		p := deletionOf(c.names...)
		p = blocks.NewPlan(p.Change, c.title)
		if got := p.Phrase(c.limit); got != c.want || utf16Len(got) > c.limit {
			t.Errorf("%q %d in %d units: %s, want %s", c.title, len(c.names), c.limit, got, c.want)
		}
	}
}

// FuzzLabelsFitTheirLimit checks the labels that have a limit of Slack's, for one scan and for three: header, dialog and its button.
func FuzzLabelsFitTheirLimit(f *testing.F) {
	f.Add("Core switches", "One", 30)
	f.Add(strings.Repeat("😀", 200), `"\`, 150)
	f.Add(strings.Repeat("10.0.0.1,", 100), strings.Repeat("\u201d", 100), 91)
	f.Fuzz(func(t *testing.T, name, second string, limit int) {
		if limit < 30 || limit > 3000 {
			return // the smallest is a dialog's button
		}
		for _, p := range []blocks.Plan{deletionOf(name), deletionOf(name, second, name)} {
			for label, text := range map[string]string{"phrase": p.Phrase(limit), "names": p.Names(limit)} {
				if n := utf16Len(text); n > limit || n == 0 {
					t.Fatalf("%s has %d units of %d: %q", label, n, limit, text)
				}
			}
			if n := utf16Len(p.Question()); n > 150 {
				t.Fatalf("the header has %d units", n)
			}
		}
	})
}
