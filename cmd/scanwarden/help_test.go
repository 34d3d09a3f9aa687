package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"scanwarden/cmd/scanwarden/internal/terminal"
)

// TestHelpFits80Columns: the help of every command, with lines broken at words.
func TestHelpFits80Columns(t *testing.T) {
	var commands [][]string
	var add func(cmd *cobra.Command, path []string)
	add = func(cmd *cobra.Command, path []string) {
		commands = append(commands, path)
		for _, c := range cmd.Commands() {
			add(c, append(path[:len(path):len(path)], c.Name()))
		}
	}
	add(newRootCommand(environment{ctx: t.Context()}), nil)
	if len(commands) < 12 {
		t.Fatalf("only %d commands were found", len(commands))
	}
	for _, path := range append(commands, []string{"completion", "bash"}) {
		var out, errs bytes.Buffer
		e := environment{ctx: t.Context(), stdin: strings.NewReader(""), stdout: &out, stderr: &errs}
		if err := run(e, append(path, "--help")); err != nil || !strings.Contains(out.String(), "Usage: scanwarden") {
			t.Errorf("%v: %v\n%s%s", path, err, out.String(), errs.String())
		}
		for line := range strings.SplitSeq(out.String(), "\n") {
			if terminal.Width(line) > 80 {
				t.Errorf("scanwarden %s --help, %d columns: %s", strings.Join(path, " "), terminal.Width(line), line)
			}
		}
	}
}
