package slacktest

import (
	"maps"
	"slices"
)

// Methods that read the workspace: the app's identity, users, groups, channels.

func (s *Server) authTest(*request) (object, error) {
	o := object{
		"url": "https://test.slack.com/", "team": "Test", "user": botName, "team_id": s.options.Team,
		"user_id": botUser, "bot_id": botID, "is_enterprise_install": false,
	}
	if s.options.Enterprise != "" {
		o["enterprise_id"] = s.options.Enterprise
	}
	return o, nil
}

func (s *Server) teamInfo(*request) (object, error) {
	return object{"team": object{"id": s.options.Team, "name": "Test", "domain": "test", "email_domain": ""}}, nil
}

func (s *Server) userInfo(r *request) (object, error) {
	u, ok := s.users[r.args["user"]]
	if !ok {
		return nil, newAPIError("user_not_found")
	}
	return object{"user": s.userObject(u, s.hasScope("users:read.email"))}, nil
}

func (s *Server) listUsers(*request) (object, error) {
	members := []object{}
	for _, id := range slices.Sorted(maps.Keys(s.users)) {
		members = append(members, s.userObject(s.users[id], s.hasScope("users:read.email")))
	}
	return object{"members": members, "response_metadata": object{"next_cursor": ""}}, nil
}

func (s *Server) userByEmail(r *request) (object, error) {
	for _, id := range slices.Sorted(maps.Keys(s.users)) {
		u := s.users[id]
		if u.Email != "" && u.Email == r.args["email"] && !u.Deleted && u.Team == s.options.Team {
			return object{"user": s.userObject(u, true)}, nil
		}
	}
	return nil, newAPIError("users_not_found")
}

func (s *Server) groupMembers(r *request) (object, error) {
	members, ok := s.groups[r.args["usergroup"]]
	if !ok {
		return nil, newAPIError("no_such_subteam")
	}
	return object{"users": s.activeMembers(members)}, nil
}

// activeMembers returns members without deleted users: deactivation removes users from their groups.
func (s *Server) activeMembers(members []string) []string {
	deleted := func(id string) bool { return s.users[id].Deleted }
	return slices.DeleteFunc(append([]string{}, members...), deleted)
}

func (s *Server) listGroups(r *request) (object, error) {
	groups := []object{}
	for _, id := range slices.Sorted(maps.Keys(s.groups)) {
		members := s.activeMembers(s.groups[id])
		g := object{"id": id, "team_id": s.options.Team, "is_usergroup": true, "is_subteam": true, "name": id,
			"handle": "group-" + id, "is_external": false, "date_delete": 0, "user_count": len(members)}
		if r.args["include_users"] == "true" {
			g["users"] = members
		}
		groups = append(groups, g)
	}
	return object{"usergroups": groups}, nil
}

func (s *Server) channelInfo(r *request) (object, error) {
	c, ok := s.conversations[r.args["channel"]]
	if !ok {
		return nil, newAPIError("channel_not_found")
	}
	return object{"channel": c.toJSON()}, nil
}

func (c *conversation) toJSON() object {
	o := object{"id": c.id, "is_im": c.dmUser != "", "is_archived": c.archived}
	if c.dmUser != "" {
		o["user"] = c.dmUser
		return o
	}
	o["name"], o["is_channel"], o["is_private"], o["is_member"] = c.name, true, false, c.members[botUser]
	return o
}

func (s *Server) channelMembers(r *request) (object, error) {
	c, ok := s.conversations[r.args["channel"]]
	if !ok {
		return nil, newAPIError("channel_not_found")
	}
	return object{"members": slices.Sorted(maps.Keys(c.members)), "response_metadata": object{"next_cursor": ""}}, nil
}

// openDM opens direct messages with one user. With several users Slack would open a group. Our app never needs one,
// so the fake refuses it.
func (s *Server) openDM(r *request) (object, error) {
	users := splitList(r.args["users"])
	if len(users) == 0 {
		return nil, newAPIError("users_list_not_supplied")
	}
	if len(users) > 1 {
		return nil, newAPIError("too_many_users", "this fake opens direct messages with one person only")
	}
	u, ok := s.users[users[0]]
	switch {
	case !ok:
		return nil, newAPIError("user_not_found")
	case u.Deleted:
		return nil, newAPIError("user_disabled")
	case u.Bot:
		return nil, newAPIError("cannot_dm_bot")
	case u.Team != s.options.Team:
		return nil, newAPIError("user_not_visible")
	}
	c := s.dmWith(u.ID)
	if r.args["return_im"] == "true" {
		return object{"channel": c.toJSON(), "no_op": false, "already_open": false}, nil
	}
	return object{"channel": object{"id": c.id}, "no_op": false, "already_open": false}, nil
}
