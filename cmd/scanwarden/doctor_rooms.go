package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"

	"scanwarden/confirm"
	"scanwarden/confirm/store"
	"scanwarden/slackbot"
	"scanwarden/tools"
	"scanwarden/tools/mcpserver/auth"
)

// lookAtCallers sees whether callers over HTTP could be told apart.
func lookAtCallers(ctx context.Context, p *patient) []finding {
	address, err := net.ResolveTCPAddr("tcp", p.cfg.listen())
	if err != nil {
		return []finding{badly("http.listen (SCANWARDEN_LISTEN): "+err.Error(), "Write HOST:PORT, such as 127.0.0.1:8484.")}
	}
	tokens, err := p.cfg.tokens(ctx, p.source())
	if err != nil {
		return []finding{bad(err)}
	}
	auth, err := p.cfg.admission(address, len(tokens))
	switch {
	case err != nil && p.cfg.HTTP.Auth == "" && len(tokens) == 0:
		return []finding{noted("`serve` would not start: "+err.Error(), "Nothing needs doing for `stdio`.")}
	case err != nil:
		return []finding{bad(err)}
	}
	if err := p.cfg.checkService(); err != nil {
		return []finding{bad(err)}
	}
	if strings.HasPrefix(auth, "entra") {
		return p.lookAtEntraCallers(ctx, address)
	}
	return []finding{ok("%s", told(auth, len(tokens)))}
}

// told says how callers prove who they are.
func told(auth string, tokens int) string {
	switch {
	case auth == "none":
		return "everybody on this machine is let in"
	case tokens > 0:
		return numbered(tokens, "bearer token")
	case auth == "slack":
		return "Slack's assistant, by Slack's signature"
	}
	return "nobody is let in at /mcp; Slack alone is served"
}

func (p *patient) lookAtEntraCallers(ctx context.Context, address *net.TCPAddr) []finding {
	callers := p.cfg.entraCallers(p.resource(address))
	if _, err := auth.Entra(ctx, callers); err != nil {
		return []finding{bad(err)}
	}
	out := []finding{ok("tokens of tenant %s for app %s; the app's identifier URI must be %s", callers.TenantID, callers.ClientID, callers.Resource)}
	if p.cfg.HTTP.PublicURL == "" {
		out = append(out, noted("http.public_url (SCANWARDEN_PUBLIC_URL) is not set: clients elsewhere are told a loopback address", "Set it to the URL that they use."))
	}
	if len(callers.Clients) == 0 && p.cfg.Policy.SelfApproval && slices.Contains(p.cfg.channels(), confirm.Client) {
		out = append(out, noted("any client application of the tenant may propose in an approver's name and answer its own prompt",
			"Name the clients that may call in http.clients, or confirm in Slack only (SCANWARDEN_CONFIRM_WITH)."))
	}
	return out
}

// lookAtSlack asks Slack who the app is and what it may do.
func lookAtSlack(ctx context.Context, p *patient) []finding {
	if !p.cfg.slackConfigured() {
		return []finding{ok("not configured")}
	}
	cfg, err := p.cfg.slack()
	if err != nil {
		return []finding{bad(err)}
	}
	tools.Progress(ctx, "asking Slack who the app is")
	found, err := slackbot.CheckHealth(ctx, cfg)
	if err != nil {
		return []finding{bad(err)}
	}
	out := []finding{ok("app %s in workspace %s", printed(found.Bot), printed(found.Team))}
	if len(found.Missing) > 0 {
		out = append(out, badly("the bot token lacks the scopes "+printed(strings.Join(found.Missing, ", ")),
			"Print the manifest with `scanwarden manifest`, update the app with it, and install the app again."))
	}
	if len(found.Idle) > 0 {
		out = append(out, noted("the bot token has scopes that nothing here uses: "+printed(strings.Join(found.Idle, ", ")), "Take them away."))
	}
	if found.Socket != nil {
		out = append(out, badly("no socket could be opened: "+printed(found.Socket.Error()),
			"Set SLACK_APP_TOKEN to an app-level token (xapp-) with the scope connections:write, and turn socket mode on."))
	}
	return out
}

func entries(n int64) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

// ledger opens the ledger, if there is one.
func (p *patient) ledger(ctx context.Context) (*store.Store, error) {
	where, err := p.cfg.ledgerPlace(p.env)
	if err != nil {
		return nil, err
	}
	if path, ok := strings.CutPrefix(where.URL, "sqlite:"); ok {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, errNoLedger
		}
	}
	return store.Open(ctx, where)
}

// lookAtLedger opens the ledger, checks its key, and looks for changes that a person should look at.
func lookAtLedger(ctx context.Context, p *patient) []finding {
	ledger, err := p.ledger(ctx)
	if errors.Is(err, errNoLedger) {
		return p.lookForAPlace()
	}
	if err != nil {
		return []finding{bad(err)}
	}
	defer ledger.Close()
	if err := cmp.Or(ledger.Ping(ctx), ledger.CheckKey(ctx)); err != nil {
		return []finding{bad(err)}
	}
	open, err := ledger.Changes(ctx, confirm.Filter{States: []confirm.State{confirm.Unknown, confirm.Executing}})
	if err != nil {
		return []finding{bad(err)}
	}
	tools.Progress(ctx, "replaying the audit log")
	head, err := ledger.Verify(ctx)
	if err != nil {
		return []finding{badly(err.Error(), "Somebody may have altered the ledger: compare it with a backup before anything else is confirmed.")}
	}
	out := []finding{ok("opens, its key fits, and its log of %s holds", entries(head.Entries))}
	for _, c := range open {
		if c.State == confirm.Unknown {
			out = append(out, noted(fmt.Sprintf("change %s ended unknown", c.ID), "See `scanwarden changes "+c.ID+"`, and look in the Defender portal."))
		}
	}
	return out
}

// lookForAPlace sees whether the first server could make the ledger.
func (p *patient) lookForAPlace() []finding {
	where, err := p.cfg.ledgerPlace(p.env)
	if err == nil {
		err = store.CheckLocation(where)
	}
	if err != nil {
		return []finding{bad(err)}
	}
	return []finding{ok("none yet: the first server makes it")}
}
