package entra_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"scanwarden/defender/entra"
)

// TestTheSystemsBrowserWritesNothing runs itself with a program as the browser that writes to both outputs. An
// MCP client reads one of them, and the user's terminal shows the other.
func TestTheSystemsBrowserWritesNothing(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("on " + runtime.GOOS + " the system's browser cannot be another program for the time of a test")
	}
	t.Parallel()
	const alone = "SCANWARDEN_TEST_BROWSER"
	if os.Getenv(alone) != "" {
		f := startTenant(t)
		var shown prompts
		s := newTestBrowser(f).source(t, &shown, func(c *entra.Config) { shortWait(c); c.OpenURL = nil })
		problem := waitUntilPrompted(t, s, &shown)
		wantEqualError(t, problem, entra.Error{OAuth: "authorization_pending", Temporary: true})
		wantHint(t, problem, "the browser window that was opened")
		// The window counts as opened after two seconds, even if its program still runs.
		for {
			if _, err := os.Stat(os.Getenv(alone)); err == nil {
				return
			}
			_, _ = getText(t.Context(), s, false) // waits for a millisecond
		}
	}
	dir := t.TempDir()
	script := "#!/bin/sh\necho canary-out\necho canary-err >&2\necho \"$@\" >" + dir + "/opening\nmv " + dir + "/opening " + dir + "/opened\n"
	if err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	again := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	again.Env = append(os.Environ(), alone+"="+filepath.Join(dir, "opened"), "PATH="+dir+":"+os.Getenv("PATH"))
	out, err := again.CombinedOutput()
	if err != nil || bytes.Contains(out, []byte("canary")) {
		t.Errorf("%v:\n%s", err, out)
	}
	opened, err := os.ReadFile(filepath.Join(dir, "opened"))
	if err != nil || !strings.HasPrefix(string(opened), "https://"+production+"/"+tenant+"/oauth2/v2.0/authorize?") {
		t.Errorf("opened %q, %v", opened, err)
	}
}
