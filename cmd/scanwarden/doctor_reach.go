package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"scanwarden/confirm/store"
	"scanwarden/defender"
	"scanwarden/tools"
)

// lookAtDefender calls the API as a server would, and looks which of its hosts are near.
func lookAtDefender(ctx context.Context, p *patient) []finding {
	if p.cfg.Simulator {
		return []finding{ok("the simulator is built in")}
	}
	if err := p.cfg.missing(); err != nil {
		return []finding{noted("not called: there is no sign-in", "")}
	}
	out := p.lookAtHosts(ctx)
	ids, err := p.signIn()
	if err != nil {
		return out
	}
	if err = p.cfg.checkTokenFile(p.cfg.Azure); err == nil {
		_, err = ids.read(ctx, defender.TokenRequest{})
	}
	if err != nil {
		return append(out, noted("not called: there is no token", ""))
	}
	return append(out, p.callDefender(ctx, ids.read)...)
}

// callDefender makes the two reads that every plan rests on. They count against the budget that servers share.
func (p *patient) callDefender(ctx context.Context, token tokenSource) []finding {
	to, err := p.cfg.endpoints()
	if err != nil {
		return []finding{bad(err)}
	}
	cfg := defender.Config{URL: to.URL, Token: token, UserAgent: "scanwarden/" + versionText()}
	var ledger *store.Store
	if ledger, err = p.ledger(ctx); err == nil {
		defer ledger.Close()
		cfg.RateLimit = ledger.RateLimiter(store.Limits{}, nil).Wait
	}
	reader, err := defender.New(cfg)
	if err != nil {
		return []finding{bad(err)}
	}
	tools.Progress(ctx, "reading scanners and scans")
	scanners, err := reader.Scanners(ctx, defender.Actor{})
	if err != nil {
		return []finding{refusedBy(err)}
	}
	scans, err := reader.Definitions(ctx, defender.Actor{})
	if err != nil {
		return []finding{refusedBy(err)}
	}
	silent := 0
	for _, s := range scanners {
		if time.Since(s.LastSeen) > 24*time.Hour {
			silent++
		}
	}
	out := []finding{ok("%s, %s", numbered(len(scans), "scan"), numbered(len(scanners), "scanner"))}
	switch {
	case len(scanners) == 0:
		out = append(out, noted("no scanner is registered, and a scan needs one", "Install the scanner on a machine: Defender portal, Settings, Device discovery, Authenticated scans."))
	case silent > 0:
		out = append(out, noted(numbered(silent, "scanner")+" not seen for more than a day", "See list_scanners: scans on a silent scanner may not run."))
	}
	return out
}

// refusedBy is Defender's own refusal, which says what to do: licences and permissions among it.
func refusedBy(err error) finding {
	f := finding{Status: wrong, Says: err.Error()}
	if fault := (*defender.Error)(nil); errors.As(err, &fault) {
		f.Says, f.Next = strings.TrimSuffix(f.Says, "; "+fault.Next), whole(fault.Next)
	}
	return f
}

// reach is how long a host took to answer anything.
type reach struct {
	name string
	took time.Duration
	err  error
}

// lookAtHosts asks the configured host, and in the commercial cloud its siblings, for any answer.
func (p *patient) lookAtHosts(ctx context.Context) []finding {
	hosts, own, err := p.cfg.hosts()
	if err != nil {
		return []finding{bad(err)}
	}
	tools.Progress(ctx, "looking which hosts answer")
	found := reachAll(ctx, p.metrics.client(false), hosts)
	i := slices.IndexFunc(found, func(r reach) bool { return r.name == own })
	if found[i].err != nil {
		return []finding{badly(fmt.Sprintf("%s does not answer: %s", hosts[own], cause(found[i].err)), "Let it through the firewall (port 443), or correct defender.region (SCANWARDEN_REGION) or defender.url (SCANWARDEN_DEFENDER_URL).")}
	}
	if len(hosts) == 1 {
		return []finding{ok("%s answers in %s", hosts[own], found[i].took.Round(time.Millisecond))}
	}
	var list []string
	for _, r := range found {
		if r.err == nil {
			list = append(list, fmt.Sprintf("%s %d ms", r.name, r.took.Milliseconds()))
		}
	}
	out := []finding{ok("hosts by distance: %s", strings.Join(list, ", "))}
	if nearest := found[0]; nearest.took*3 < found[i].took && nearest.name != worldwide {
		out = append(out, noted("region "+nearest.name+" is nearer than "+own, "Set defender.region (SCANWARDEN_REGION) to it if your tenant's data is there."))
	}
	return out
}

const worldwide = "worldwide"

// hosts are the hosts to ask by region, and which one is configured.
func (c *config) hosts() (hosts map[string]string, own string, err error) {
	to, err := c.endpoints()
	if err != nil {
		return nil, "", err
	}
	own = cmp.Or(c.Defender.Region, worldwide)
	hosts = map[string]string{own: to.URL}
	if c.Defender.URL != "" || cmp.Or(c.Defender.Cloud, "commercial") != "commercial" {
		return hosts, own, nil
	}
	for _, region := range []string{"", "us", "eu", "uk", "au", "swa", "ina"} {
		sibling, err := defender.EndpointsFor(c.Defender.Cloud, region)
		if err != nil {
			return nil, "", err
		}
		hosts[cmp.Or(region, worldwide)] = sibling.URL
	}
	return hosts, own, nil
}

// cause is the innermost word on why nothing came back.
func cause(err error) string {
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return printed(err.Error())
}

// reachAll asks all hosts at once; the nearest is first. Whatever a host answers, it is there.
func reachAll(ctx context.Context, client *http.Client, hosts map[string]string) []reach {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var mu sync.Mutex
	var found []reach
	var asking sync.WaitGroup
	for name, url := range hosts {
		asking.Go(func() {
			r := reach{name: name}
			r.took, r.err = reachOne(ctx, client, url)
			mu.Lock()
			defer mu.Unlock()
			found = append(found, r)
		})
	}
	asking.Wait()
	slices.SortFunc(found, func(a, b reach) int {
		if (a.err == nil) != (b.err == nil) {
			if a.err == nil {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.took, b.took), strings.Compare(a.name, b.name))
	})
	return found
}

func reachOne(ctx context.Context, client *http.Client, url string) (time.Duration, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, url+"/", nil)
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	answer, err := client.Transport.RoundTrip(request)
	if err != nil {
		return 0, err
	}
	answer.Body.Close()
	return time.Since(begin), nil
}
