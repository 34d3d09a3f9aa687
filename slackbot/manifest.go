package slackbot

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"scanwarden/slackbot/internal/blocks"
	"scanwarden/slackbot/internal/form"
	"scanwarden/tools"
)

// appManifest is an app manifest as Slack reads it (https://docs.slack.dev/reference/app-manifest). The type in
// slack-go writes empty objects, which Slack rejects.
type appManifest struct {
	Metadata struct {
		Major int `json:"major_version"`
		Minor int `json:"minor_version"`
	} `json:"_metadata"`
	Display struct {
		Name        string `json:"name"`
		Description string `json:"description"`
	} `json:"display_information"`
	Features struct {
		Bot struct {
			Name   string `json:"display_name"`
			Always bool   `json:"always_online"`
		} `json:"bot_user"`
		Home struct {
			Home     bool `json:"home_tab_enabled"`
			Messages bool `json:"messages_tab_enabled"`
			ReadOnly bool `json:"messages_tab_read_only_enabled"`
		} `json:"app_home"`
		Commands []manifestCommand `json:"slash_commands"`
	} `json:"features"`
	OAuth struct {
		Scopes struct {
			Bot []string `json:"bot"`
		} `json:"scopes"`
	} `json:"oauth_config"`
	Settings manifestSettings             `json:"settings"`
	Servers  map[string]manifestAssistant `json:"mcp_servers,omitempty"`
}

// manifestAssistant is an MCP server that Slack's assistant calls (docs.slack.dev/ai/slackbot-mcp-client).
type manifestAssistant struct {
	URL  string `json:"url"`
	Auth string `json:"auth_type"`
}

type manifestCommand struct {
	Command     string `json:"command"`
	URL         string `json:"url,omitempty"`
	Description string `json:"description"`
	Hint        string `json:"usage_hint"`
	Escape      bool   `json:"should_escape"` // users and channels arrive as IDs
}

type manifestSettings struct {
	Events struct {
		URL    string   `json:"request_url,omitempty"`
		Events []string `json:"bot_events"`
	} `json:"event_subscriptions"`
	Interactivity struct {
		Enabled bool   `json:"is_enabled"`
		URL     string `json:"request_url,omitempty"`
		Options string `json:"message_menu_options_url,omitempty"`
	} `json:"interactivity"`
	Org    bool `json:"org_deploy_enabled"`
	Socket bool `json:"socket_mode_enabled"`
	Rotate bool `json:"token_rotation_enabled"`
}

// Manifest returns the app manifest for cfg, as JSON. url is the public base URL, or "" in socket mode. It needs no
// tokens, because the manifest is used before the app exists.
func Manifest(cfg Config, url string) ([]byte, error) {
	if _, err := commandNames(cfg); err != nil {
		return nil, err
	}
	if url != "" && !strings.HasPrefix(url, "https://") {
		return nil, fmt.Errorf("slack: the public URL %q does not begin with https://, and Slack calls no other; use socket mode instead", url)
	}
	var m appManifest
	m.Metadata.Major, m.Metadata.Minor = 2, 1
	m.Display.Name, m.Features.Bot.Name = "scanwarden", "scanwarden"
	m.Display.Description = appDescription(cfg)
	m.Features.Home.Home, m.Features.Home.Messages, m.Features.Home.ReadOnly = true, true, true
	m.OAuth.Scopes.Bot = requiredScopes(cfg)
	m.Settings.Socket = url == ""
	m.Settings.Interactivity.Enabled = true
	m.Settings.Events.Events = []string{"app_home_opened"}
	command := ""
	if url != "" {
		base := strings.TrimSuffix(url, "/") + "/slack/"
		command = base + "command"
		m.Settings.Interactivity.URL, m.Settings.Interactivity.Options = base+"interaction", base+"interaction"
		m.Settings.Events.URL = base + "interaction"
	}
	var err error
	if m.Servers, err = manifestServers(cfg); err != nil {
		return nil, err
	}
	if m.Features.Commands, err = manifestCommands(cfg, command); err != nil {
		return nil, err
	}
	return json.MarshalIndent(m, "", "  ")
}

// requiredScopes returns exactly the scopes that the calls of the bot need.
func requiredScopes(cfg Config) []string {
	all := []string{"commands", "chat:write", "im:write", "users:read"}
	if slices.ContainsFunc(slices.Concat(cfg.Approvers, cfg.Requesters), func(p string) bool { return strings.HasPrefix(p, groupPrefix) }) {
		all = append(all, "usergroups:read")
	}
	if cfg.MatchEmail {
		all = append(all, "users:read.email")
	}
	if cfg.Assistant != "" {
		all = append(all, "mcp:connect")
	}
	return all
}

// appDescription returns what users read about the app, at most 140 characters.
func appDescription(cfg Config) string {
	if !slices.ContainsFunc(cfg.Operations, func(op tools.Operation) bool { return op.Effect == tools.Proposes }) {
		return "Lists the authenticated scans in Microsoft Defender, and changes nothing."
	}
	return "Adds, updates and deletes authenticated scans in Microsoft Defender, once a person has confirmed."
}

// manifestServers returns our MCP server for Slack's assistant, which calls it over the internet. It returns nil if
// Config.Assistant is not set.
func manifestServers(cfg Config) (map[string]manifestAssistant, error) {
	if cfg.Assistant == "" {
		return nil, nil
	}
	if !strings.HasPrefix(cfg.Assistant, "https://") {
		return nil, errors.New("slack: Slack's assistant calls PUBLIC_URL/mcp over https; set http.public_url (SCANWARDEN_PUBLIC_URL)")
	}
	return map[string]manifestAssistant{"scanwarden": {URL: cfg.Assistant, Auth: "slack_identity_auth"}}, nil
}

// manifestCommands returns the slash commands of cfg.
func manifestCommands(cfg Config, url string) ([]manifestCommand, error) {
	hint := "[filter | history NAME | changes | help]"
	if cfg.LinkPage != "" {
		hint = "[filter | history NAME | changes | " + linkSubcommand + " | help]"
	}
	out := []manifestCommand{{
		Command: cfg.commandFor(scansCommand), URL: url, Escape: true,
		Description: "List Defender's authenticated scans, their runs, or your open changes.",
		Hint:        hint,
	}}
	for _, op := range cfg.Operations {
		if op.Effect != tools.Proposes {
			continue
		}
		f, err := form.New(op)
		if err != nil {
			return nil, fmt.Errorf("form of %s: %w", op.Name, err)
		}
		out = append(out, manifestCommand{
			Command: cfg.commandFor(op.Name), URL: url, Escape: true,
			Description: blocks.Truncate(op.Description, 2000), Hint: blocks.Truncate("["+f.Example()+"]", 1000),
		})
	}
	if len(out) > 50 {
		return nil, fmt.Errorf("slack: %d commands are more than the 50 that Slack takes", len(out))
	}
	return out, nil
}
