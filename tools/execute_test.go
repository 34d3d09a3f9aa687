package tools_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"scanwarden/confirm"
	"scanwarden/defender"
	"scanwarden/defender/defendertest"
	"scanwarden/tools"
)

const collection = "DeviceAuthenticatedScanDefinitions"

// TestExecuteApplies each operation once, and returns what Defender returned.
func TestExecuteApplies(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	var notes []string
	ctx := tools.WithProgress(t.Context(), func(note string) { notes = append(notes, note) })

	out := s.Executor.Execute(ctx, executingChange(s.plan("add_scan", labScan)), noCheck)
	s.wantState(out, "applied")
	var scans []map[string]any
	if err := json.Unmarshal(out.Scans, &scans); err != nil || len(scans) != 1 || scans[0]["scanName"] != "Lab" {
		t.Errorf("scans = %s", out.Scans)
	}
	s.Service.InvalidateCache()

	out = s.Executor.Execute(ctx, executingChange(s.plan("update_scan", `{"id":"Lab","scanName":"Lab 2","targetType":"Ip"}`)), noCheck)
	s.wantState(out, "applied")
	id := scans[0]["id"].(string)
	if stored, _ := s.Tenant.Scan(id); stored["scanName"] != "Lab 2" || stored["target"] != "10.1.2.3" {
		t.Errorf("stored: %v", stored)
	}
	s.Service.InvalidateCache()

	out = s.Executor.Execute(ctx, executingChange(s.plan("delete_scans", `{"scanDefinitionIds":["Lab 2","Core switches"]}`)), noCheck)
	s.wantState(out, "applied")
	want := `[{"id":"` + coreSwitches + `","scanName":"Core switches"},{"id":"` + id + `","scanName":"Lab 2"}]`
	if string(out.Scans) != want {
		t.Errorf("scans = %s, want %s", out.Scans, want)
	}
	if n := len(s.Tenant.Writes()); n != 3 {
		t.Errorf("%d writes arrived, want 3", n)
	}
	sending := "sending the change to Defender"
	comparing := "comparing the plan with Defender's state now"
	if want := []string{comparing, sending, comparing, sending, comparing, sending}; !slices.Equal(notes, want) {
		t.Errorf("progress = %q, want %q", notes, want)
	}
}

// TestExecuteCosts no more calls than promised: two each, one read and one write.
func TestExecuteCosts(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	for _, c := range []struct {
		operation, args string
		calls           int
	}{
		{"add_scan", labScan, 2},
		{"update_scan", `{"id":"Core switches","isActive":false}`, 2},
		{"delete_scans", `{"scanDefinitionIds":["Branch routers","Internet edge firewalls"]}`, 2},
	} {
		planned := executingChange(s.plan(c.operation, c.args))
		before := len(s.Tenant.Calls())
		s.wantState(s.Executor.Execute(t.Context(), planned, noCheck), "applied")
		if n := len(s.Tenant.Calls()) - before; n != c.calls {
			t.Errorf("%s made %d calls, want %d", c.operation, n, c.calls)
		}
	}
}

// TestAnEditedScanIsStale: the scan was edited or removed after the plan, so nothing is sent.
func TestAnEditedScanIsStale(t *testing.T) {
	for name, c := range map[string]struct {
		operation, args string
		move            func(*defendertest.Server)
		words           []string
	}{
		"edited before an update": {"update_scan", `{"id":"Core switches","isActive":false}`,
			func(s *defendertest.Server) { s.Edit(coreSwitches, map[string]any{"target": "192.0.2.99"}) },
			[]string{`scan "Core switches": target: "192.0.2.10,192.0.2.11,192.0.2.12" -> "192.0.2.99"`}},
		"edited where we do not look": {"update_scan", `{"id":"Core switches","isActive":false}`,
			func(s *defendertest.Server) { s.Edit(coreSwitches, map[string]any{"orgId": "other"}) }, []string{"orgid"}},
		"moved to another scanner": {"update_scan", `{"id":"Core switches","isActive":false}`,
			func(s *defendertest.Server) {
				s.Edit(coreSwitches, map[string]any{"scannerAgent": map[string]any{"machineId": branch}})
			}, []string{"scannerAgent.machineId", hq, branch}},
		"gone before an update": {"update_scan", `{"id":"Core switches","isActive":false}`,
			func(s *defendertest.Server) { s.Remove(coreSwitches) }, []string{`scan "Core switches" is gone`}},
		"one of two gone before a delete": {"delete_scans", `{"scanDefinitionIds":["Core switches","Branch routers"]}`,
			func(s *defendertest.Server) { s.Remove(branchRouters) }, []string{`scan "Branch routers" is gone`}},
		"renamed before a delete": {"delete_scans", `{"scanDefinitionIds":["Core switches","Branch routers"]}`,
			func(s *defendertest.Server) { s.Edit(branchRouters, map[string]any{"scanName": "Keep\u202e me"}) },
			[]string{`scanName: "Branch routers" -> "Keep⟨U+202E⟩ me"`}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStack(t, defendertest.Options{})
			planned := executingChange(s.plan(c.operation, c.args))
			c.move(s.Tenant)
			out := s.Executor.Execute(t.Context(), planned, noCheck)
			s.wantState(out, "stale", append(c.words, "nothing was sent", "Propose it again to see a current plan.")...)
			if n := len(s.Tenant.Writes()); n > 0 {
				t.Errorf("%d writes arrived", n)
			}
		})
	}
}

// TestLargeNumbersAreComparedExactly: two numbers that are equal as floats still differ.
func TestLargeNumbersAreComparedExactly(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	s.Tenant.Edit(coreSwitches, map[string]any{"intervalInHours": 9007199254740993})
	planned := executingChange(s.plan("update_scan", `{"id":"Core switches","isActive":false}`))
	s.Tenant.Edit(coreSwitches, map[string]any{"intervalInHours": 9007199254740992})
	s.wantState(s.Executor.Execute(t.Context(), planned, noCheck), "stale", "intervalInHours: 9007199254740993 -> 9007199254740992")
}

// TestVolatileFieldsAreNotStale: a run that ends, a scanner that reports, and any name that JSON escapes.
func TestVolatileFieldsAreNotStale(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	s.Tenant.Edit(coreSwitches, map[string]any{"scanName": `R&D <"core"> ` + "\u2028", "large": 9007199254740993})
	planned := executingChange(s.plan("update_scan", `{"id":"`+coreSwitches+`","isActive":false}`))
	s.Tenant.FinishScan(coreSwitches, "Success", fiveMinutesAgo())
	s.wantState(s.Executor.Execute(t.Context(), planned, noCheck), "applied")
	if stored, _ := s.Tenant.Scan(coreSwitches); stored["scanName"] != `R&D <"core"> `+"\u2028" {
		t.Errorf("the name was altered: %q", stored["scanName"])
	}
}

// TestFailuresAreClassified: what certainly did not happen, what Defender refused, and what is unknown.
func TestFailuresAreClassified(t *testing.T) {
	const update = `{"id":"Core switches","isActive":false}`
	for name, c := range map[string]struct {
		operation, args string
		fault           defendertest.Fault
		state           confirm.State
		words           []string
	}{
		"refused":             {"add_scan", labScan, defendertest.Fault{Method: "POST", Status: 400, Code: "InvalidInput", Message: "no such\u202e scanner"}, "failed", []string{"InvalidInput", "message is withheld"}},
		"forbidden":           {"add_scan", labScan, defendertest.Fault{Method: "POST", Status: 403}, "failed", []string{"403"}},
		"throttled":           {"update_scan", update, defendertest.Fault{Method: "PATCH", Status: 429, RetryAfter: "7"}, "failed", []string{"429"}},
		"server error":        {"add_scan", labScan, defendertest.Fault{Method: "POST", Status: 500}, "unknown", []string{`"Lab"`, `"10.1.2.3"`, "Before proposing it again, check in the Defender portal"}},
		"a page of a proxy":   {"add_scan", labScan, defendertest.Fault{Method: "POST", Body: "<html>sign in</html>", ContentType: "text/html"}, "unknown", []string{`"Lab"`}},
		"dropped":             {"delete_scans", `{"scanDefinitionIds":["Core switches"]}`, defendertest.Fault{Path: "BatchDelete", Drop: true}, "unknown", []string{"Before proposing it again", `"Core switches"`}},
		"applied and dropped": {"add_scan", labScan, defendertest.Fault{Method: "POST", Apply: true, Drop: true}, "unknown", []string{`"Lab"`}},
		"the second look":     {"update_scan", update, defendertest.Fault{Method: "GET", Path: collection, Times: -1, Status: 403}, "failed", []string{"nothing was sent: the scans could not be read again"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStack(t, defendertest.Options{})
			planned := executingChange(s.plan(c.operation, c.args))
			s.Tenant.Fail(c.fault)
			out := s.Executor.Execute(t.Context(), planned, noCheck)
			s.wantState(out, c.state, c.words...)
			if strings.ContainsRune(out.Reason+out.Next, '\u202e') {
				t.Errorf("the outcome hides something: %q", out)
			}
			if out.Next == "" {
				t.Error("the outcome does not say what to do next")
			}
		})
	}
}

// TestEverythingIsCheckedAgainAfterARefusedToken: the checks before the first request are too old for the second.
func TestEverythingIsCheckedAgainAfterARefusedToken(t *testing.T) {
	for name, c := range map[string]struct {
		edited bool
		state  confirm.State
		checks int
		writes int
	}{
		"unchanged":         {false, "applied", 2, 1},
		"edited in between": {true, "stale", 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStack(t, defendertest.Options{})
			planned := executingChange(s.plan("update_scan", `{"id":"`+coreSwitches+`","isActive":false}`))
			s.Tenant.Fail(defendertest.Fault{Method: "PATCH", Claims: `{"a":1}`})
			var checks int
			out := s.Executor.Execute(t.Context(), planned, func(context.Context, json.RawMessage) error {
				if checks++; c.edited {
					s.Tenant.Edit(coreSwitches, map[string]any{"target": "10.9.9.9"})
				}
				return nil
			})
			s.wantState(out, c.state)
			if n := len(s.Tenant.Writes()); checks != c.checks || n != c.writes {
				t.Errorf("%d checks and %d writes, want %d and %d", checks, n, c.checks, c.writes)
			}
		})
	}
}

// TestNothingIsSentWhenBeforeSendFails, whatever the operation: it is the last check before the request.
func TestNothingIsSentWhenBeforeSendFails(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	lost := func(context.Context, json.RawMessage) error { return errors.New("the claim is lost") }
	for operation, args := range map[string]string{
		"add_scan": labScan, "update_scan": `{"id":"Core switches","isActive":false}`,
		"delete_scans": `{"scanDefinitionIds":["Core switches"]}`,
	} {
		out := s.Executor.Execute(t.Context(), executingChange(s.plan(operation, args)), lost)
		s.wantState(out, "failed", "nothing was sent", "the claim is lost")
	}
	if n := len(s.Tenant.Writes()); n > 0 {
		t.Errorf("%d writes arrived", n)
	}
}

// TestTheLiveStateIsComparedAfterTheWait: a scan is edited while the write waits for its turn and its token.
func TestTheLiveStateIsComparedAfterTheWait(t *testing.T) {
	for _, wait := range []string{"turn", "token"} {
		s := newStack(t, defendertest.Options{})
		planned := executingChange(s.plan("update_scan", `{"id":"Core switches","isActive":false}`))
		edit := func() { s.Tenant.Edit(coreSwitches, map[string]any{"target": "192.0.2.99"}) }
		api := defender.Config{URL: s.URL}
		switch wait {
		case "turn":
			api.Token = func(context.Context, defender.TokenRequest) (string, error) { return "token", nil }
			api.RateLimit = func(context.Context, defender.Call) error { edit(); return nil }
		case "token":
			api.Token = func(context.Context, defender.TokenRequest) (string, error) { edit(); return "token", nil }
		}
		writer, err := defender.NewWriter(api)
		if err != nil {
			t.Fatal(err)
		}
		s.wantState(tools.NewExecutor(s.Client, writer, nil, nil).Execute(t.Context(), planned, noCheck), "stale", "target", "192.0.2.99")
		if n := len(s.Tenant.Writes()); n > 0 {
			t.Errorf("edited in the wait for its %s: %d writes arrived", wait, n)
		}
	}
}

// TestExecuteStopsBeforeSending when its context has ended, or the snapshot cannot be read.
func TestExecuteStopsBeforeSending(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	add := executingChange(s.plan("add_scan", labScan))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.wantState(s.Executor.Execute(ctx, add, noCheck), "failed", "nothing was sent")

	for _, snapshot := range []string{``, `null`, `{}`, `7`, `{"x"`} {
		c := executingChange(s.plan("update_scan", `{"id":"Core switches","isActive":false}`))
		c.Snapshot = json.RawMessage(snapshot)
		s.wantState(s.Executor.Execute(t.Context(), c, noCheck), "failed", "nothing was sent", "planned against")
	}
	add.Request.Path = "/api/machines"
	s.wantState(s.Executor.Execute(t.Context(), add, noCheck), "failed", "nothing was sent")
	if n := len(s.Tenant.Writes()); n > 0 {
		t.Errorf("%d writes arrived", n)
	}
}

// TestAnswersThatDifferAreReported: the write happened, so it is applied, but someone should check it.
func TestAnswersThatDifferAreReported(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	c := executingChange(s.plan("add_scan", labScan))
	s.Tenant.Fail(defendertest.Fault{Method: "POST", Apply: true, Body: `{"id":"` + financeWin + `","scanType":"Network","scanName":"Other","isActive":true,
		"target":"10.1.2.3","intervalInHours":4,"targetType":"Ip","scannerAgent":{"machineId":"` + branch + `"}}`})
	s.wantState(s.Executor.Execute(t.Context(), c, noCheck), "applied",
		`scanName is "[withheld]" instead of "Lab"`, `scannerAgent.machineId is "[withheld]" instead of "`+hq, "Check the scan in the Defender portal.")
}

// TestReconcileFindsTheOutcome in what Defender lists, for each operation and each way it can have ended.
func TestReconcileFindsTheOutcome(t *testing.T) {
	const (
		update     = `{"id":"Core switches","target":"192.0.2.99"}`
		credential = `{"id":"Core switches","credential":"core-snmp"}`
		remove     = `{"scanDefinitionIds":["Core switches","Branch routers"]}`
	)
	added := map[string]any{"scanName": "Lab", "target": "10.1.2.3", "scannerAgent": map[string]any{"machineId": hq}}
	for name, c := range map[string]struct {
		operation, args string
		then            func(*defendertest.Server)
		state           confirm.State
		words           []string
	}{
		"added":       {"add_scan", labScan, func(s *defendertest.Server) { s.AddScan(added) }, "applied", []string{"Defender shows that it took effect"}},
		"added twice": {"add_scan", labScan, func(s *defendertest.Server) { s.AddScan(added); s.AddScan(added) }, "unknown", []string{"2 new scans", `"Lab"`}},
		"added by another scanner": {"add_scan", labScan, func(s *defendertest.Server) {
			s.AddScan(map[string]any{"scanName": "Lab", "target": "10.1.2.3", "scannerAgent": map[string]any{"machineId": branch}})
		}, "failed", []string{"no new scan"}},
		"added elsewhere":   {"add_scan", labScan, func(s *defendertest.Server) { s.AddScan(map[string]any{"scanName": "Lab", "target": "10.1.2.4"}) }, "failed", []string{"no new scan"}},
		"not added":         {"add_scan", labScan, func(*defendertest.Server) {}, "failed", []string{"no new scan"}},
		"updated":           {"update_scan", update, func(s *defendertest.Server) { s.Edit(coreSwitches, map[string]any{"target": "192.0.2.99"}) }, "applied", []string{"as planned"}},
		"not updated":       {"update_scan", update, func(*defendertest.Server) {}, "failed", []string{"as it was before"}},
		"updated otherwise": {"update_scan", update, func(s *defendertest.Server) { s.Edit(coreSwitches, map[string]any{"target": "192.0.2.98"}) }, "unknown", []string{`target is "192.0.2.98" instead of "192.0.2.99"`, "Before proposing it again"}},
		"updated and gone":  {"update_scan", update, func(s *defendertest.Server) { s.Remove(coreSwitches) }, "unknown", []string{"the scan is gone"}},
		"credential alone":  {"update_scan", credential, func(*defendertest.Server) {}, "unknown", []string{"Defender never shows it"}},
		"deleted":           {"delete_scans", remove, func(s *defendertest.Server) { s.Remove(coreSwitches); s.Remove(branchRouters) }, "applied", []string{"none of the scans"}},
		"not deleted":       {"delete_scans", remove, func(*defendertest.Server) {}, "failed", []string{"all of the scans are still there"}},
		"half deleted":      {"delete_scans", remove, func(s *defendertest.Server) { s.Remove(coreSwitches) }, "unknown", []string{`1 of 2 scans are still there: "Branch routers"`}},
		"unreadable":        {"delete_scans", remove, func(s *defendertest.Server) { s.Fail(defendertest.Fault{Status: 403, Times: -1}) }, "unknown", []string{"could not be read"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStack(t, defendertest.Options{})
			planned := executingChange(s.plan(c.operation, c.args))
			c.then(s.Tenant)
			out := s.Executor.Reconcile(t.Context(), planned)
			s.wantState(out, c.state, c.words...)
			if out.State != "applied" && out.Next == "" {
				t.Error("the outcome does not say what to do next")
			}
			if n := len(s.Tenant.Writes()); n > 0 {
				t.Errorf("reconciling made %d writes", n)
			}
		})
	}
}

// TestAnOlderScanIsNotTheAddedOne: the snapshot distinguishes an older scan of the same name.
func TestAnOlderScanIsNotTheAddedOne(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	s.Tenant.AddScan(map[string]any{"scanName": "Lab", "target": "10.1.2.3"})
	s.wantState(s.Executor.Reconcile(t.Context(), executingChange(s.plan("add_scan", labScan))), "failed")
}

// TestReconcileWithoutAPlanIsUnknown: an unreadable plan settles nothing.
func TestReconcileWithoutAPlanIsUnknown(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	for _, operation := range []string{"add_scan", "update_scan", "delete_scans", "list_scans", "no_such"} {
		for _, snapshot := range []string{``, `7`, `[]x`} {
			p := confirm.Proposal{Operation: operation, Snapshot: json.RawMessage(snapshot), Request: confirm.Request{Body: json.RawMessage(`{}`)}}
			s.wantState(s.Executor.Reconcile(t.Context(), executingChange(p)), "unknown")
		}
	}
}

// TestDroppedAddEndsWithOneScan: Defender applied the add and its answer was lost. Reading finds the scan.
func TestDroppedAddEndsWithOneScan(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	planned := executingChange(s.plan("add_scan", labScan))
	s.Tenant.Fail(defendertest.Fault{Method: "POST", Path: collection, Apply: true, Drop: true})
	s.wantState(s.Executor.Execute(t.Context(), planned, noCheck), "unknown")
	out := s.Executor.Reconcile(t.Context(), planned)
	s.wantState(out, "applied")
	n := 0
	for _, s := range s.Tenant.Scans() {
		if s["scanName"] == "Lab" {
			n++
			wantWords(t, string(out.Scans), fmt.Sprint(s["id"]))
		}
	}
	if n != 1 || len(s.Tenant.Writes()) != 1 {
		t.Errorf("%d scans named Lab after %d writes", n, len(s.Tenant.Writes()))
	}
}
