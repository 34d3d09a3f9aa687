package tools_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scanwarden/confirm"
	"scanwarden/defender/defendertest"
	"scanwarden/tools"
)

// TestPlannedScansOfAnUpdate has the changed fields apart from those that stay, and the entries of the target.
func TestPlannedScansOfAnUpdate(t *testing.T) {
	s := newStack(t, defendertest.Options{}, fixedClock(time.Now().Add(30*time.Second)))
	p := s.plan("update_scan", `{"id":"Core switches","target":"192.0.2.13,192.0.2.10","scannerAgent":{"machineId":"`+branch+`"}}`)
	want := []tools.PlannedScan{{
		Effect: tools.ScanUpdated, ID: coreSwitches, Name: "Core switches",
		Changed: []tools.PlannedField{
			{
				Name: "target", Before: "192.0.2.10,192.0.2.11,192.0.2.12", After: "192.0.2.13,192.0.2.10",
				BeforeNote: "3 addresses", AfterNote: "2 addresses",
				Added: []string{"192.0.2.13"}, Removed: []string{"192.0.2.11", "192.0.2.12"}, Kept: []string{"192.0.2.10"},
			},
			{
				Name: "scannerAgent.machineId", Before: hq, After: branch,
				BeforeNote: `"scan-hq-01.contoso.example", last seen 4 minutes ago`,
				AfterNote:  `"scan-branch-02.contoso.example", last seen 11 minutes ago`,
			},
		},
		Unchanged: []tools.PlannedField{
			{Name: "scanType", Before: "Network", After: "Network"},
			{Name: "scanName", Before: "Core switches", After: "Core switches"},
			{Name: "isActive", Before: "true", After: "true"},
			{Name: "intervalInHours", Before: "4", After: "4"},
			{Name: "targetType", Before: "Ip", After: "Ip"},
			{Name: "credential", Before: "kept", After: "kept"},
		},
	}}
	if diff := cmp.Diff(want, tools.PlannedScans(p)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPlannedScansOfAddAndDelete: a new scan changes in every field, a deleted one keeps the values that it had.
func TestPlannedScansOfAddAndDelete(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	added := tools.PlannedScans(s.plan("add_scan", labScan))
	if len(added) != 1 || added[0].Effect != tools.ScanAdded || added[0].ID != "" || len(added[0].Unchanged) > 0 || len(added[0].Changed) != 13 {
		t.Errorf("an added scan is %+v", added)
	}
	deleted := tools.PlannedScans(s.plan("delete_scans", `{"scanDefinitionIds":["Core switches","`+branchRouters+`"]}`))
	if len(deleted) != 2 {
		t.Fatalf("deleted: %+v", deleted)
	}
	for i, id := range []string{coreSwitches, branchRouters} {
		d := deleted[i]
		if d.Effect != tools.ScanDeleted || d.ID != id || len(d.Changed) > 0 || len(d.Unchanged) != 10 {
			t.Errorf("a deleted scan is %+v", d)
		}
		for _, f := range d.Unchanged {
			if text, _ := f.Value(); f.After != "" || text == "" {
				t.Errorf("a deleted scan has the field %+v", f)
			}
		}
	}
}

// TestPlannedScansOfAnOldLedger: a change that an earlier version planned is shown as it was kept.
func TestPlannedScansOfAnOldLedger(t *testing.T) {
	old := confirm.Proposal{Subjects: []confirm.Subject{{Title: "A", Fields: []confirm.Field{
		{Name: "id", Before: "1", After: "1"},
		{Name: "scannerAgent.machineId", Before: `a ("x", last seen never)`, After: `b ("y", last seen never)`},
	}}}}
	want := []tools.PlannedScan{{Effect: tools.ScanUpdated, ID: "1", Name: "A", Changed: []tools.PlannedField{
		{Name: "scannerAgent.machineId", Before: `a ("x", last seen never)`, After: `b ("y", last seen never)`},
	}}}
	if diff := cmp.Diff(want, tools.PlannedScans(old)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
