package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/defender/entra"
	"scanwarden/tools"
)

const (
	// warnSkew is worth a note.
	warnSkew = 30 * time.Second
	// maxSkew is a problem: beyond it Entra ID refuses assertions, and we refuse tokens (leeway one minute).
	maxSkew = 5 * time.Minute
)

// checkClock compares this machine's clock with that of the sign-in host.
func checkClock(ctx context.Context, c *Checker) []config.Finding {
	if why := clockCheckSkipped(c.cfg); why != "" {
		return []config.Finding{config.Pass("not compared: %s", why)}
	}
	to, err := c.cfg.Endpoints()
	if err != nil {
		return []config.Finding{problemFrom(err)}
	}
	tools.Progress(ctx, "asking "+to.Authority+" for the time")
	skew, err := measureSkew(ctx, to.Authority+"/"+cmp.Or(c.cfg.Azure.Tenant, "common")+"/v2.0/.well-known/openid-configuration")
	switch {
	case errors.Is(err, errNoTime):
		return []config.Finding{config.Note(to.Authority+" answers without a Date header", "Something other than Entra ID may answer: check for a proxy, and check AZURE_AUTHORITY_HOST.")}
	case err != nil:
		return []config.Finding{config.Note(fmt.Sprintf("%s could not be asked for the time: %s", to.Authority, rootCause(err)),
			"Check AZURE_AUTHORITY_HOST, the network, the firewall and HTTPS_PROXY (or SSL_CERT_FILE, where a company proxy inspects TLS).")}
	case skew.Abs() > maxSkew:
		return []config.Finding{config.Problem(describeSkew(skew), "Set it by NTP: sign-ins and signed requests fail otherwise.")}
	case skew.Abs() > warnSkew:
		return []config.Finding{config.Note(describeSkew(skew), "Set it by NTP.")}
	}
	return []config.Finding{config.Pass("within %s of %s", warnSkew, to.Authority)}
}

// clockCheckSkipped returns why this server never calls the sign-in host, or "" if it does.
func clockCheckSkipped(cfg *config.Config) string {
	switch {
	case cfg.Simulator || cfg.UsesSimulator():
		return "the simulator is on this machine"
	case cfg.AllowsAuth("entra") || cfg.Slack.LinkAccounts:
		return "" // users sign in there, independent of the server
	case len(cfg.MissingCredentials()) > 0:
		return "no credential is configured to sign in with"
	case cfg.Auth == string(entra.ManagedIdentity):
		return "a managed identity gets its tokens on this machine and calls no sign-in host"
	}
	return ""
}

// errNoTime reports a response without a valid Date header.
var errNoTime = errors.New("the answer does not tell the time")

// describeSkew returns how far this clock is ahead or behind.
func describeSkew(skew time.Duration) string {
	way := "ahead"
	if skew < 0 {
		way = "behind"
	}
	return fmt.Sprintf("this machine's clock is %s %s", skew.Abs().Round(time.Second), way)
}

// measureSkew returns how far this clock is ahead of the one behind url.
func measureSkew(ctx context.Context, url string) (time.Duration, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	client := &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	before := time.Now()
	answer, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	theirs, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		return 0, errNoTime
	}
	middle := before.Add(time.Since(before) / 2)
	return middle.Sub(theirs), nil
}
