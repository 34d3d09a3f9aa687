package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"scanwarden/defender/entra"
	"scanwarden/tools"
)

const (
	// noticeable skew is told; with too much of it Entra ID refuses assertions, and we refuse tokens (leeway one minute).
	noticeable = 30 * time.Second
	tooMuch    = 5 * time.Minute
)

// lookAtClock compares this machine's clock with the sign-in host's.
func lookAtClock(ctx context.Context, p *patient) []finding {
	if why := p.cfg.noSignInHost(); why != "" {
		return []finding{ok("not compared: %s", why)}
	}
	to, err := p.cfg.endpoints()
	if err != nil {
		return []finding{bad(err)}
	}
	tools.Progress(ctx, "asking "+to.Authority+" for the time")
	skew, err := clockSkew(ctx, to.Authority+"/"+cmp.Or(p.cfg.Azure.Tenant, "common")+"/v2.0/.well-known/openid-configuration")
	switch {
	case errors.Is(err, errNoTime):
		return []finding{noted(to.Authority+" answers without telling the time", "Something other than Entra ID may answer: look for a proxy, and check AZURE_AUTHORITY_HOST.")}
	case err != nil:
		return []finding{noted(fmt.Sprintf("%s could not be asked for the time: %s", to.Authority, cause(err)),
			"Check AZURE_AUTHORITY_HOST, the network, the firewall and HTTPS_PROXY (or SSL_CERT_FILE, where a company proxy inspects TLS).")}
	case skew.Abs() > tooMuch:
		return []finding{badly(off(skew), "Set it by NTP: sign-ins and signed requests fail otherwise.")}
	case skew.Abs() > noticeable:
		return []finding{noted(off(skew), "Set it by NTP.")}
	}
	return []finding{ok("within %s of %s", noticeable, to.Authority)}
}

// noSignInHost says why nothing here ever talks to the sign-in host, "" where something does.
func (c *config) noSignInHost() string {
	switch {
	case c.Simulator || c.standIn():
		return "the simulator is on this machine"
	case c.admits("entra") || c.Slack.LinkAccounts:
		return "" // people sign in there, whoever we are
	case len(c.unset()) > 0:
		return "nothing is configured to sign in with"
	case c.Auth == string(entra.ManagedIdentity):
		return "a managed identity gets its tokens on this machine, from no sign-in host"
	}
	return ""
}

var errNoTime = errors.New("the answer does not tell the time")

func off(skew time.Duration) string {
	way := "ahead"
	if skew < 0 {
		way = "behind"
	}
	return fmt.Sprintf("this machine's clock is %s %s", skew.Abs().Round(time.Second), way)
}

// clockSkew is how far this clock is ahead of the one behind url.
func clockSkew(ctx context.Context, url string) (time.Duration, error) {
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
