package tools_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
	"scanwarden/defender/defendertest"
	"scanwarden/tools"
	"scanwarden/tools/toolstest"
)

// encodings are ways in which Defender could repeat a secret.
var encodings = map[string]func(string) string{
	"plain":       func(s string) string { return s },
	"base64":      func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 URL":  func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte("x" + s)) },
	"hex":         func(s string) string { return hex.EncodeToString([]byte(s)) },
	"URL-encoded": func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "-", "%2D") },
	"JSON":        func(s string) string { return strings.ReplaceAll(s, "-", `\u002d`) },
	"reversed":    reverse,
	"rotated":     func(s string) string { return s[3:] + s[:3] },
}

func reverse(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

// TestNoEncodingOfASecretIsKept: whatever Defender repeats of a credential, as an error or as an answer to a write that
// took effect, is in no result, ledger, log or audit log.
func TestNoEncodingOfASecretIsKept(t *testing.T) {
	const id = "289224fb-1686-472c-9751-5555960854ca"
	for name, encode := range encodings {
		echo := encode(canary + "-auth")
		text, err := json.Marshal(echo)
		if err != nil {
			t.Fatal(err)
		}
		for place, fault := range map[string]defendertest.Fault{
			"message": {Method: "POST", Status: 400, Code: "InvalidInput", Message: echo},
			"code":    {Method: "POST", Status: 400, Body: fmt.Sprintf(`{"error":{"code":%[1]s,"target":%[1]s}}`, text)},
			"fields": {Method: "POST", Body: fmt.Sprintf(`{"id":"%s","scanType":%[2]s,"scanName":%[2]s,"target":%[2]s,"targetType":%[2]s,
				"createdBy":%[2]s,"orgId":%[2]s,"scannerAgent":{"machineId":%[2]s,"machineName":%[2]s},"latestScan":{"status":%[2]s,"failureReason":%[2]s}}`, id, text)},
			"id":   {Method: "POST", Body: `{"id":` + string(text) + `,"scanName":"Lab"}`},
			"type": {Method: "POST", Body: "<html>", ContentType: echo},
		} {
			t.Run(name+" as "+place, func(t *testing.T) {
				kept := keptAfter(t, fault)
				for _, form := range []string{echo, canary, strings.Trim(string(text), `"`)} {
					for where, what := range kept {
						if strings.Contains(what, form) {
							t.Errorf("the %s keeps %q", where, form)
						}
					}
				}
			})
		}
	}
}

// keptAfter adds a scan with a credential through a Gate, while Defender answers with fault. It returns all that is
// kept or shown afterwards.
func keptAfter(t *testing.T, fault defendertest.Fault) map[string]string {
	t.Helper()
	var log bytes.Buffer
	s := newStackWith(t, toolstest.Options{
		Policy: confirm.Policy{Approvers: []string{"token:bob"}},
		Gate:   func(cfg *confirm.Config) { cfg.Log = slog.New(slog.NewTextHandler(&log, nil)) },
	})
	by := confirm.Requester{Principal: "token:ada", Source: confirm.SourceHTTP, Channels: []confirm.Channel{confirm.Slack}}
	c, err := s.Service.Propose(t.Context(), by, "add_scan", json.RawMessage(labScan))
	if err != nil {
		t.Fatal(err)
	}
	s.Tenant.Fail(fault)
	if _, err := s.Gate.Decide(t.Context(), c.ID, confirm.Vote{Principal: "token:bob", Approve: true, Channel: confirm.Slack}); err != nil {
		t.Fatal(err)
	}
	if c, err = s.Gate.Wait(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.Gate.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(s.Tenant.Calls(), func(c defendertest.Call) bool { return strings.Contains(string(c.Body), canary) }) {
		t.Fatal("the secret did not reach Defender")
	}
	result, err := json.Marshal(tools.ResultOf(c))
	if err != nil {
		t.Fatal(err)
	}
	var audit strings.Builder
	if err := s.Store.Export(t.Context(), &audit, store.ExportOptions{}); err != nil {
		t.Fatal(err)
	}
	return map[string]string{"result": string(result), "audit log": audit.String(), "log": log.String(), "state directory": filesIn(t, s.Dir)}
}

// filesIn returns the contents of all files below dir.
func filesIn(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		all.Write(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
