package entra_test

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zalando/go-keyring"

	"scanwarden/defender/entra"
	"scanwarden/defender/entra/entratest"
)

// withKeyring skips a test that needs the operating system's keyring: a real one, unlocked, in a session that
// may be written to.
//
//	SCANWARDEN_TEST_KEYRING=1 .ci/keyring.sh go test ./defender/entra
func withKeyring(t *testing.T) {
	t.Helper()
	if os.Getenv("SCANWARDEN_TEST_KEYRING") == "" {
		t.Skip("SCANWARDEN_TEST_KEYRING is not set: this test writes to the keyring of the session; see .ci/keyring.sh")
	}
}

func withStateDir(dir string) func(*entra.Config) {
	return func(c *entra.Config) { c.StateDir = dir }
}

// encryptedFilePath returns the path of the only stored sign-in.
func encryptedFilePath(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "sign-in-????????????????"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %v, %v; want one", files, err)
	}
	t.Cleanup(func() { _ = keyring.Delete("scanwarden", filepath.Base(files[0])) })
	return files[0]
}

func TestASignInOutlivesTheProgram(t *testing.T) {
	withKeyring(t)
	f, dir := startTenant(t), filepath.Join(t.TempDir(), "state")
	var shown prompts
	first := f.userSource(t, &shown, withStateDir(dir))
	wantToken(t, first, false, "1")
	first.Close()
	second := f.userSource(t, &shown, withStateDir(dir))
	wantToken(t, second, false, "1")
	wantToken(t, second.For(vault), false, "2")
	if got := f.TokenForms()[1].Get("grant_type"); got != "refresh_token" {
		t.Errorf("the other scope came by %s", got)
	}
	wantTokenRequests(t, f, 2)
	shown.want(t, prompted(1))

	file := encryptedFilePath(t, dir)
	data, err := os.ReadFile(file)
	if err != nil || bytes.Contains(data, []byte("canary")) || bytes.Contains(data, []byte(adaID)) {
		t.Errorf("the file can be read: %v, %q", err, data)
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, file: 0o600, file + ".lock": 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", path, info.Mode(), err, want)
		}
	}
	if files, _ := os.ReadDir(dir); len(files) != 2 {
		t.Errorf("left over: %v", files)
	}
}

// Two registrations, such as one for reads and one for writes, share a state directory but no file in it.
func TestEachRegistrationKeepsItsOwnSignIn(t *testing.T) {
	withKeyring(t)
	f, dir := startTenant(t), t.TempDir()
	var shown prompts
	other := func(c *entra.Config) { withStateDir(dir)(c); c.ClientID = correlation }
	f.AddApp(entratest.App{ClientID: correlation, Public: true, Consented: f.app.Consented})
	wantToken(t, f.userSource(t, &shown, withStateDir(dir)), false, "1")
	encryptedFilePath(t, dir)
	wantToken(t, f.userSource(t, &shown, other), false, "2")
	files, err := filepath.Glob(filepath.Join(dir, "sign-in-????????????????"))
	if err != nil || len(files) != 2 {
		t.Errorf("files %v, %v; want two", files, err)
	}
	for _, file := range files {
		t.Cleanup(func() { _ = keyring.Delete("scanwarden", filepath.Base(file)) })
	}
	wantToken(t, f.userSource(t, &shown, withStateDir(dir)), false, "1")
	wantToken(t, f.userSource(t, &shown, other), false, "2")
	wantToken(t, f.userSource(t, &shown, withStateDir(dir)).For(vault), false, "3") // renewed with its own refresh token
	if got := f.Tokens()[2]; got.Client != clientID || got.Grant != "refresh_token" || got.Status != http.StatusOK {
		t.Errorf("renewed with %+v", got) // the fake refuses a refresh token of another registration
	}
	wantTokenRequests(t, f, 3)
	shown.want(t, prompted(1), prompted(2))
}

// Stored content that cannot be read leads to another sign-in, not to an error.
func TestAStoredSignInThatIsDamaged(t *testing.T) {
	withKeyring(t)
	cases := map[string]func(t *testing.T, file string){
		"file cut":     func(t *testing.T, file string) { editFile(t, file, func(b []byte) []byte { return b[:len(b)/2] }) },
		"file altered": func(t *testing.T, file string) { editFile(t, file, func(b []byte) []byte { b[20] ^= 1; return b }) },
		"file empty":   func(t *testing.T, file string) { editFile(t, file, func([]byte) []byte { return nil }) },
		"file huge": func(t *testing.T, file string) {
			editFile(t, file, func(b []byte) []byte { return append(b, make([]byte, 5<<20)...) })
		},
		"key gone": func(t *testing.T, file string) { mustSucceed(t, keyring.Delete("scanwarden", filepath.Base(file))) },
		"key of another": func(t *testing.T, file string) {
			mustSucceed(t, keyring.Set("scanwarden", filepath.Base(file), strings.Repeat("A", 43)+"="))
		},
		"key no key": func(t *testing.T, file string) {
			mustSucceed(t, keyring.Set("scanwarden", filepath.Base(file), "AAAA"))
		},
	}
	for name, damage := range cases {
		t.Run(name, func(t *testing.T) {
			f, dir := startTenant(t), t.TempDir()
			var shown prompts
			wantToken(t, f.userSource(t, &shown, withStateDir(dir)), false, "1")
			damage(t, encryptedFilePath(t, dir))
			wantToken(t, f.userSource(t, &shown, withStateDir(dir)), false, "2")
			wantToken(t, f.userSource(t, &shown, withStateDir(dir)), false, "2") // stored again
			shown.want(t, prompted(1), prompted(2))
		})
	}
}

func editFile(t *testing.T, file string, edit func([]byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(file)
	mustSucceed(t, err)
	mustSucceed(t, os.WriteFile(file, edit(data), 0o600))
}

func mustSucceed(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Deleting the file signs the user out, even in a process that has read it.
func TestADeletedSignInIsForgotten(t *testing.T) {
	withKeyring(t)
	f, dir := startTenant(t), t.TempDir()
	var shown prompts
	s := f.userSource(t, &shown, withStateDir(dir))
	wantToken(t, s, false, "1")
	mustSucceed(t, os.Remove(encryptedFilePath(t, dir)))
	wantToken(t, s.For(vault), false, "2")
	shown.want(t, prompted(1), prompted(2))
}

// For the file and its lock, each source counts as a process of its own.
func TestProcessesDoNotUndoEachOthersWork(t *testing.T) {
	withKeyring(t)
	f, dir := startTenant(t), t.TempDir()
	var shown prompts
	wantToken(t, f.userSource(t, &shown, withStateDir(dir)), false, "1")
	encryptedFilePath(t, dir)
	const latency = 30 * time.Millisecond
	f.setLatency(latency)
	const processes = services
	var all sync.WaitGroup
	for i := range processes {
		s := f.userSource(t, &shown, withStateDir(dir)).For(serviceResource(i) + "/.default")
		all.Go(func() {
			if _, err := s.Get(t.Context(), entra.TokenRequest{}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	n := len(f.TokenForms())
	for i := 2; i < n; i++ {
		if gap := f.Tokens()[i].Time.Sub(f.Tokens()[i-1].Time); gap < latency {
			t.Errorf("request %d came %v after the one before it: two held the file", i+1, gap)
		}
	}
	last := f.userSource(t, &shown, withStateDir(dir))
	for i := range processes {
		if _, err := last.For(serviceResource(i)+"/.default").Get(t.Context(), entra.TokenRequest{}); err != nil {
			t.Error(err)
		}
	}
	if got := len(f.TokenForms()) - n; got != 0 {
		t.Errorf("%d tokens of other processes were lost", got)
	}
	shown.want(t, prompted(1))
}

func TestTwoProcessesMakeOneKey(t *testing.T) {
	withKeyring(t)
	f, dir := startTenant(t), t.TempDir()
	var shown prompts
	var all sync.WaitGroup
	for range 4 {
		s := f.userSource(t, &shown, withStateDir(dir))
		all.Go(func() {
			if _, err := s.Get(t.Context(), entra.TokenRequest{}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	encryptedFilePath(t, dir)
	n := f.Count("/devicecode")
	if _, err := f.userSource(t, &shown, withStateDir(dir)).Get(t.Context(), entra.TokenRequest{}); err != nil || f.Count("/devicecode") != n {
		t.Errorf("%v: what was written last cannot be read with the key that was kept", err)
	}
}

func TestNothingOfAnotherTenantIsKept(t *testing.T) {
	withKeyring(t)
	f, dir := startTenant(t), t.TempDir()
	var shown prompts
	wantToken(t, f.userSource(t, &shown, withStateDir(dir)), false, "1")
	before, err := os.ReadFile(encryptedFilePath(t, dir))
	mustSucceed(t, err)
	f.Revoke(adaID)
	setTenant(otherTenant)(f)
	s := f.userSource(t, &shown, withStateDir(dir)).For(vault)
	wantHint(t, wantSignInError(t, s, entra.Error{}), "belongs to another tenant")
	after, err := os.ReadFile(encryptedFilePath(t, dir))
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file has changed (%v)", err)
	}
}

// Servers and containers have no session bus. A process keeps its connection to one, so the test needs a
// process of its own.
func TestWithoutAKeyringNothingIsWritten(t *testing.T) {
	const alone = "SCANWARDEN_TEST_WITHOUT_KEYRING"
	if os.Getenv(alone) == "" {
		again := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		again.Env = append(os.Environ(), alone+"=1", "DBUS_SESSION_BUS_ADDRESS=unix:path="+filepath.Join(t.TempDir(), "none"))
		if out, err := again.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("PASS")) {
			t.Errorf("%v:\n%s", err, out)
		}
		return
	}
	f, dir := startTenant(t), t.TempDir()
	var shown prompts
	s := f.userSource(t, &shown, withStateDir(dir))
	wantToken(t, s, false, "1")
	wantToken(t, s.For(vault), false, "2")
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 0 {
		t.Errorf("written: %v, %v", files, err)
	}
	shown.want(t, prompted(1)+" The sign-in is kept in memory only and must be repeated after a restart: "+
		"this machine has no unlocked keyring for its key (on Linux a Secret Service such as GNOME Keyring).")
}

func TestAStateDirectoryThatCannotBeCreated(t *testing.T) {
	withKeyring(t)
	f, file := startTenant(t), filepath.Join(t.TempDir(), "file")
	writeFile(t, file, "")
	var shown prompts
	wantToken(t, f.userSource(t, &shown, withStateDir(filepath.Join(file, "state"))), false, "1")
	shown.want(t, prompted(1)+" The sign-in is kept in memory only and must be repeated after a restart: "+
		"the directory SCANWARDEN_STATE_DIR cannot be created.")
}
