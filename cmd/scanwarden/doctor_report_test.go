package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/terminal"
)

// checkGolden compares what print writes with testdata/terminal/NAME.golden in a pipe and NAME.color.golden on a terminal of
// 80 columns, and checks that no line is wider.
func checkGolden(t *testing.T, name string, print func(*terminal.Printer)) {
	t.Helper()
	var plain bytes.Buffer
	print(terminal.NewPrinter(&plain, nil))
	for file, got := range map[string]string{name + ".golden": plain.String(), name + ".color.golden": printColored(t, print)} {
		for line := range strings.SplitSeq(reStyle.ReplaceAllString(got, ""), "\n") {
			if terminal.Width(line) > columns {
				t.Errorf("%s: %d columns: %s", file, terminal.Width(line), line)
			}
		}
		path := filepath.Join("testdata", "terminal", file)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

// printColored returns what print writes to a pseudo-terminal of 80 columns.
func printColored(t *testing.T, print func(*terminal.Printer)) string {
	t.Helper()
	master, tty, err := pty.Open()
	if err != nil {
		t.Skip("no pseudo-terminal to be had: ", err)
	}
	defer master.Close()
	if err := pty.Setsize(tty, &pty.Winsize{Rows: rows, Cols: columns}); err != nil {
		t.Fatal(err)
	}
	read := make(chan string)
	go func() {
		var all bytes.Buffer
		_, _ = all.ReadFrom(master) // ends with an error when the other side is closed
		read <- all.String()
	}()
	print(terminal.NewPrinter(tty, map[string]string{"TERM": "xterm"}))
	tty.Close()
	return strings.ReplaceAll(<-read, "\r\n", "\n")
}

// TestDoctorReport: what is wrong stands first, in red, with what to do, and is named again at the end.
func TestDoctorReport(t *testing.T) {
	t.Parallel()
	wrong := config.Problem("the token of app 6f1d2c3b lacks Machine.ReadWrite.All; it has Machine.Read.All",
		"In Entra ID, add the permission Machine.ReadWrite.All of WindowsDefenderATP to the app, and have an administrator consent.")
	note := config.Note("1 person is listed, and deletions need 2", "List one more in policy.approvers.")
	hostile := config.Pass("app \x1b[2Jscanwarden\u202e in workspace 東京")
	for name, found := range map[string][]config.Finding{"doctor-wrong": {wrong, note, hostile}, "doctor-note": {note, hostile}, "doctor-well": {hostile}} {
		t.Run(name, func(t *testing.T) {
			checkGolden(t, name, func(p *terminal.Printer) {
				r := &doctorReport{Printer: p, target: "contoso.example"}
				r.add("configuration", config.Pass("from scanwarden.yaml, the environment and flags"))
				for _, f := range found {
					check := map[string]string{config.StatusProblem: "sign-in", config.StatusNote: "policy", config.StatusOK: "Slack"}[f.Status]
					r.add(check, f)
				}
				if err := r.finish(nil, false); (err != nil) != (name == "doctor-wrong") {
					t.Error(err)
				}
			})
		})
	}
}
