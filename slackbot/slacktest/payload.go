package slacktest

import (
	"fmt"
	"unicode/utf8"
)

// Payloads for the app, in the shapes of Slack's payload reference.

const verificationToken = "deprecated-verification-token"

func (s *Server) commandPayload(u User, c *conversation, command, text string) object {
	o := object{
		"token": verificationToken, "team_id": u.Named, "team_domain": "test", "channel_id": c.id, "channel_name": c.name,
		"user_id": u.ID, "user_name": u.Name, "command": command, "text": text, "api_app_id": appID,
		"is_enterprise_install": "false", "trigger_id": s.newTrigger(u.ID, ""), "response_url": s.newResponseURL(u.ID, c.id, nil),
	}
	if s.options.Enterprise != "" {
		o["enterprise_id"], o["enterprise_name"] = s.options.Enterprise, "Test"
	}
	return o
}

// interactionPayload returns the fields that all interactions have. The team is the one where the app is installed.
// The user's team may differ; on Enterprise Grid it is the organization.
func (s *Server) interactionPayload(kind string, u User) object {
	user := object{"id": u.ID, "username": u.Name, "name": u.Name, "team_id": u.Named}
	o := object{
		"type": kind, "token": verificationToken, "api_app_id": appID, "enterprise": nil, "is_enterprise_install": false,
		"team": object{"id": s.options.Team, "domain": "test"}, "user": user,
	}
	if org := s.options.Enterprise; org != "" {
		o["enterprise"] = object{"id": org, "name": "Test"}
		if u.Team == s.options.Team {
			user["team_id"] = org
		}
	}
	return o
}

func (s *Server) clickPayload(u User, c *conversation, m Message, action object) object {
	p := s.findMessage(m.Channel, m.TS)
	o := s.interactionPayload("block_actions", u)
	container := object{"type": "message", "message_ts": m.TS, "channel_id": m.Channel, "is_ephemeral": m.Ephemeral}
	if m.ThreadTS != "" {
		container["thread_ts"] = m.ThreadTS
	}
	o["container"] = container
	o["channel"] = object{"id": c.id, "name": c.name}
	if p != nil && !m.Ephemeral { // Slack does not repeat an ephemeral message
		o["message"] = p.toJSON(s.options.Team)
	}
	o["state"] = object{"values": object{}}
	o["trigger_id"] = s.newTrigger(u.ID, "")
	o["response_url"] = s.newResponseURL(u.ID, c.id, p)
	action["action_ts"] = s.nextTS()
	o["actions"] = []object{action}
	return o
}

func (s *Server) viewClickPayload(u User, v *openView, action object) (object, error) {
	values, err := v.stateValues(nil)
	if err != nil {
		return nil, err
	}
	root := v.root
	if v.content["type"] == "home" {
		root = ""
	}
	o := s.interactionPayload("block_actions", u)
	o["container"] = object{"type": "view", "view_id": v.id}
	o["view"] = s.viewObject(v, values)
	o["trigger_id"] = s.newTrigger(u.ID, root)
	action["action_ts"] = s.nextTS()
	o["actions"] = []object{action}
	return o, nil
}

func (s *Server) submitPayload(u User, v *openView, filled map[string]any) (object, error) {
	values, err := v.stateValues(filled)
	if err != nil {
		return nil, err
	}
	if err := v.checkRequired(values); err != nil {
		return nil, err
	}
	o := s.interactionPayload("view_submission", u)
	o["view"] = s.viewObject(v, values)
	o["trigger_id"] = s.newTrigger(u.ID, v.root)
	o["response_urls"] = []object{}
	return o, nil
}

func (s *Server) closePayload(u User, v *openView) object {
	values, _ := v.stateValues(nil) // the initial values were checked when the view opened
	o := s.interactionPayload("view_closed", u)
	o["view"] = s.viewObject(v, values)
	o["is_cleared"] = v.content["clear_on_close"] == true
	return o
}

func (s *Server) suggestPayload(u User, v *openView, blockID, query string) (object, error) {
	e, err := v.externalSelect(blockID)
	if err != nil {
		return nil, err
	}
	least := 3.0 // Slack's default
	if n, ok := e["min_query_length"].(float64); ok {
		least = n
	}
	if utf8.RuneCountInString(query) < int(least) {
		return nil, fmt.Errorf("its min_query_length is %v", least)
	}
	values, err := v.stateValues(nil)
	if err != nil {
		return nil, err
	}
	o := s.interactionPayload("block_suggestion", u)
	o["container"] = object{"type": "view", "view_id": v.id}
	o["view"] = s.viewObject(v, values)
	o["block_id"], o["action_id"], o["value"] = blockID, e["action_id"], query
	return o, nil
}

func (s *Server) homePayload(u User) object {
	event := object{"type": "app_home_opened", "user": u.ID, "channel": s.dmWith(u.ID).id, "tab": "home", "event_ts": s.nextTS()}
	if v := s.homes[u.ID]; v != nil {
		event["view"] = s.viewObject(v, object{})
	}
	return object{
		"token": verificationToken, "team_id": s.options.Team, "api_app_id": appID, "type": "event_callback",
		"event": event, "event_id": s.nextID("Ev"), "event_time": s.options.Now().Unix(), "is_ext_shared_channel": false,
		"authorizations": []object{{"enterprise_id": nil, "team_id": s.options.Team, "user_id": botUser, "is_bot": true,
			"is_enterprise_install": false}},
	}
}
