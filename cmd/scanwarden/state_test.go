package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"scanwarden/confirm"
	"scanwarden/defender"
)

// sameSecret compares what secrets hold; only a test may.
func sameSecret(a, b defender.Secret) bool {
	same := false
	_ = a.Reveal(func(x string) error {
		return b.Reveal(func(y string) error {
			same = x == y
			return nil
		})
	})
	return same
}

func TestDefaultStateDir(t *testing.T) {
	for _, tt := range []struct {
		system string
		env    Environment
		want   string
	}{
		{"linux", Environment{"HOME": "/home/ada"}, "/home/ada/.local/state/scanwarden"},
		{"linux", Environment{"HOME": "/home/ada", "XDG_STATE_HOME": "/state"}, "/state/scanwarden"},
		{"linux", Environment{}, ""},
		{"darwin", Environment{"HOME": "/Users/ada", "XDG_STATE_HOME": "/state"}, "/Users/ada/Library/Application Support/scanwarden"},
		{"darwin", Environment{}, ""},
		{"windows", Environment{"LocalAppData": "/AppData", "HOME": "/x"}, "/AppData/scanwarden"},
		{"windows", Environment{"HOME": "/x"}, ""},
	} {
		got, err := defaultStateDir(tt.env, tt.system)
		if filepath.ToSlash(got) != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("%s %v: %q, %v; want %q", tt.system, tt.env, got, err, tt.want)
		}
	}
}

// TestServerKeyIsOne: however many processes start at once on a fresh directory, all get one whole key, and
// the next start gets the same.
func TestServerKeyIsOne(t *testing.T) {
	dir := t.TempDir()
	keys := make([][]byte, 32)
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() {
			var err error
			if keys[i], err = loadServerKey(dir); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	again, err := loadServerKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if len(key) != KeySize || !bytes.Equal(key, again) {
			t.Fatalf("different keys: %x and %x", key, again)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("left behind: %v, %v", files, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "server.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode: %v, %v", info.Mode(), err)
	}
}

func TestServerKeyOfTheWrongSize(t *testing.T) {
	for _, size := range []int{0, KeySize - 1, KeySize + 1} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "server.key"), make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		if key, err := loadServerKey(dir); err == nil {
			t.Errorf("%d bytes were taken for a key: %x", size, key)
		}
	}
}

func TestSecretFile(t *testing.T) {
	for content, want := range map[string]string{
		"hunter2":      "hunter2",
		"hunter2\n":    "hunter2",
		"hunter2\r\n":  "hunter2",
		"hunter2\n\n":  "hunter2\n", // one newline is an editor's, the next one is meant
		" hunter2 \n":  " hunter2 ",
		"hun\nter2\n":  "hun\nter2",
		"\n":           "",
		"":             "",
		"hunter2\r\r":  "hunter2\r",
		"\nhunter2\n ": "\nhunter2\n ",
	} {
		path := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := secretReader{}.read(t.Context(), SecretRef{File: path})
		if (err != nil) != (want == "") || !sameSecret(got, defender.NewSecret(want)) {
			t.Errorf("%q: %v; want %q", content, err, want)
		}
	}
	if _, err := (secretReader{}).read(t.Context(), SecretRef{File: "/dev/zero"}); err == nil {
		t.Error("an endless file was read")
	}
	if _, err := (secretReader{env: Environment{}}).read(t.Context(), SecretRef{Env: "NOT_SET"}); err == nil {
		t.Error("a variable that is not set was read")
	}
}

func TestStatus(t *testing.T) {
	now := time.Now()
	for state, want := range map[confirm.State]string{
		confirm.Pending: "awaiting_confirmation", confirm.Approved: "approved", confirm.Executing: "executing",
		confirm.Applied: "applied", confirm.Failed: "failed", confirm.Unknown: "unknown", confirm.Denied: "denied",
		confirm.Expired: "expired", confirm.Withdrawn: "withdrawn", confirm.Stale: "stale",
	} {
		if got := statusText(confirm.Change{State: state, Expires: now.Add(time.Minute)}, now); got != want {
			t.Errorf("%s: %q, want %q", state, got, want)
		}
	}
	if got := statusText(confirm.Change{State: confirm.Pending, Expires: now}, now); got != "expired" {
		t.Errorf("overdue: %q", got)
	}
}

// TestExplanationOfAnOldChange: what was decided stands apart from what the policy of today would say.
func TestExplanationOfAnOldChange(t *testing.T) {
	c := confirm.Change{
		ID: "01OLD", State: confirm.Applied, Requester: "token:bob", Needed: 1, Channels: []confirm.Channel{confirm.Slack},
		Proposal:  confirm.Proposal{Operation: "delete_scans", Summary: "Delete 1 scan", Facts: confirm.Facts{Count: 1}},
		Decisions: []confirm.Decision{{Principal: "slack:T1/U1", Name: "Ada", Approve: true, Channel: confirm.Slack}},
	}
	got := newExplanation(c, loadConfig(t, "policy: {approvers: [\"slack:T1/U2\"]}\n", nil), nil).text()
	want := `Change 01OLD: Delete 1 scan, asked for by token:bob; it is applied
Ada (slack:T1/U1) said yes on slack at `
	if !strings.HasPrefix(got, want) || !strings.Contains(got, "Nobody is asked about it any more. A change like it would be judged so today:\n") ||
		!strings.Contains(got, "May confirm: slack:T1/U2\n") {
		t.Error(got)
	}
}
