package mcpserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"scanwarden/confirm"
	"scanwarden/defender"
	"scanwarden/defender/defendertest"
	"scanwarden/tools"
	"scanwarden/tools/mcpserver"
)

// outputSchemas returns the compiled output schema of each tool.
var outputSchemas = sync.OnceValues(func() (map[string]*jsonschema.Schema, error) {
	operations, err := tools.Catalogue(nil)
	if err != nil {
		return nil, err
	}
	all := map[string]*jsonschema.Schema{}
	for _, op := range operations {
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(op.Output))
		if err != nil {
			return nil, err
		}
		compiler := jsonschema.NewCompiler()
		if err := compiler.AddResource(op.Name, document); err != nil {
			return nil, err
		}
		if all[op.Name], err = compiler.Compile(op.Name); err != nil {
			return nil, err
		}
	}
	return all, nil
})

// checkStructured fails the test if a result's structured content does not match the published output schema. The
// TypeScript SDK does the same, and then shows its user this mismatch in place of the result.
func (r response) checkStructured(t testing.TB, tool string) {
	t.Helper()
	schemas, err := outputSchemas()
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Result.Structured) == 0 || schemas[tool] == nil {
		return // an input request, a JSON-RPC error or an unknown tool
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(r.Result.Structured))
	if err != nil {
		t.Fatal(err)
	}
	if err := schemas[tool].Validate(value); err != nil {
		t.Errorf("the result of %s does not match its output schema: %v\n%s", tool, err, r.raw)
	}
}

// errorKinds is an error of each kind that tools.Refused tells apart.
var errorKinds = map[string]error{
	"refusal":          &tools.Refusal{Field: "id", Reason: "id is missing", Next: "give it"},
	"not configured":   &tools.Refusal{Reason: "no tenant is configured", Next: "set AZURE_TENANT_ID"},
	"Defender":         &defender.Error{Kind: defender.ErrForbidden, Op: "list definitions", Status: 403, Code: "Forbidden", Next: "grant Machine.Read.All"},
	"lost commit":      &confirm.UnknownCommitError{Change: "01JD3Y8K2Q5V7W9X1Z3B5C7D9F"},
	"not found":        fmt.Errorf("get change: %w", confirm.ErrNotFound),
	"moved":            confirm.ErrMoved,
	"policy":           fmt.Errorf("%w: nobody may confirm", confirm.ErrRefused),
	"too many open":    confirm.ErrTooManyOpen,
	"time-out":         context.DeadlineExceeded,
	"canceled":         context.Canceled,
	"internal failure": errors.New("disk full"),
	"panic":            errPanic,
}

var errPanic = errors.New("a bug")

// TestEveryErrorFitsEveryOutputSchema: no error of any kind is hidden by a client that validates results.
func TestEveryErrorFitsEveryOutputSchema(t *testing.T) {
	t.Parallel()
	var failure error
	s := newStackWith(t, options{backend: func(context.Context) (*mcpserver.Backend, error) {
		if failure == errPanic {
			panic(failure)
		}
		return nil, failure
	}})
	schemas, err := outputSchemas()
	if err != nil {
		t.Fatal(err)
	}
	for kind, err := range errorKinds {
		failure = err
		for tool := range schemas {
			got := s.callTool(t, toolCall{tool: tool, args: map[string]any{}}) // checks the schema
			if out := got.wantResult(t); out.Status == "" || out.Reason == "" {
				t.Errorf("%s, %s: no status or no reason: %s", tool, kind, got.raw)
			}
			if got.Result.IsError != (kind != "lost commit") {
				t.Errorf("%s, %s: isError is %v", tool, kind, got.Result.IsError)
			}
			if len(got.Result.Content) != 1 || got.Result.Content[0].Text == "" {
				t.Errorf("%s, %s: no text for clients that show text only: %s", tool, kind, got.raw)
			}
		}
	}
}

// TestEveryResultFitsItsOutputSchema calls each tool in its good, empty and wrong ways. callTool checks each answer.
func TestEveryResultFitsItsOutputSchema(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	ids := []string{"Printers"}
	for _, step := range []struct {
		tool   string
		args   any
		status string // "" for a list
	}{
		{"list_scans", nil, ""},
		{"add_scan", map[string]any{}, "refused"},
		{"add_scan", s.newScan("Printers"), "applied"},
		{"list_scans", map[string]any{"filter": "Printers"}, ""},
		{"list_scans", map[string]any{"offset": -1}, "refused"},
		{"list_scanners", nil, ""},
		{"scan_history", map[string]any{"scanDefinitionIds": ids}, ""},
		{"scan_history", nil, "refused"},
		{"update_scan", map[string]any{"id": "Printers", "isActive": false}, "applied"},
		{"update_scan", map[string]any{"id": "nowhere"}, "refused"},
		{"get_change", nil, ""},
		{"get_change", map[string]any{"change_id": "01JD3Y8K2Q5V7W9X1Z3B5C7D9F"}, "refused"},
		{"withdraw_change", map[string]any{"change_id": "01JD3Y8K2Q5V7W9X1Z3B5C7D9F"}, "refused"},
		{"delete_scans", map[string]any{"scanDefinitionIds": ids}, "applied"},
	} {
		got := s.callTool(t, toolCall{tool: step.tool, args: step.args})
		if step.status == "applied" {
			state := got.Result.RequestState
			_, code := got.wantPrompt(t)
			got = s.callTool(t, toolCall{tool: step.tool, args: step.args, state: state, responses: acceptWith(code)})
		}
		got.wantStatus(t, step.status)
	}
	s.Tenant.Fail(defendertest.Fault{Times: -1, Status: http.StatusForbidden, Message: "Missing application roles"})
	for _, tool := range []string{"list_scans", "list_scanners"} {
		s.Service.InvalidateCache()
		s.callTool(t, toolCall{tool: tool}).wantStatus(t, "refused")
	}
}

// TestASchemaMismatchIsFound: checkStructured fails for a result that a client would reject.
func TestASchemaMismatchIsFound(t *testing.T) {
	t.Parallel()
	bad := response{}
	bad.Result.Structured = json.RawMessage(`{"scans":"none"}`)
	probe := &probeTB{TB: t}
	bad.checkStructured(probe, "list_scans")
	if !probe.failed {
		t.Error("a list of scans that is a text matches the schema")
	}
}

// probeTB records that a check failed, without failing the test.
type probeTB struct {
	testing.TB
	failed bool
}

func (p *probeTB) Errorf(string, ...any) { p.failed = true }
