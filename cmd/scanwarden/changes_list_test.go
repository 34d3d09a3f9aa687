package main

import (
	"testing"
	"time"

	"scanwarden/cmd/scanwarden/internal/terminal"
	"scanwarden/confirm"
	"scanwarden/confirm/store"
)

// listedAt is the time at which the golden lists are printed.
var listedAt = time.Date(2026, 11, 29, 14, 8, 0, 0, time.UTC)

// listedChange returns a change that was proposed on the day of listedAt.
func listedChange(id, clock string, state confirm.State, scans ...confirm.Subject) confirm.Change {
	at, err := time.Parse(time.DateTime, clock)
	if err != nil {
		at, err = time.Parse(time.DateTime, "2026-11-29 "+clock+":11")
	}
	if err != nil {
		panic(err)
	}
	return confirm.Change{
		ID: "01KB8Q2M7T4V9X1Z3B5C" + id, Code: "ARX7F", State: state, Requester: "token:ada", Needed: 1, Source: confirm.SourceHTTP,
		Created: at, Expires: at.Add(15 * time.Minute), Digest: "sha256:9c1f4be27a60d3885ed1f0b64c2a9e7713d85fa0c46b2f19e8a7d3305b6c4e21",
		Proposal: confirm.Proposal{Operation: "update_scan", Target: "contoso.example", Summary: "the summary", Subjects: scans,
			Request: confirm.Request{Method: "PATCH", Path: "/api/DeviceAuthenticatedScanDefinitions/d14cefe1-0301-488c-ad17-a86c428c3727", Body: []byte(`{"intervalInHours":24}`)}},
	}
}

func field(name, before, after string) confirm.Field {
	return confirm.Field{Name: name, Before: before, After: after}
}

// coreSwitches is an update of two fields.
var coreSwitches = confirm.Subject{Title: "Core switches", Fields: []confirm.Field{
	field("id", "289224fb-1686-472c-9751-5555960854ca", "289224fb-1686-472c-9751-5555960854ca"),
	field("scanType", "Network", "Network"), field("scanName", "Core switches", "Core switches"), field("isActive", "true", "true"),
	field("target", "192.0.2.10,192.0.2.11,192.0.2.12", "192.0.2.10,192.0.2.11,192.0.2.13,192.0.2.32/30"),
	field("addresses", "3 addresses", "7 addresses"), field("intervalInHours", "4", "24"), field("targetType", "Ip", "Ip"),
	field("scannerAgent.machineId", "7d1f3b0a9c5e4f2286b1d0e3a4c5f6708192a3b4", "7d1f3b0a9c5e4f2286b1d0e3a4c5f6708192a3b4"),
	field("scannerAgent.machineName", "scan-hq-01.contoso.example", "scan-hq-01.contoso.example"),
	field("scannerAgent.lastSeen", "3 minutes ago", "3 minutes ago"), field("credential", "kept", "kept"),
}}

// deletion returns the deletion of a scan.
func deletion(name string) confirm.Subject {
	return confirm.Subject{Title: name, Fields: []confirm.Field{field("id", "0cb1e29c-0000-4000-8000-000000000001", ""), field("scanName", name, ""),
		field("target", "203.0.113.1-203.0.113.6", ""), field("addresses", "6 addresses", ""), field("intervalInHours", "24", ""), field("credential", "as stored in Defender", "")}}
}

// addition returns a new scan.
func addition(name string) confirm.Subject {
	return confirm.Subject{Title: name, Fields: []confirm.Field{field("scanName", "", name), field("target", "", "192.0.2.32"), field("addresses", "", "1 address"),
		field("intervalInHours", "", "8"), field("scanAuthenticationParams.type", "", "AuthPriv"), field("scanAuthenticationParams.username", "", `scan, "admin"`)}}
}

// rename returns an update of one field.
func rename(name, what, before, after string) confirm.Subject {
	return confirm.Subject{Title: name, Fields: []confirm.Field{field("id", "x", "x"), field("scanName", name, name), field(what, before, after)}}
}

// listedHistory has a change of every status.
func listedHistory() readHistory {
	waiting := listedChange("C7D9FG", "14:02", confirm.Pending, coreSwitches)
	several := listedChange("K2M8QT", "14:05", confirm.Pending, deletion("a"), deletion("b"), deletion("c"))
	several.Needed, several.Requester = 2, "slack:T024BE7LD/U024BE7LH"
	several.Decisions = []confirm.Decision{{Person: "grace", Principal: "token:grace", Approve: true}}
	unknown := listedChange("T9H3JD", "11:52", confirm.Unknown, addition("Plant floor switches"))
	unknown.Outcome = confirm.Outcome{State: confirm.Unknown, Reason: "Defender's answer never came", Next: "look in Defender before you propose it again"}
	denied := listedChange("Q3R6GM", "10:15", confirm.Denied, deletion("Old lab"))
	denied.Decisions = []confirm.Decision{{Principal: "token:grace", Name: "Linus", Reason: "Still in use until \x1b[2J\"Friday\"."}}
	failed := listedChange("H6J7KP", "09:20", confirm.Failed, addition("Guest \u202ewireless 東京"))
	failed.Outcome = confirm.Outcome{State: confirm.Failed, Reason: "Defender answered 403: nothing changed"}
	read := readHistory{more: true, changes: []confirm.Change{
		several, waiting,
		listedChange("P4W6XA", "12:40", confirm.Applied, rename("Finance servers", "isActive", "true", "false")), unknown,
		listedChange("A7N4EF", "11:31", confirm.Stale, rename("Branch routers with a name that is much too long for one line", "target", "192.0.2.1", "192.0.2.2")),
		denied, listedChange("W9X4YC", "09:58", confirm.Pending, rename("Core switches", "intervalInHours", "4", "8")), failed,
		listedChange("B1C4YC", "2026-11-28 23:10:00", confirm.Withdrawn, deletion("Yesterday's")),
		listedChange("D2C4YC", "2026-11-02 08:00:00", confirm.Executing, rename("Older", "isActive", "false", "true")),
	}}
	for _, c := range read.changes {
		read.ids = append(read.ids, c.ID)
	}
	read.ids = append(read.ids, "01KB8Q2M7T4V9X1Z3B5D"+"C7D9FG", "01KB8Q2M7T4V9X1Z3B6D"+"OTHERS")
	return read
}

var listedNames = map[confirm.Principal]string{"token:ada": "Ada Lindqvist", "token:grace": "Grace"}

// TestChangesList: the list is grouped by open and day, shows the tenant and what a reader must know, and each id by as much of
// its end as is unique. Text of Defender and of people cannot emit escape sequences.
func TestChangesList(t *testing.T) {
	t.Parallel()
	checkGolden(t, "changes", func(p *terminal.Printer) {
		newChangeList(p, changeFilter{names: listedNames}, listedAt).print(listedHistory())
	})
	several := listedHistory()
	several.changes, several.more = several.changes[:2], false
	several.changes[0].Target = "fabrikam.example"
	checkGolden(t, "changes-tenants", func(p *terminal.Printer) {
		newChangeList(p, changeFilter{open: true, names: listedNames}, listedAt).print(several)
	})
}

// TestChangesShowsOne: one change is shown with its plan, its history from the audit log, the request and never the code.
func TestChangesShowsOne(t *testing.T) {
	t.Parallel()
	c := listedChange("C7D9FG", "14:03", confirm.Applied, coreSwitches)
	c.Warnings = []string{`target: already covered: 192.0.2.32-192.0.2.33 by "Branch switches"; a device scanned twice shows up twice`}
	c.Outcome = confirm.Outcome{State: confirm.Applied, Reason: "Defender answered 200", Next: "Nothing more is needed."}
	at := func(seconds int) time.Time { return c.Created.Add(time.Duration(seconds) * time.Second) }
	log := []store.LogEntry{
		{N: 1284, Time: at(0), Event: "proposed", Via: confirm.SourceHTTP},
		{N: 1285, Time: at(60), Event: "noted", Note: "asked in #scan-changes"},
		{N: 1286, Time: at(389), Event: "approved", Decision: &confirm.Decision{Principal: "token:grace", Name: "Grace Okafor", Approve: true, Channel: confirm.Slack, Reason: "Agreed \x1b]0;x\x07with the \"network\" team."}},
		{N: 1287, Time: at(390), Event: "executing", Owner: "host-1"},
		{N: 1289, Time: at(391), Event: "applied", Outcome: &c.Outcome},
	}
	checkGolden(t, "change", func(p *terminal.Printer) {
		changePage{Printer: p, change: c, names: listedNames, zone: time.UTC, now: listedAt}.print(log)
	})
	open := listedChange("K2M8QT", "14:05", confirm.Pending, deletion("Aarhus lab"), deletion("Basel \"lab\""))
	checkGolden(t, "change-open", func(p *terminal.Printer) {
		changePage{Printer: p, change: open, names: listedNames, zone: time.UTC, now: listedAt}.print(log[:1])
	})
	add := listedChange("T9H3JD", "14:05", confirm.Pending, addition("Plant floor switches"))
	checkGolden(t, "change-add", func(p *terminal.Printer) {
		changePage{Printer: p, change: add, names: listedNames, zone: time.UTC, now: listedAt}.print(nil)
	})
}
