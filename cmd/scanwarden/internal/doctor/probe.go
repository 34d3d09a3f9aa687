package doctor

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

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/server"
	"scanwarden/defender"
	"scanwarden/tools"
)

// probeResult is how long a host took to respond, or why it did not.
type probeResult struct {
	name string
	took time.Duration
	err  error
}

// checkHosts probes the configured host and, in the commercial cloud, the hosts of other regions.
func (c *Checker) checkHosts(ctx context.Context) []config.Finding {
	hosts, own, err := hostsToProbe(c.cfg)
	if err != nil {
		return []config.Finding{problemFrom(err)}
	}
	tools.Progress(ctx, "looking which hosts answer")
	found := probeHosts(ctx, server.NewHTTPClient(false), hosts)
	i := slices.IndexFunc(found, func(r probeResult) bool { return r.name == own })
	if found[i].err != nil {
		return []config.Finding{config.Problem(fmt.Sprintf("%s does not answer: %s", hosts[own], rootCause(found[i].err)), adviseUnreachable(hosts[own]))}
	}
	if len(hosts) == 1 {
		return []config.Finding{config.Pass("%s answers in %s", hosts[own], found[i].took.Round(time.Millisecond))}
	}
	var list []string
	for _, r := range found {
		if r.err == nil {
			list = append(list, fmt.Sprintf("%s %d ms", r.name, r.took.Milliseconds()))
		}
	}
	out := []config.Finding{config.Pass("hosts by distance: %s", strings.Join(list, ", "))}
	if nearest := found[0]; nearest.took*3 < found[i].took && nearest.name != commercialHosts {
		out = append(out, config.Note("region "+nearest.name+" is nearer than "+own, "Set defender.region (SCANWARDEN_REGION) to it if your tenant's data is there."))
	}
	return out
}

// adviseUnreachable returns what to do about a host that does not answer. Plain http is to this machine, where no
// firewall is in between.
func adviseUnreachable(url string) string {
	if strings.HasPrefix(url, "http://") {
		return "Start what should listen there, such as `scanwarden simulator`, or correct defender.url (SCANWARDEN_DEFENDER_URL)."
	}
	return "Let it through the firewall (port 443), or correct defender.region (SCANWARDEN_REGION) or defender.url (SCANWARDEN_DEFENDER_URL)."
}

// commercialHosts is the name of the commercial cloud's host for all regions.
const commercialHosts = "worldwide"

// hostsToProbe returns the hosts to probe by region, and the region that is configured.
func hostsToProbe(cfg *config.Config) (hosts map[string]string, own string, err error) {
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

// rootCause returns the text of the innermost error.
func rootCause(err error) string {
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return sanitizeText(err.Error())
}

// probeHosts probes all hosts at once and returns the nearest first. Any response counts.
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

// probeHost returns how long a host took to respond.
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
