package browsertest

import (
	"context"
	"os"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// AxePath names the environment variable with the path of axe-core's axe.min.js, a checker of accessibility rules.
const AxePath = "SCANWARDEN_TEST_AXE"

// axeRun returns the violations of a page, a line each.
const axeRun = `axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations.map(v =>
	v.id + ": " + v.help + "\n" + v.nodes.slice(0, 4).map(n => "   " + n.html.slice(0, 200) + "  " + n.failureSummary.replaceAll("\n", " ")).join("\n")).join("\n"))`

var readAxe = sync.OnceValues(func() ([]byte, error) { return os.ReadFile(os.Getenv(AxePath)) })

// Axe returns the text of axe-core. It skips the test where AxePath is not set.
func Axe(t testing.TB) string {
	t.Helper()
	if os.Getenv(AxePath) == "" {
		t.Skip("set " + AxePath + " to the path of axe.min.js")
	}
	axe, err := readAxe()
	if err != nil {
		t.Fatal(err)
	}
	return string(axe)
}

// CheckAxe holds the page of the tab against axe-core in light and dark. where names the state in a failure.
// It skips the test where AxePath is not set.
func CheckAxe(t testing.TB, tab context.Context, where string) {
	t.Helper()
	Do(t, tab, chromedp.Evaluate[chromedp.Void](`typeof axe === "undefined" && (() => {`+Axe(t)+`})()`))
	for _, scheme := range []string{"light", "dark"} {
		SetScheme(t, tab, scheme, true)
		if found := Get(t, tab, chromedp.Evaluate[string](axeRun, chromedp.EvalAwaitPromise)); found != "" {
			t.Errorf("%s, %s:\n%s", where, scheme, found)
		}
	}
}
