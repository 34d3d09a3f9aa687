package main

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"scanwarden/cmd/scanwarden/internal/config"
)

// A change whose record was altered is not shown, in a list, alone, for programs or explained; each says that it does not
// verify.
func TestChangesDoesNotShowAnAlteredChange(t *testing.T) {
	t.Parallel()
	dir, id := leaveUnknown(t)
	print := func(args ...string) string {
		var out strings.Builder
		e := environment{ctx: t.Context(), env: config.Environment{"SCANWARDEN_STATE_DIR": dir}, stdout: &out, stderr: &out}
		if err := run(e, args); err != nil {
			t.Errorf("%v: %v", args, err)
		}
		return out.String()
	}
	commands := [][]string{{"changes"}, {"changes", "--open"}, {"changes", id}, {"changes", "--json"}, {"doctor", "--explain", id}}
	for _, args := range commands {
		if got := print(args...); !strings.Contains(got, "Delete 1 scan") {
			t.Errorf("%v prints %s", args, got)
		}
	}
	raw, err := sql.Open("sqlite", filepath.Join(dir, "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.Exec(`UPDATE proposal SET proposed = replace(proposed, 'Delete 1 scan', 'Rename a scan')`); err != nil {
		t.Fatal(err)
	}
	for _, args := range commands {
		got := print(args...)
		if flat := strings.Join(strings.Fields(got), " "); strings.Contains(flat, "Rename a scan") || !strings.Contains(flat, "does not verify") {
			t.Errorf("%v prints %s", args, got)
		}
	}
}
