package store

import (
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"scanwarden/confirm"
)

// ocsfVersion is the version of the Open Cybersecurity Schema Framework that exported events follow.
const ocsfVersion = "1.8.0"

// Classes and activities of OCSF.
const (
	entityManagement = 3004
	apiActivity      = 6003
	activityCreate   = 1
	activityUpdate   = 3
	activityDelete   = 4
	activityOther    = 99
)

// maxOCSFText bounds the characters of an event's message, which users and Defender have written.
const maxOCSFText = 500

// ocsfEvent is an entry of the log for a SIEM. It has no part of the request. Free text is last.
type ocsfEvent struct {
	CategoryUID  int          `json:"category_uid"`
	ClassUID     int          `json:"class_uid"`
	ActivityID   int          `json:"activity_id"`
	TypeUID      int          `json:"type_uid"`
	SeverityID   int          `json:"severity_id"`
	Time         int64        `json:"time"` // milliseconds since 1970
	StatusID     int          `json:"status_id"`
	StatusDetail string       `json:"status_detail"`
	Metadata     ocsfMetadata `json:"metadata"`
	Actor        ocsfActor    `json:"actor"`
	Entity       *ocsfEntity  `json:"entity,omitempty"`       // set for entity management
	API          *ocsfAPI     `json:"api,omitempty"`          // set for API activity
	SrcEndpoint  *ocsfName    `json:"src_endpoint,omitempty"` // set for API activity, which requires it
	Unmapped     ocsfUnmapped `json:"unmapped"`
	Message      string       `json:"message"`
}

type ocsfMetadata struct {
	Version        string      `json:"version"`
	Product        ocsfProduct `json:"product"`
	UID            string      `json:"uid"`
	CorrelationUID string      `json:"correlation_uid,omitempty"`
	Sequence       int64       `json:"sequence"`
}

type ocsfProduct struct {
	Name       string `json:"name"`
	VendorName string `json:"vendor_name"`
}

type ocsfActor struct {
	User ocsfUser `json:"user"`
}

type ocsfUser struct {
	UID  confirm.Principal `json:"uid"`
	Name string            `json:"name,omitempty"`
}

type ocsfEntity struct {
	UID  string `json:"uid"`
	Type string `json:"type"`
}

type ocsfAPI struct {
	Operation string `json:"operation"`
}

type ocsfName struct {
	Name string `json:"name"`
}

type ocsfUnmapped struct {
	Event     string            `json:"event"`
	Operation string            `json:"operation,omitempty"`
	Target    string            `json:"target,omitempty"`
	Digest    string            `json:"digest,omitempty"`
	Requester confirm.Principal `json:"requester,omitempty"`
	Channel   confirm.Channel   `json:"channel,omitempty"`
	LinkedTo  confirm.Principal `json:"linked_to,omitempty"`
}

// newOCSFEvent returns the event of entry e, whose line in the log is line. A proposal is 300401, a decision or another end
// without an execution 300403, an execution 6003, and anything else 300499.
func newOCSFEvent(e entry, line string) ocsfEvent {
	event := ocsfEvent{
		CategoryUID: 3, ClassUID: entityManagement, SeverityID: 1, Time: e.Time.UnixMilli(), StatusID: 1, StatusDetail: e.Event,
		Metadata: ocsfMetadata{
			Version: ocsfVersion, Product: ocsfProduct{"scanwarden", "scanwarden"},
			UID: tlog.RecordHash([]byte(line)).String(), CorrelationUID: e.Change, Sequence: e.N,
		},
		Actor:    ocsfActor{ocsfUser{UID: e.Requester}},
		Entity:   &ocsfEntity{UID: e.Change, Type: "change"},
		Unmapped: ocsfUnmapped{Event: e.Event, Operation: e.Operation, Target: e.Target, Digest: e.Digest, Requester: e.Requester},
		Message:  e.Note,
	}
	event.ActivityID = activityOther
	switch {
	case e.Link != nil:
		event.Actor.User, event.Entity = ocsfUser{e.Link.From, shortenText(e.Link.Name)}, &ocsfEntity{string(e.Link.From), "account link"}
		event.Unmapped.LinkedTo = e.Link.To
	case e.Proposed != nil:
		event.ActivityID = activityCreate
	case e.Decision != nil:
		event.setDecision(*e.Decision)
	case isSettled(e.To) && e.Event == string(e.To) || e.To == confirm.Unknown && e.From == confirm.Executing:
		event.setEnd(e)
	}
	event.TypeUID = event.ClassUID*100 + event.ActivityID
	event.Message = shortenText(event.Message)
	return event
}

// setDecision makes the event one of a decision.
func (o *ocsfEvent) setDecision(d confirm.Decision) {
	o.ActivityID, o.StatusDetail = activityUpdate, "approved"
	if !d.Approve {
		o.StatusID, o.StatusDetail = 2, "declined"
	}
	o.Actor.User, o.Unmapped.Channel, o.Message = ocsfUser{d.Principal, shortenText(d.Name)}, d.Channel, d.Reason
}

// setEnd makes the event one of an execution, or of a change that ended without one.
func (o *ocsfEvent) setEnd(e entry) {
	o.StatusID, o.ActivityID = 2, activityUpdate
	if e.Outcome != nil {
		o.Message = e.Outcome.Reason
	}
	if e.From != confirm.Executing && e.From != confirm.Unknown {
		return
	}
	o.CategoryUID, o.ClassUID, o.Entity = 6, apiActivity, nil
	o.API, o.SrcEndpoint = &ocsfAPI{e.Operation}, &ocsfName{"scanwarden"}
	switch {
	case strings.HasPrefix(e.Operation, "add_"):
		o.ActivityID = activityCreate
	case strings.HasPrefix(e.Operation, "delete_"):
		o.ActivityID = activityDelete
	}
	switch e.To {
	case confirm.Applied:
		o.StatusID = 1
	case confirm.Unknown:
		o.StatusID = 0
	}
}

// shortenText returns at most maxOCSFText characters of text.
func shortenText(text string) string {
	if runes := []rune(text); len(runes) > maxOCSFText {
		return string(runes[:maxOCSFText-1]) + "…"
	}
	return text
}
