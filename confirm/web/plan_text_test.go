package web

import (
	"strings"
	"testing"
)

// TestAFieldNameIsShownAsItIs: the places where a line may break add no white space.
func TestAFieldNameIsShownAsItIs(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"intervalInHours":          "<code>interval<wbr>In<wbr>Hours</code>",
		"scannerAgent.machineId":   "<code>scanner<wbr>Agent<wbr>.machine<wbr>Id</code>",
		"scanAuthenticationParams": "<code>scan<wbr>Authentication<wbr>Params</code>",
		"<b>":                      "<code>&lt;b&gt;</code>",
	} {
		var b strings.Builder
		if err := fieldName(name).Render(t.Context(), &b); err != nil || b.String() != want {
			t.Errorf("%s is shown as %s, %v", name, b.String(), err)
		}
	}
	var b strings.Builder
	if err := targetText("192.0.2.1,<b>").Render(t.Context(), &b); err != nil || b.String() != `<code><span class="entry">192.0.2.1</span>,<wbr><span class="entry">&lt;b&gt;</span></code>` {
		t.Errorf("the target is shown as %s, %v", b.String(), err)
	}
}
