package server

import (
	"scanwarden/confirm"
	"scanwarden/confirm/store"
	confirmweb "scanwarden/confirm/web"
)

// eventWords names the entries of the audit log for people. States that are not listed have no entry of their own.
var eventWords = map[string]struct{ what, kind string }{
	"proposed":                {"Proposed", ""},
	"asked again":             {"Asked again", ""},
	"noted":                   {"Noted", ""},
	"baseline":                {"Scans that exist recorded before sending", ""},
	string(confirm.Approved):  {"Approved", "good"},
	string(confirm.Executing): {"Sending to Defender", ""},
	string(confirm.Applied):   {"Applied", "good"},
	string(confirm.Denied):    {"Denied", "harm"},
	string(confirm.Failed):    {"Failed", "harm"},
	string(confirm.Unknown):   {"Outcome unknown", "warn"},
	string(confirm.Stale):     {"Stale: the scan was changed elsewhere", "warn"},
	string(confirm.Expired):   {"Expired", "warn"},
	string(confirm.Withdrawn): {"Withdrawn", ""},
}

// timelineOf returns what the audit log has about a change as the events of its page.
func timelineOf(entries []store.LogEntry, c confirm.Change) []confirmweb.Event {
	events := make([]confirmweb.Event, 0, len(entries))
	for _, e := range entries {
		words, known := eventWords[e.Event]
		event := confirmweb.Event{At: e.Time, What: words.what, Kind: words.kind, Note: e.Note}
		if !known {
			event.What = e.Event
		}
		if e.Event == "proposed" {
			event.What, event.Note = "Proposed by "+string(c.Requester), "through "+e.Via
		}
		if e.Decision != nil {
			event = confirmweb.DecisionEvent(*e.Decision)
		}
		if e.Outcome != nil && e.Outcome.Reason != "" {
			event.Note = e.Outcome.Reason
		}
		events = append(events, event)
	}
	return events
}
