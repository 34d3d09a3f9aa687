package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/server"
	"scanwarden/confirm"
	"scanwarden/confirm/store"
	"scanwarden/slackbot"
	"scanwarden/tools"
	"scanwarden/tools/mcpserver/auth"
)

// checkCallers checks whether `scanwarden serve` could authenticate its callers.
func checkCallers(ctx context.Context, c *Checker) []config.Finding {
	address, err := net.ResolveTCPAddr("tcp", c.cfg.ListenAddress())
	if err != nil {
		return []config.Finding{config.Problem("http.listen (SCANWARDEN_LISTEN): "+err.Error(), "Write HOST:PORT, such as 127.0.0.1:8484.")}
	}
	tokens, err := c.server.ReadTokenHashes(ctx)
	if err != nil {
		return []config.Finding{problemFrom(err)}
	}
	auth, err := c.cfg.ResolveHTTPAuth(address, len(tokens))
	switch {
	case err != nil && c.cfg.HTTP.Auth == "" && len(tokens) == 0:
		return []config.Finding{config.Note("`serve` would not start: "+err.Error(), "`stdio` needs nothing.")}
	case err != nil:
		return []config.Finding{problemFrom(err)}
	}
	if err := c.cfg.CheckServeAuth(); err != nil {
		return []config.Finding{problemFrom(err)}
	}
	if strings.HasPrefix(auth, "entra") {
		return c.checkEntraCallers(ctx, address)
	}
	return []config.Finding{config.Pass("%s", describeAuth(auth, len(tokens)))}
}

// describeAuth returns how callers authenticate.
func describeAuth(auth string, tokens int) string {
	switch {
	case auth == "none":
		return "every user of this machine is accepted"
	case tokens > 0:
		return config.Plural(tokens, "bearer token")
	case auth == "slack":
		return "Slack's assistant, by Slack's signature"
	}
	return "no caller is accepted at /mcp; only Slack is served"
}

// checkEntraCallers checks the configuration that verifies callers' Entra tokens.
func (c *Checker) checkEntraCallers(ctx context.Context, address *net.TCPAddr) []config.Finding {
	callers := c.cfg.EntraAuthConfig(c.cfg.ResourceURL(address))
	if _, err := auth.Entra(ctx, callers); err != nil {
		return []config.Finding{problemFrom(err)}
	}
	out := []config.Finding{config.Pass("tokens of tenant %s for app %s; the app's identifier URI must be %s", callers.TenantID, callers.ClientID, callers.Resource)}
	if c.cfg.HTTP.PublicURL == "" {
		out = append(out, config.Note("http.public_url (SCANWARDEN_PUBLIC_URL) is not set: clients elsewhere receive a loopback address", "Set it to the URL that they use."))
	}
	if len(callers.Clients) == 0 && c.cfg.Policy.SelfApproval && slices.Contains(c.cfg.Channels(), confirm.Client) {
		out = append(out, config.Note("any client application of the tenant may propose on behalf of an approver and answer its own prompt",
			"Name the clients that may call in http.clients, or confirm in Slack only (SCANWARDEN_CONFIRM_WITH)."))
	}
	return out
}

// checkSlack asks Slack for the app's identity and permissions.
func checkSlack(ctx context.Context, c *Checker) []config.Finding {
	if !c.cfg.SlackConfigured() {
		return []config.Finding{config.Pass("not configured")}
	}
	cfg, err := server.SlackConfig(c.cfg)
	if err != nil {
		return []config.Finding{problemFrom(err)}
	}
	tools.Progress(ctx, "asking Slack who the app is")
	found, err := slackbot.CheckHealth(ctx, cfg)
	if err != nil {
		return []config.Finding{problemFrom(err)}
	}
	out := []config.Finding{config.Pass("app %s in workspace %s", sanitizeText(found.Bot), sanitizeText(found.Team))}
	if len(found.Missing) > 0 {
		out = append(out, config.Problem("the bot token lacks the scopes "+sanitizeText(strings.Join(found.Missing, ", ")),
			"Print the manifest with `scanwarden manifest`, update the app with it, and install the app again."))
	}
	if len(found.Idle) > 0 {
		out = append(out, config.Note("the bot token has scopes that nothing here uses: "+sanitizeText(strings.Join(found.Idle, ", ")), "Remove them."))
	}
	if found.Socket != nil {
		out = append(out, config.Problem("no socket could be opened: "+sanitizeText(found.Socket.Error()),
			"Set SLACK_APP_TOKEN to an app-level token (xapp-) with the scope connections:write, and turn socket mode on."))
	}
	return out
}

// countEntries returns "1 entry" or "2 entries".
func countEntries(n int64) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

// checkStore opens the ledger, checks its key and log, and reports changes with an unknown outcome.
func checkStore(ctx context.Context, c *Checker) []config.Finding {
	ledger, err := server.OpenStore(ctx, c.cfg, c.env)
	if errors.Is(err, server.ErrNoStore) {
		return c.checkStoreLocation()
	}
	if err != nil {
		return []config.Finding{problemFrom(err)}
	}
	defer ledger.Close()
	if err := cmp.Or(ledger.Ping(ctx), ledger.CheckKey(ctx), ledger.CheckHead(ctx)); err != nil {
		return []config.Finding{problemFrom(err)}
	}
	open, err := ledger.Changes(ctx, confirm.Filter{States: []confirm.State{confirm.Unknown, confirm.Executing}})
	if err != nil {
		return []config.Finding{problemFrom(err)}
	}
	tools.Progress(ctx, "replaying the audit log")
	head, err := ledger.Verify(ctx)
	if err != nil {
		return []config.Finding{config.Problem(err.Error(), "The ledger may have been altered: compare it with a backup before another change is confirmed.")}
	}
	out := []config.Finding{config.Pass("opens, its key fits, and its log of %s holds", countEntries(head.Entries))}
	settings, err := ledger.ServerSettings(ctx)
	if err != nil {
		return append(out, problemFrom(err))
	}
	out = append(out, checkServerSettings(settings)...)
	for _, change := range open {
		if change.State == confirm.Unknown {
			out = append(out, config.Note(fmt.Sprintf("change %s ended unknown", change.ID), "See `scanwarden changes "+change.ID+"`, and look in the Defender portal."))
		}
	}
	return out
}

// checkStoreLocation checks whether the first server could create the ledger.
func (c *Checker) checkStoreLocation() []config.Finding {
	where, err := server.StoreConfig(c.cfg, c.env)
	if err == nil {
		err = store.CheckLocation(where)
	}
	if err != nil {
		return []config.Finding{problemFrom(err)}
	}
	return []config.Finding{config.Pass("none yet: the first server creates it")}
}
