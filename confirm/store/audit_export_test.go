package store_test

import (
	"bytes"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

var update = flag.Bool("update", false, "write the golden files")

// exported returns the lines of an export.
func exported(t *testing.T, s *store.Store, o store.ExportOptions) string {
	t.Helper()
	var out bytes.Buffer
	must(t, s.Export(t.Context(), &out, o))
	return out.String()
}

// TestExportSince: an export continues at an entry, also in the middle of a transaction, or at a time.
func TestExportSince(t *testing.T) {
	s := newSQLiteDatabase(t).openStore(t)
	fillStore(t, s)
	all := exported(t, s, store.ExportOptions{})
	if strings.Count(all, "\n") != 6 {
		t.Fatalf("got %q", all)
	}
	lines := strings.SplitAfter(all, "\n")
	for n := range lines {
		if got := exported(t, s, store.ExportOptions{Entry: int64(n)}); got != strings.Join(lines[n:], "") {
			t.Errorf("from entry %d got %q", n, got)
		}
	}
	if got := exported(t, s, store.ExportOptions{Since: noon.Add(2 * time.Minute)}); got != lines[2]+lines[3] {
		t.Errorf("since the claim got %q", got)
	}
}

// TestGoldenOCSF compares the events of each kind of entry with testdata/ocsf.golden.
func TestGoldenOCSF(t *testing.T) {
	s := newSQLiteDatabase(t).openStore(t)
	fillStore(t, s)
	deny := approveAs("eve")
	deny.Approve, deny.Reason = false, strings.Repeat("é", 600)
	mustMove(t, s, insert(t, s), confirm.Move{To: confirm.Denied, At: noon, Decision: deny})
	mustMove(t, s, insert(t, s), confirm.Move{To: confirm.Expired, At: noon.Add(time.Hour), Outcome: outcomeOf(confirm.Expired)})
	mustMove(t, s, insert(t, s), approval("ada"), claim("me"), finish(confirm.Unknown))
	got := exported(t, s, store.ExportOptions{OCSF: true})
	if strings.Contains(got, "10.0.0.0") || strings.Contains(got, "scanner was last seen") {
		t.Error("an event has a part of the request")
	}
	got = regexp.MustCompile(`"uid":"[^"]{44}"`).ReplaceAllString(got, `"uid":"HASH"`)
	got = regexp.MustCompile(`[0-9A-Z]{26}`).ReplaceAllString(got, "CHANGE")
	const path = "testdata/ocsf.golden"
	if *update {
		must(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
