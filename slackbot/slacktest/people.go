package slacktest

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// A User is a Slack account. Only ID is required.
type User struct {
	ID, Name, Email string
	Team            string // "" means the workspace; another team means a user from a shared channel
	Named           string // team that payloads name for this user; "" means Team
	Bot             bool
	App, Workflow   bool // is_app_user; is_workflow_bot
	Connector       bool // is_connector_bot
	Guest           bool // is_restricted: several channels
	UltraGuest      bool // is_ultra_restricted: one channel; such a user is is_restricted as well
	Deleted         bool
	Stranger        bool // is_stranger: from another team, without a shared channel with the app
	Unconfirmed     bool // is_email_confirmed is false: the address may belong to another person
}

// AddUser adds a user or replaces the user with this ID.
func (s *Server) AddUser(u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.Name, u.Team = cmp.Or(u.Name, strings.ToLower(u.ID)), cmp.Or(u.Team, s.options.Team)
	u.Named = cmp.Or(u.Named, u.Team)
	s.users[u.ID] = u
	s.notifyWaiters()
}

// A conversation is a public channel (C...), or the direct messages between the app and one user (D...).
type conversation struct {
	id, name string
	members  map[string]bool
	dmUser   string // the user of direct messages; "" for a channel
	archived bool
}

// AddChannel adds a channel with these members and the app's bot. [Server.Leave] removes a member.
func (s *Server) AddChannel(id string, members ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &conversation{id: id, name: "channel-" + strings.ToLower(id), members: map[string]bool{botUser: true}}
	for _, m := range members {
		c.members[m] = true
	}
	s.conversations[id] = c
	s.notifyWaiters()
}

// Leave removes a user, or the bot, from a channel.
func (s *Server) Leave(channel, user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.conversations[channel]; c != nil {
		delete(c.members, user)
	}
}

// SetArchived archives a channel, or ends that.
func (s *Server) SetArchived(channel string, archived bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.conversations[channel]; c != nil {
		c.archived = archived
	}
	s.notifyWaiters()
}

// AddGroup adds a user group (S...) or replaces its members.
func (s *Server) AddGroup(id string, members ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups[id] = slices.Clone(members)
}

// DM returns the id (D...) of the direct messages between the app and the user. They are created on first use by
// either side.
func (s *Server) DM(user string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dmWith(user).id
}

// BotUser returns the user id of the app's bot.
func (s *Server) BotUser() string { return botUser }

func (s *Server) dmWith(user string) *conversation {
	for _, id := range slices.Sorted(maps.Keys(s.conversations)) {
		if s.conversations[id].dmUser == user {
			return s.conversations[id]
		}
	}
	c := &conversation{id: s.nextID("D"), name: "directmessage", dmUser: user, members: map[string]bool{botUser: true, user: true}}
	s.conversations[c.id] = c
	return c
}

// userObject returns a user as users.info does. The e-mail address is included only for users of this workspace.
func (s *Server) userObject(u User, withEmail bool) object {
	profile := object{"real_name": u.Name, "display_name": u.Name, "team": u.Team}
	own := u.Team == s.options.Team
	if withEmail && u.Email != "" && own {
		profile["email"] = u.Email
	}
	o := object{
		"id": u.ID, "team_id": u.Team, "name": u.Name, "real_name": u.Name, "deleted": u.Deleted, "profile": profile,
		"is_bot": u.Bot, "is_app_user": u.App, "is_restricted": u.Guest || u.UltraGuest, "is_ultra_restricted": u.UltraGuest,
		"is_admin": false, "is_owner": false, "is_primary_owner": false, "tz": "Etc/UTC", "tz_offset": 0, "updated": 1700000000,
	}
	if own && s.options.Enterprise != "" {
		o["enterprise_user"] = object{"id": u.ID, "enterprise_id": s.options.Enterprise, "enterprise_name": "Test", "teams": []string{u.Team}}
	}
	if own {
		o["is_email_confirmed"] = u.Email != "" && !u.Unconfirmed
	}
	for name, is := range map[string]bool{"is_stranger": u.Stranger, "is_workflow_bot": u.Workflow, "is_connector_bot": u.Connector} {
		if is || name == "is_stranger" && !own { // Slack omits these fields otherwise
			o[name] = is
		}
	}
	return o
}
