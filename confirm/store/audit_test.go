package store_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

// exportLines returns the log's lines.
func exportLines(t testing.TB, s *store.Store) []string {
	t.Helper()
	var out bytes.Buffer
	must(t, s.Export(t.Context(), &out, store.ExportOptions{}))
	if out.Len() == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

func TestLogRecordsTheWholeLife(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		good := insert(t, s)
		mustMove(t, s, good,
			confirm.Move{To: confirm.Pending, At: noon, NextRound: true, Note: "accepted without the right code"},
			confirm.Move{To: confirm.Pending, At: noon, Decision: approveAs("bob")},
			approval("ada"), claim("me"), finish(confirm.Unknown),
			confirm.Move{To: confirm.Unknown, At: noon, Note: "looked"}, finish(confirm.Applied))
		for _, to := range []confirm.State{confirm.Denied, confirm.Expired, confirm.Withdrawn, confirm.Stale, confirm.Failed} {
			mustMove(t, s, insert(t, s), finish(to))
		}
		var events []string
		for i, line := range exportLines(t, s) {
			var e struct {
				N                        int
				Event, Change, Operation string
				Target, Digest           string
			}
			must(t, json.Unmarshal([]byte(line), &e))
			events = append(events, e.Event)
			if e.N != i || e.Operation != good.Operation || e.Target != good.Target || e.Digest != good.Digest {
				t.Errorf("line %d is %s", i, line)
			}
			if strings.Contains(line, good.Code) {
				t.Errorf("line %d holds the code: %s", i, line)
			}
		}
		want := []string{
			"proposed", "asked again", "vote", "approved", "executing", "unknown", "noted", "applied",
			"proposed", "denied", "proposed", "expired", "proposed", "withdrawn", "proposed", "stale", "proposed", "failed",
		}
		if diff := cmp.Diff(want, events); diff != "" {
			t.Errorf("the log tells of other events (-want +got):\n%s", diff)
		}
	})
}

func TestLogLines(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		c := insert(t, s)
		mustMove(t, s, c, approval("ada"), claim("me"))
		lines := exportLines(t, s)
		for i, want := range []string{
			`{"n":0,"time":"2026-11-21T12:00:00Z","event":"proposed","change":"ID","version":0,"operation":"add_scan",` +
				`"target":"tenant-a","digest":"DIGEST","to":"pending","requester":"slack:T1/U1","via":"Slack","proposed":{` +
				`"summary":"Add the scan “core \u003cswitches\u003e \u0026 routers”.","method":"POST",` +
				`"path":"/api/DeviceAuthenticatedScanDefinitions",` +
				`"body":"{ \"scanName\": \"core \u003cswitches\u003e \u0026 routers\",\n \"target\": \"10.0.0.0/24\" }",` +
				`"subjects":[{"title":"core","fields":[{"name":"target","after":"10.0.0.0/24"}]}],` +
				`"warnings":["the scanner was last seen 9 days ago"],"snapshot":"[ {\"id\":\"1\"} ]\n","local":false,` +
				`"channels":["slack","page"],"needed":1,"created":"2026-11-21T12:00:00Z","expires":"2026-11-21T12:15:00Z"}}`,
			`{"n":1,"time":"2026-11-21T12:01:00Z","event":"approved","change":"ID","version":1,"operation":"add_scan",` +
				`"target":"tenant-a","digest":"DIGEST","from":"pending","to":"approved","requester":"slack:T1/U1","via":"Slack",` +
				`"decision":{"person":"ada","principal":"slack:T1/ada","name":"Ms ada","approve":true,"channel":"slack",` +
				`"at":"2026-11-21T12:01:00Z"}}`,
			`{"n":2,"time":"2026-11-21T12:02:00Z","event":"executing","change":"ID","version":2,"operation":"add_scan",` +
				`"target":"tenant-a","digest":"DIGEST","from":"approved","to":"executing","requester":"slack:T1/U1","via":"Slack",` +
				`"owner":"me"}`,
		} {
			want = strings.NewReplacer("ID", c.ID, "DIGEST", c.Digest).Replace(want)
			if diff := cmp.Diff(want, lines[i]); diff != "" {
				t.Errorf("line %d (-want +got):\n%s", i, diff)
			}
		}
	})
}

// The exported lines and the verifier key are enough to check the head, without code of this package.
func TestHeadIsThatOfTheExportedLines(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		if head := mustVerify(t, s); head.Entries != 0 {
			t.Errorf("an empty log has %d entries", head.Entries)
		}
		var stored []tlog.Hash
		reader := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
			var hashes []tlog.Hash
			for _, i := range at {
				hashes = append(hashes, stored[i])
			}
			return hashes, nil
		})
		for n := range int64(20) {
			insert(t, s)
			head, lines := mustVerify(t, s), exportLines(t, s)
			hashes, err := tlog.StoredHashes(n, []byte(lines[n]), reader)
			must(t, err)
			stored = append(stored, hashes...)
			root, err := tlog.TreeHash(n+1, reader)
			must(t, err)
			if head.Entries != n+1 || head.Hash != root.String() {
				t.Fatalf("the head is %+v, and the lines give %v", head, root)
			}
			var checkpoint string
			must(t, l.raw.QueryRow(`SELECT checkpoint FROM audit WHERE n = $1`, n).Scan(&checkpoint))
			verifier, err := note.NewVerifier(head.Key)
			must(t, err)
			signed, err := note.Open([]byte(checkpoint), note.VerifierList(verifier))
			must(t, err)
			if want := fmt.Sprintf("scanwarden-audit\n%d\n%s\n", n+1, root); signed.Text != want {
				t.Fatalf("what is signed is %q, want %q", signed.Text, want)
			}
		}
	})
}

// Entries that share a transaction share a checkpoint, and the log is still valid.
func TestConcurrentTransitionsShareTransactions(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		stores := []*store.Store{l.openStore(t), l.openStore(t)}
		inParallel(40, func(i int) {
			s := stores[i%2]
			c := mustNewChange(t)
			if err := s.Insert(t.Context(), c); err != nil {
				t.Error(err)
				return
			}
			if _, err := moveAll(t.Context(), s, c, approval("ada"), claim("me"), finish(confirm.Applied)); err != nil {
				t.Error(err)
			}
		})
		if n := mustVerify(t, stores[0]).Entries; n != 160 {
			t.Errorf("%d entries, want 160", n)
		}
		var transactions int
		must(t, l.raw.QueryRow(`SELECT count(*) FROM audit WHERE checkpoint <> ''`).Scan(&transactions))
		if transactions >= 160 {
			t.Errorf("%d transactions for 160 transitions: none was shared", transactions)
		}
	})
}

func TestDecisionTimesSurvive(t *testing.T) {
	forEachDatabase(t, func(t *testing.T, l testDatabase) {
		s := l.openStore(t)
		m := approval("ada")
		m.Decision.At = time.Date(2026, 11, 21, 13, 1, 0, 123456789, time.FixedZone("CET", 3600))
		m.At = m.Decision.At
		mustMove(t, s, insert(t, s), m)
		mustVerify(t, s)
	})
}
