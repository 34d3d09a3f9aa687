package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

// leaveUnknown returns a state directory whose ledger has one change of unknown outcome, and its id.
func leaveUnknown(t *testing.T) (dir, id string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "server.key"), []byte(serverKey), 0o600); err != nil {
		t.Fatal(err)
	}
	ledger, err := store.Open(t.Context(), store.Config{URL: "sqlite:" + filepath.Join(dir, "ledger.db"), KeyDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	unknown := func(context.Context, confirm.Change) confirm.Outcome { return confirm.Outcome{State: confirm.Unknown} }
	gate := confirm.New(confirm.Config{
		Store: ledger, Key: []byte(serverKey), Policy: confirm.Policy{Approvers: []string{"token:bob"}}, Target: "simulator", Reconcile: unknown,
		Execute: func(ctx context.Context, c confirm.Change, _ confirm.BeforeSend) confirm.Outcome {
			return unknown(ctx, c)
		},
	})
	c, err := gate.Propose(t.Context(), confirm.Proposal{
		Operation: "delete_scans", Target: "simulator", Summary: "Delete 1 scan", Request: confirm.Request{Method: "POST", Path: "/p", Body: []byte(`{}`)},
	}, confirm.Requester{Principal: "token:ada", Source: confirm.SourceHTTP, Channels: []confirm.Channel{confirm.Slack}})
	if err == nil {
		_, err = gate.Decide(t.Context(), c.ID, confirm.Vote{Principal: "token:bob", Approve: true, Channel: confirm.Slack})
	}
	if err := errors.Join(err, gate.Drain(t.Context()), ledger.Close()); err != nil {
		t.Fatal(err)
	}
	return dir, c.ID
}

// An operator settles a change whose outcome stayed unknown, once, and the log says who did.
func TestAnOperatorSettlesAnUnknownChange(t *testing.T) {
	t.Parallel()
	dir, id := leaveUnknown(t)
	settle := func(args ...string) (string, error) {
		var out strings.Builder
		e := environment{ctx: t.Context(), env: config.Environment{"SCANWARDEN_STATE_DIR": dir, "USER": "root"}, stdout: &out, stderr: &out}
		err := run(e, args)
		return out.String(), err
	}
	for _, args := range [][]string{
		{"changes", "--settle", "applied"}, {"changes", id, "--settle", "approved"}, {"changes", id, "--settle", ""},
		{"changes", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "--settle", "applied"},
	} {
		if _, err := settle(args...); err == nil {
			t.Errorf("%v was done", args)
		}
	}
	if out, err := settle("changes", strings.ToLower(id), "--settle", "failed"); err != nil || !strings.Contains(out, id+" is settled as failed") {
		t.Errorf("got %q, %v", out, err)
	}
	if _, err := settle("changes", id, "--settle", "applied"); err == nil || !strings.Contains(err.Error(), "this one is failed") {
		t.Errorf("settled twice: %v", err)
	}
	if out, err := settle("audit", "export"); err != nil || !strings.Contains(out, "settled by an operator: local:") {
		t.Errorf("the log has %s, %v", out, err)
	}
	if _, err := settle("audit", "verify"); err != nil {
		t.Error(err)
	}
}
