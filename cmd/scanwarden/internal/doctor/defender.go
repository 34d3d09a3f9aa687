package doctor

import (
	"context"
	"errors"
	"strings"
	"time"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/server"
	"scanwarden/confirm/store"
	"scanwarden/defender"
	"scanwarden/tools"
)

// checkDefender calls the API as a server would, and measures which of its hosts are near.
func checkDefender(ctx context.Context, c *Checker) []config.Finding {
	if c.cfg.Simulator {
		return []config.Finding{config.Pass("the simulator is built in")}
	}
	if err := c.cfg.MissingSettings(); err != nil {
		return []config.Finding{config.Note("not called: there is no sign-in", "")}
	}
	out := c.checkHosts(ctx)
	ids, err := c.server.SignIn()
	if err != nil {
		return out
	}
	if err = c.cfg.CheckTokenFile(c.cfg.Azure); err == nil {
		_, err = ids.Read(ctx, defender.TokenRequest{})
	}
	if err != nil {
		return append(out, config.Note("not called: there is no token", ""))
	}
	return append(out, c.callDefender(ctx, ids.Read)...)
}

// callDefender makes the two reads that every plan needs. They count against the rate limit that servers share.
func (c *Checker) callDefender(ctx context.Context, token server.TokenSource) []config.Finding {
	to, err := c.cfg.Endpoints()
	if err != nil {
		return []config.Finding{problemFrom(err)}
	}
	cfg := defender.Config{URL: to.URL, Token: token, SignInAdvice: c.cfg.SkippedSignIn(), UserAgent: "scanwarden/" + c.version}
	var ledger *store.Store
	if ledger, err = server.OpenStore(ctx, c.cfg, c.env); err == nil {
		defer ledger.Close()
		cfg.RateLimit = server.WaitFor(ledger.RateLimiter(store.Limits{}, nil))
	}
	reader, err := defender.New(cfg)
	if err != nil {
		return []config.Finding{problemFrom(err)}
	}
	tools.Progress(ctx, "reading scanners and scans")
	scanners, err := reader.Scanners(ctx, defender.Actor{})
	if err != nil {
		return []config.Finding{defenderProblem(err)}
	}
	scans, err := reader.Definitions(ctx, defender.Actor{})
	if err != nil {
		return []config.Finding{defenderProblem(err)}
	}
	silent := 0
	for _, s := range scanners {
		if time.Since(s.LastSeen) > 24*time.Hour {
			silent++
		}
	}
	out := []config.Finding{config.Pass("%s, %s", config.Plural(len(scans), "scan"), config.Plural(len(scanners), "scanner"))}
	switch {
	case len(scanners) == 0:
		out = append(out, config.Note("no scanner is registered, and a scan needs one", "Install the scanner on a machine: Defender portal, Settings, Device discovery, Authenticated scans."))
	case silent > 0:
		out = append(out, config.Note(config.Plural(silent, "scanner")+" not seen for more than a day", "See list_scanners: scans on an inactive scanner may not run."))
	}
	return out
}

// defenderProblem returns an error of Defender as a problem. Errors about licenses and permissions say what to do.
func defenderProblem(err error) config.Finding {
	f := config.Finding{Status: config.StatusProblem, Says: err.Error()}
	if fault := (*defender.Error)(nil); errors.As(err, &fault) {
		f.Says, f.Next = strings.TrimSuffix(f.Says, "; "+fault.Next), asSentence(fault.Next)
	}
	return f
}
