package defender_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"scanwarden/defender"
	"scanwarden/defender/defendertest"
)

// startTenant serves a simulated tenant and returns a Client and a Writer for it.
func startTenant(t *testing.T, o defendertest.Options) (*defendertest.Server, *defender.Client, *defender.Writer) {
	t.Helper()
	sim := defendertest.New(o)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	t.Cleanup(sim.Close) // before the server's Close, which waits for hung requests
	cfg := (&service{Server: server}).config()
	return sim, newClient(t, cfg), newWriter(t, cfg)
}

func definitions(t *testing.T, c *defender.Client) []defender.Definition {
	t.Helper()
	all, err := c.Definitions(t.Context(), defender.Actor{})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A scan is added, changed and deleted under every reading of the contradictory documentation.
func TestALifeInTheSimulator(t *testing.T) {
	for name, o := range map[string]defendertest.Options{
		"documented": {},
		"contested": {AuthInLists: true, PascalCaseAgents: true, KeyVaultField: "keyVaultUrl", MetadataHistory: true, DeleteStatus: 204,
			CreateStatus: 201, OtherIDOnUpdate: true, WrapEntities: true, PageSize: 2},
		"strangers' expectations": {Roles: []string{"Machine.Read.All", "Machine.ReadWrite.All"}, PageSize: 1},
	} {
		t.Run(name, func(t *testing.T) {
			sim, c, w := startTenant(t, o)
			before := len(definitions(t, c))
			auth := coreCredential()
			auth.AuthProtocol, auth.PrivProtocol, auth.CommunityString = "SHA1", "AES", defender.Secret{}
			receipt, err := sendWrite(t.Context(), w, newAdd(t, labScan(auth)), auth)
			if err != nil || receipt.Definition == nil || receipt.Definition.ScanName != "Lab switches" {
				t.Fatalf("add: %+v, %v", receipt, err)
			}
			id := receipt.Definition.ID
			s := labScan(nil)
			s.ScanName = "Lab switches & routers"
			if receipt, err = sendWrite(t.Context(), w, newUpdate(t, id, s), nil); err != nil || receipt.Definition.ScanName != s.ScanName {
				t.Fatalf("update: %+v, %v", receipt, err)
			}
			gone, err := defender.DeleteScans([]string{id})
			if err != nil {
				t.Fatal(err)
			}
			if _, err = sendWrite(t.Context(), w, gone, nil); err != nil {
				t.Fatalf("delete: %v", err)
			}
			if after := definitions(t, c); len(after) != before || len(sim.Writes()) != 3 {
				t.Errorf("%d scans after %d, %d writes", len(after), before, len(sim.Writes()))
			}
		})
	}
}

func TestHistoryInTheSimulator(t *testing.T) {
	for _, o := range []defendertest.Options{{}, {MetadataHistory: true}} {
		_, c, _ := startTenant(t, o)
		runs, err := c.RunsByDefinition(t.Context(), defender.Actor{}, []string{scanID}, defender.Page{Top: 1})
		if err != nil || len(runs) != 1 || runs[0].ScanDefinitionID != scanID || runs[0].ScanStatus == "" {
			t.Errorf("%+v: by definition %+v, %v", o, runs, err)
		}
		runs, err = c.RunsBySession(t.Context(), defender.Actor{}, []string{"01decc497f4b4ec49a5fc4e12597f8c8"})
		if err != nil || len(runs) != 1 || runs[0].SessionID == "" || len(runs[0].ScannedTargets) == 0 || runs[0].Targets == 0 {
			t.Errorf("%+v: by session %+v, %v", o, runs, err)
		}
	}
}

func TestKeyVaultFieldInTheSimulator(t *testing.T) {
	for _, field := range []string{"keyVaultUri", "keyVaultUrl"} {
		_, c, w := startTenant(t, defendertest.Options{KeyVaultField: field})
		declared, err := c.KeyVaultField(t.Context(), defender.Actor{})
		if err != nil || declared != field {
			t.Errorf("declared %q, %v, want %q", declared, err, field)
		}
		vault := &defender.Authentication{Type: "AuthPriv", KeyVaultField: declared, KeyVaultURL: "https://example.vault.azure.net/", KeyVaultName: "snmp-core"}
		if _, err := sendWrite(t.Context(), w, newAdd(t, labScan(vault)), nil); err != nil {
			t.Errorf("add with %s: %v", field, err)
		}
	}
}

// The canonical form changes with edits by a user and not with runs, under either reading of names.
func TestCanonicalFormInTheSimulator(t *testing.T) {
	states := map[bool]string{}
	for _, pascal := range []bool{false, true} {
		sim, c, _ := startTenant(t, defendertest.Options{PascalCaseAgents: pascal, AuthInLists: true})
		before := definitions(t, c)[1]
		sim.FinishScan(before.ID, "Fail", time.Now())
		after := definitions(t, c)[1]
		if after.LatestScan == before.LatestScan || string(after.Canonical()) != string(before.Canonical()) {
			t.Errorf("a run changed the canonical form:\n%s\n%s", before.Canonical(), after.Canonical())
		}
		states[pascal] = string(after.Canonical())
		sim.Edit(before.ID, map[string]any{"target": "192.0.2.99"})
		if edited := definitions(t, c)[1]; string(edited.Canonical()) == string(before.Canonical()) {
			t.Errorf("an edit did not change the canonical form %s", edited.Canonical())
		}
	}
	if states[false] != states[true] {
		t.Errorf("names in another case change the canonical form:\n%s\n%s", states[false], states[true])
	}
}

// If the service applies an add and the connection drops, there is one scan and the outcome is uncertain.
func TestAppliedThenDropped(t *testing.T) {
	sim, c, w := startTenant(t, defendertest.Options{})
	before := len(definitions(t, c))
	sim.Fail(defendertest.Fault{Method: "POST", Apply: true, Drop: true, Times: -1})
	_, err := sendWrite(t.Context(), w, newAdd(t, labScan(&defender.Authentication{Type: "NoAuthNoPriv", Username: "u"})), nil)
	if !errors.Is(err, defender.ErrUncertain) {
		t.Errorf("%v, want ErrUncertain", err)
	}
	if after := definitions(t, c); len(after) != before+1 {
		t.Errorf("%d scans after %d", len(after), before)
	}
}

func TestTroubleInTheSimulator(t *testing.T) {
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	for name, tt := range map[string]struct {
		ctx   context.Context
		fault defendertest.Fault
		read  error // of a read, nil if it succeeds
		write error
	}{
		"throttled once":     {t.Context(), defendertest.Fault{Status: 429, RetryAfter: "1"}, nil, defender.ErrThrottled},
		"throttled for long": {t.Context(), defendertest.Fault{Status: 429, RetryAfter: "3600"}, defender.ErrThrottled, defender.ErrThrottled},
		"a bad gateway":      {t.Context(), defendertest.Fault{Status: 502, Body: "<html>", ContentType: "text/html"}, nil, defender.ErrUncertain},
		"dropped":            {t.Context(), defendertest.Fault{Drop: true}, nil, defender.ErrUncertain},
		"hung":               {short, defendertest.Fault{Hang: true}, context.DeadlineExceeded, defender.ErrUncertain},
		"slow body":          {t.Context(), defendertest.Fault{SlowBody: true, Delay: time.Microsecond}, nil, nil},
		"sign-in page":       {t.Context(), defendertest.Fault{Body: "<html>", ContentType: "text/html"}, errUnreadable, defender.ErrUncertain},
	} {
		t.Run(name, func(t *testing.T) {
			sim, c, w := startTenant(t, defendertest.Options{})
			sim.Fail(tt.fault)
			_, err := c.Definitions(tt.ctx, defender.Actor{})
			wantErrorIs(t, err, tt.read)
			sim.ClearFaults()
			sim.Fail(tt.fault)
			_, err = sendWrite(tt.ctx, w, newUpdate(t, scanID, labScan(nil)), nil)
			if tt.ctx == short { // the deadline may end before the request starts
				tt.write = defender.ErrNotSent
			}
			wantErrorIs(t, err, tt.write)
		})
	}
}

var errUnreadable = errors.New("any")

func wantErrorIs(t *testing.T, err, want error) {
	t.Helper()
	if want == nil && err != nil || want == errUnreadable && err == nil || want != nil && want != errUnreadable && !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func TestMissingRolesInTheSimulator(t *testing.T) {
	_, c, w := startTenant(t, defendertest.Options{Roles: []string{"Machine.Read.All"}})
	definitions(t, c)
	_, err := sendWrite(t.Context(), w, newDelete(t), nil)
	if !errors.Is(err, defender.ErrForbidden) || !strings.Contains(asError(t, err).Next, "grant Machine.ReadWrite.All of") {
		t.Errorf("%v", err)
	}
}

// A canary secret reaches Defender, but neither an error that echoes it nor a list.
func TestTheCanaryReachesDefenderAlone(t *testing.T) {
	auth := &defender.Authentication{Credential: "core-snmp", Fingerprint: "f00d", Type: "CommunityString", CommunityString: defender.NewSecret(canary)}
	sim, c, w := startTenant(t, defendertest.Options{AuthInLists: true})
	write := newAdd(t, labScan(auth))
	sim.Fail(defendertest.Fault{Method: "POST", Echo: true})
	_, refusal := sendWrite(t.Context(), w, write, auth)
	receipt, err := sendWrite(t.Context(), w, write, auth)
	if refusal == nil || err != nil {
		t.Fatalf("%v, %v", refusal, err)
	}
	calls := sim.Writes()
	if !strings.Contains(string(calls[len(calls)-1].Body), canary) {
		t.Errorf("the canary did not reach Defender: %s", calls[len(calls)-1].Body)
	}
	listed := definitions(t, c)
	shown, _ := json.Marshal(listed)
	for what, text := range map[string]string{"error": fmt.Sprintf("%v %#v", refusal, refusal), "receipt": fmt.Sprintf("%+v %+v", receipt, receipt.Definition),
		"write": fmt.Sprintf("%s %+v", write.Body, write), "credential": fmt.Sprintf("%+v %#v", auth, auth), "list": string(shown) + fmt.Sprintf("%+v", listed)} {
		assertHidden(t, what, text)
	}
}
