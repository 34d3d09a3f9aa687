package main

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"scanwarden/defender"
	"scanwarden/tools"
)

const (
	// noticeable skew is told; with too much of it Entra ID refuses assertions, and we refuse tokens (leeway one minute).
	noticeable = 30 * time.Second
	tooMuch    = 5 * time.Minute
)

// lookAtClock compares this machine's clock with the sign-in host's.
func lookAtClock(ctx context.Context, p *patient) []finding {
	if p.cfg.Simulator || p.cfg.standIn() {
		return []finding{ok("the simulator is on this machine: nothing to compare with")}
	}
	to, err := p.cfg.endpoints()
	if err != nil {
		return []finding{bad(err)}
	}
	tools.Progress(ctx, "asking "+to.Authority+" for the time")
	skew, err := clockSkew(ctx, to.Authority+"/"+cmp.Or(p.cfg.Azure.Tenant, "common")+"/v2.0/.well-known/openid-configuration")
	switch {
	case err != nil:
		return []finding{noted(fmt.Sprintf("%s does not tell the time", to.Authority), "The sign-in below says why.")}
	case skew.Abs() > tooMuch:
		return []finding{badly(off(skew), "Set it by NTP: sign-ins and signed requests fail otherwise.")}
	case skew.Abs() > noticeable:
		return []finding{noted(off(skew), "Set it by NTP.")}
	}
	return []finding{ok("within %s of %s", noticeable, to.Authority)}
}

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
		return 0, err
	}
	middle := before.Add(time.Since(before) / 2)
	return middle.Sub(theirs), nil
}

// lookAtSignIn gets the tokens that a server would, and reads from them what they allow.
func lookAtSignIn(ctx context.Context, p *patient) []finding {
	if p.cfg.Simulator || p.cfg.standIn() {
		return []finding{ok("the simulator needs none")}
	}
	if err := p.cfg.missing(); err != nil {
		return []finding{bad(err)}
	}
	ids, err := p.signIn()
	if err != nil {
		return []finding{bad(err)}
	}
	out := p.lookAtToken(ctx, "reading", ids.read, readers)
	switch {
	case p.cfg.ReadOnly, !p.cfg.writesApart() && out[0].Status == wrong: // once is enough
		return out
	case p.cfg.Auth == onBehalfOf:
		return append(out, ok("writing goes out in the name of whoever asks; their own tokens show what they may do"))
	case p.cfg.writesApart():
		return append(out, p.lookAtToken(ctx, "writing", ids.write, writers)...)
	}
	return append(out, p.lookAtToken(ctx, "writing", ids.read, writers)...)
}

// The permissions of WindowsDefenderATP that reading and writing need: the application's (roles), then a person's
// (scp), the least first. Sources: Microsoft's "Add, update, or delete a scan definition" and "List machines"; the
// former's delegated "Machine.Read.Write" is a misprint.
var (
	readers = permissions{
		roles: []string{"Machine.Read.All", "Machine.ReadWrite.All"}, scopes: []string{"Machine.Read", "Machine.ReadWrite"},
	}
	writers = permissions{roles: []string{"Machine.ReadWrite.All"}, scopes: []string{"Machine.ReadWrite"}}
)

type permissions struct{ roles, scopes []string }

func (p *patient) lookAtToken(ctx context.Context, use string, source tokenSource, need permissions) []finding {
	tools.Progress(ctx, "signing in for "+use)
	token, err := source(ctx, defender.TokenAsk{})
	if err != nil {
		return []finding{bad(fmt.Errorf("%s: %w", use, err))}
	}
	claims, err := readClaims(token)
	if err != nil {
		return []finding{noted(use+": a token came, and does not tell what it allows", "The calls to Defender below show it.")}
	}
	granted, want := claims.Roles, need.roles
	if claims.Scopes != "" {
		granted, want = strings.Fields(claims.Scopes), need.scopes
	}
	has := func(permission string) bool { return slices.Contains(granted, permission) }
	if !slices.ContainsFunc(want, has) {
		return []finding{badly(
			fmt.Sprintf("%s: the token of %s lacks %s; it has %s", use, claims.who(), strings.Join(want, " or "), orNothing(granted)),
			fmt.Sprintf("In Entra ID, add the permission %s of WindowsDefenderATP to the app, and have an administrator consent.", want[0]))}
	}
	return []finding{ok("%s: token of %s in tenant %s, with %s", use, claims.who(), printed(claims.Tenant), orNothing(granted))}
}

// claims is what a doctor reads of an access token. It is not verified, and decides nothing.
type claims struct {
	Tenant string   `json:"tid"`
	App    string   `json:"appid"`
	AZP    string   `json:"azp"`
	User   string   `json:"upn"`
	Roles  []string `json:"roles"`
	Scopes string   `json:"scp"`
}

func (c claims) who() string {
	app := c.App
	if app == "" {
		app = c.AZP
	}
	if c.User != "" {
		return printed(c.User)
	}
	return "app " + printed(app)
}

func readClaims(token string) (c claims, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, errors.New("not a JWT")
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return c, errors.New("not a JWT")
	}
	if json.Unmarshal(payload, &c) != nil {
		return c, errors.New("not a JWT")
	}
	return c, nil
}

// printed bounds what somebody else wrote, and hides nothing in it.
func printed(text string) string {
	if len(text) > 100 {
		text = text[:100] + "..."
	}
	return strings.Trim(fmt.Sprintf("%q", text), `"`)
}

func orNothing(list []string) string {
	if len(list) == 0 {
		return "nothing"
	}
	return printed(strings.Join(list, ", "))
}
