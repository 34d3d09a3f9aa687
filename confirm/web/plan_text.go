package web

import (
	"context"
	"io"
	"strings"

	"github.com/a-h/templ"
)

// These texts are no templates, because a template would put white space between their parts.

// fieldName shows the name of a field, which may break between two lines at a dot or a capital letter.
func fieldName(name string) templ.Component {
	var b strings.Builder
	b.WriteString("<code>")
	for i, part := range breakable(name) {
		if i > 0 {
			b.WriteString("<wbr>")
		}
		b.WriteString(templ.EscapeString(part))
	}
	b.WriteString("</code>")
	return templ.Raw(b.String())
}

// entryBreaks lets a target break between two lines only after a comma.
var entryBreaks = strings.NewReplacer(",", `</span>,<wbr><span class="entry">`)

// targetText shows a target as it is sent.
func targetText(target string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, `<code><span class="entry">`+entryBreaks.Replace(templ.EscapeString(target))+`</span></code>`)
		return err
	})
}
