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

// checkDefender calls the API as a server would, and looks which of its hosts are near.
func checkDefender(ctx context.Context, c *Checker) []Finding {
	if c.cfg.Simulator {
		return []Finding{Pass("the simulator is built in")}
	}
	if err := c.cfg.MissingSettings(); err != nil {
		return []Finding{Note("not called: there is no sign-in", "")}
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
		return append(out, Note("not called: there is no token", ""))
	}
	return append(out, c.callDefender(ctx, ids.Read)...)
}

// callDefender makes the two reads that every plan rests on. They count against the budget that servers share.
func (c *Checker) callDefender(ctx context.Context, token TokenSource) []Finding {
	to, err := c.cfg.Endpoints()
	if err != nil {
		return []Finding{problemFrom(err)}
	}
	cfg := defender.Config{URL: to.URL, Token: token, UserAgent: "scanwarden/" + c.version}
	var ledger *store.Store
	if ledger, err = OpenStore(ctx, c.cfg, c.env); err == nil {
		defer ledger.Close()
		cfg.RateLimit = ledger.RateLimiter(store.Limits{}, nil).Wait
	}
	reader, err := defender.New(cfg)
	if err != nil {
		return []Finding{problemFrom(err)}
	}
	tools.Progress(ctx, "reading scanners and scans")
	scanners, err := reader.Scanners(ctx)
	if err != nil {
		return []Finding{defenderProblem(err)}
	}
	scans, err := reader.Definitions(ctx)
	if err != nil {
		return []Finding{defenderProblem(err)}
	}
	silent := 0
	for _, s := range scanners {
		if time.Since(s.LastSeen) > 24*time.Hour {
			silent++
		}
	}
	out := []Finding{Pass("%s, %s", Plural(len(scans), "scan"), Plural(len(scanners), "scanner"))}
	switch {
	case len(scanners) == 0:
		out = append(out, Note("no scanner is registered, and a scan needs one", "Install the scanner on a machine: Defender portal, Settings, Device discovery, Authenticated scans."))
	case silent > 0:
		out = append(out, Note(Plural(silent, "scanner")+" not seen for more than a day", "See list_scanners: scans on a silent scanner may not run."))
	}
	return out
}

// defenderProblem is Defender's own refusal, which says what to do: licences and permissions among it.
func defenderProblem(err error) Finding {
	f := Finding{Status: StatusProblem, Says: err.Error()}
	if fault := (*defender.Error)(nil); errors.As(err, &fault) {
		f.Says, f.Next = strings.TrimSuffix(f.Says, "; "+fault.Next), asSentence(fault.Next)
	}
	return f
}

// probeResult is how long a host took to answer anything.
type probeResult struct {
	name string
	took time.Duration
	err  error
}

// checkHosts asks the configured host, and in the commercial cloud its siblings, for any answer.
func (c *Checker) checkHosts(ctx context.Context) []Finding {
	hosts, own, err := hostsToProbe(c.cfg)
	if err != nil {
		return []Finding{problemFrom(err)}
	}
	tools.Progress(ctx, "looking which hosts answer")
	found := probeHosts(ctx, NewHTTPClient(false), hosts)
	i := slices.IndexFunc(found, func(r probeResult) bool { return r.name == own })
	if found[i].err != nil {
		return []Finding{Problem(fmt.Sprintf("%s does not answer: %s", hosts[own], rootCause(found[i].err)), "Let it through the firewall (port 443), or correct defender.region (SCANWARDEN_REGION) or defender.url (SCANWARDEN_DEFENDER_URL).")}
	}
	if len(hosts) == 1 {
		return []Finding{Pass("%s answers in %s", hosts[own], found[i].took.Round(time.Millisecond))}
	}
	var list []string
	for _, r := range found {
		if r.err == nil {
			list = append(list, fmt.Sprintf("%s %d ms", r.name, r.took.Milliseconds()))
		}
	}
	out := []Finding{Pass("hosts by distance: %s", strings.Join(list, ", "))}
	if nearest := found[0]; nearest.took*3 < found[i].took && nearest.name != commercialHosts {
		out = append(out, Note("region "+nearest.name+" is nearer than "+own, "Set defender.region (SCANWARDEN_REGION) to it if your tenant's data is there."))
	}
	return out
}

const commercialHosts = "worldwide"

// hostsToProbe are the hosts to ask by region, and which one is configured.
func hostsToProbe(cfg *Config) (hosts map[string]string, own string, err error) {
	to, err := cfg.Endpoints()
	if err != nil {
		return nil, "", err
	}
	own = cmp.Or(cfg.Defender.Region, commercialHosts)
	hosts = map[string]string{own: to.URL}
	if cfg.Defender.URL != "" || cmp.Or(cfg.Defender.Cloud, "commercial") != "commercial" {
		return hosts, own, nil
	}
	for _, region := range []string{"", "us", "eu", "uk", "au", "swa", "ina"} {
		sibling, err := defender.EndpointsFor(cfg.Defender.Cloud, region)
		if err != nil {
			return nil, "", err
		}
		hosts[cmp.Or(region, commercialHosts)] = sibling.URL
	}
	return hosts, own, nil
}

// rootCause is the innermost word on why nothing came back.
func rootCause(err error) string {
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return sanitizeText(err.Error())
}

// probeHosts asks all hosts at once; the nearest is first. Whatever a host answers, it is there.
func probeHosts(ctx context.Context, client *http.Client, hosts map[string]string) []probeResult {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var mu sync.Mutex
	var found []probeResult
	var asking sync.WaitGroup
	for name, url := range hosts {
		asking.Go(func() {
			r := probeResult{name: name}
			r.took, r.err = probeHost(ctx, client, url)
			mu.Lock()
			defer mu.Unlock()
			found = append(found, r)
		})
	}
	asking.Wait()
	slices.SortFunc(found, func(a, b probeResult) int {
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

func probeHost(ctx context.Context, client *http.Client, url string) (time.Duration, error) {
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
