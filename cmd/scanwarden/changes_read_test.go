package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
)

// changesStack is a ledger with changes of two people: an update, two deletes of which one was denied, and an add.
func changesStack(t *testing.T) (p *policyStack, update, denied, open, add confirm.Change) {
	t.Helper()
	p = newPolicyStack(t, "policy: {approvers: [\"token:grace\"], self_approval: true}\n")
	propose := func(by confirm.Principal, operation, args string) confirm.Change {
		p.now = p.now.Add(time.Second)
		c, err := p.propose(t, slackRequester(by), operation, args)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	update = propose("token:ada", "update_scan", `{"id":"Branch 1","isActive":false}`)
	denied = propose("token:mei", "delete_scans", `{"scanDefinitionIds":["Branch 2"]}`)
	if _, err := p.Decide(t.Context(), denied.ID, confirm.Vote{Principal: "token:grace", Channel: confirm.Slack, Reason: "no"}); err != nil {
		t.Fatal(err)
	}
	open = propose("token:ada", "delete_scans", `{"scanDefinitionIds":["Branch 3"]}`)
	add = propose("token:mei", "add_scan", addScanArgs("x", "10.2.0.1", "near.example"))
	return p, update, denied, open, add
}

// TestChangesFilters: each filter selects what it names, and paging by --before and --limit neither repeats nor skips.
func TestChangesFilters(t *testing.T) {
	t.Parallel()
	p, update, denied, open, add := changesStack(t)
	names := map[confirm.Principal]string{"token:ada": "Ada Lindqvist"}
	for _, tt := range []struct {
		name   string
		filter changeFilter
		want   []confirm.Change
	}{
		{"all", changeFilter{}, []confirm.Change{add, open, denied, update}},
		{"open", changeFilter{open: true}, []confirm.Change{add, open, update}},
		{"status", changeFilter{statuses: []string{" Denied"}}, []confirm.Change{denied}},
		{"statuses", changeFilter{statuses: []string{"waiting", "denied"}}, []confirm.Change{add, open, denied, update}},
		{"operation", changeFilter{operation: "delete-scans"}, []confirm.Change{open, denied}},
		{"requester", changeFilter{person: "token:mei"}, []confirm.Change{add, denied}},
		{"configured name", changeFilter{person: "lindq"}, []confirm.Change{open, update}},
		{"approver", changeFilter{person: "grace"}, []confirm.Change{denied}},
		{"together", changeFilter{person: "ada", operation: "delete_scans", open: true}, []confirm.Change{open}},
		{"none", changeFilter{person: "nobody"}, nil},
	} {
		options := changesOptions{filter: tt.filter}
		options.filter.names = names
		if err := options.complete(); err != nil {
			t.Fatal(err)
		}
		for _, limit := range []int{1, 2, listedChanges} {
			options.limit, options.before = limit, ""
			var got []string
			for more := true; more; {
				read, err := readChanges(t.Context(), p.store, options)
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range read.changes {
					got = append(got, c.ID)
				}
				if more = read.more; more {
					options.before = shortID(got[len(got)-1], minShortID)
				}
			}
			var want []string
			for _, c := range tt.want {
				want = append(want, c.ID)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s, %d at a time: %v, want %v", tt.name, limit, got, want)
			}
		}
	}
	overdue := changeFilter{open: true}
	if overdue.matches(update, update.Expires) {
		t.Error("an overdue change counts as open")
	}
}

// TestChangesFilterMistakes: a status that does not exist is refused, with the one that was meant.
func TestChangesFilterMistakes(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]string{"deneid": "did you mean denied?", "xyzzy": "write one of awaiting_confirmation, approved"} {
		options := changesOptions{filter: changeFilter{statuses: []string{status}}}
		wantError(t, options.complete(), want)
	}
	wantError(t, (&changesOptions{limit: -1}).complete(), "write a number above 0")
}

// TestFindID: an id is found by itself, its beginning or its end, if only one change has it.
func TestFindID(t *testing.T) {
	t.Parallel()
	ids := []string{"01KB8Q2M7T4V9X1Z3B5C7D9FGH", "01KB8Q2M7T4V9X1Z3B5C7D9XYH", "01KB7AAAAAAAAAAAAAAAAAAAAA", "01KB7BAAAAAAAAAAAAAAAAABBB", "01KB7CAAAAAAAAAAAAAAAAACCC"}
	for part, want := range map[string]string{
		ids[0]: ids[0], "9fgh": ids[0], "01KB7A": ids[2], "01kb7b": ids[3], " CCC ": ids[4], "01KB8Q2M7T4V9X1Z3B5C7D9X": ids[1],
	} {
		if got, err := findID(ids, part); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", part, got, err, want)
		}
	}
	for part, want := range map[string]string{
		"ZZZ":   "there is no change ZZZ in this ledger; `scanwarden changes` lists them",
		"":      "there is no change",
		"H":     "H fits 2 changes: " + ids[0] + ", " + ids[1] + "; give more of the id",
		"01KB":  "01KB fits 5 changes: " + ids[0] + ", " + ids[1] + ", " + ids[2] + " and 2 more; give more",
		"B8Q2M": "there is no change", // neither the beginning nor the end
	} {
		_, err := findID(ids, part)
		wantError(t, err, want)
	}
}

// TestChangesJSON: programs get exactly the documented members, never the code, and no character that a terminal interprets.
func TestChangesJSON(t *testing.T) {
	t.Parallel()
	c := listedChange("C7D9FG", "14:02", confirm.Denied, coreSwitches)
	c.Outcome.Reason = "no \u009b31m \u202e \u007f \U000e0041 \x1b end"
	var out bytes.Buffer
	if err := printChangesJSON(&out, []confirm.Change{c}); err != nil {
		t.Fatal(err)
	}
	var got []map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || len(got) != 1 {
		t.Fatalf("%v\n%s", err, out.String())
	}
	want := []string{"created", "decided_by", "expires", "id", "operation", "reason", "requester", "status", "summary", "target"}
	if keys := slices.Sorted(maps.Keys(got[0])); !slices.Equal(keys, want) || got[0]["target"] != "contoso.example" {
		t.Errorf("members %v, want %v", keys, want)
	}
	if strings.Contains(out.String(), c.Code) || strings.ContainsAny(out.String(), "\u009b\u202e\u007f\U000e0041\x1b") {
		t.Errorf("the code, or a control character:\n%s", out.String())
	}
	var empty bytes.Buffer
	if err := printChangesJSON(&empty, nil); err != nil || empty.String() != "[]\n" {
		t.Errorf("no changes: %q, %v", empty.String(), err)
	}
}

// TestEscapeControls: the escaped JSON has the same value.
func TestEscapeControls(t *testing.T) {
	t.Parallel()
	const text = "a\u009b\u202e\u007f\U000e0041 é 東京 ⟨\n\"\\"
	var out bytes.Buffer
	if err := writeJSON(&out, text); err != nil {
		t.Fatal(err)
	}
	var back string
	if err := json.Unmarshal(out.Bytes(), &back); err != nil || back != text || !strings.Contains(out.String(), `\u009b\u202e\u007f\udb40\udc41 é 東京`) {
		t.Errorf("%s (%v)", out.String(), err)
	}
}
