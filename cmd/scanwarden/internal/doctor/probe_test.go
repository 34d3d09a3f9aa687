package doctor

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"scanwarden/cmd/scanwarden/internal/config/configtest"
	"scanwarden/cmd/scanwarden/internal/pipenet"
	"scanwarden/cmd/scanwarden/internal/server"
)

// TestDoctorHosts: the nearest host is first, and those that do not answer, at once or never, are last.
func TestDoctorHosts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hosts, wires := map[string]string{}, map[string]*pipenet.Listener{}
		for name, away := range map[string]time.Duration{"us": 200 * time.Millisecond, "eu": 30 * time.Millisecond, "au": 31 * time.Millisecond, "ina": time.Hour, "uk": -1} {
			w := pipenet.NewListener()
			server := &httptest.Server{Listener: w, Config: &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				select {
				case <-r.Context().Done():
				case <-time.After(away):
				}
			})}}
			server.Start()
			defer server.Close()
			if away < 0 {
				_ = w.Close() // gone
			}
			hosts[name], wires[name+".example:80"] = "http://"+name+".example", w
		}
		client := server.NewHTTPClient(false)
		client.Transport.(*http.Transport).Proxy = nil
		client.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, address string) (net.Conn, error) {
			return wires[address].Dial(ctx)
		}
		begin := time.Now()
		found := probeHosts(t.Context(), client, hosts)
		if took := time.Since(begin); took != 10*time.Second {
			t.Errorf("a host that never answers was waited for %v", took)
		}
		var order []string
		for _, r := range found {
			order = append(order, fmt.Sprint(r.name, " ", r.took, " ", r.err == nil))
		}
		if diff := cmp.Diff([]string{"eu 30ms true", "au 31ms true", "us 200ms true", "ina 0s false", "uk 0s false"}, order); diff != "" {
			t.Errorf("by distance (-want +got):\n%s%v", diff, found)
		}
	})
}

// TestDoctorRegions: the commercial cloud has siblings to look at, an address of one's own has none.
func TestDoctorRegions(t *testing.T) {
	t.Parallel()
	hosts, own, err := hostsToProbe(configtest.Load(t, "defender: {region: eu}", nil))
	if err != nil || own != "eu" || len(hosts) != 7 || hosts["uk"] != "https://uk.api.security.microsoft.com" {
		t.Errorf("%v, %q, %v", hosts, own, err)
	}
	hosts, own, err = hostsToProbe(configtest.Load(t, "defender: {cloud: gcc}", nil))
	if err != nil || own != commercialHosts || len(hosts) != 1 {
		t.Errorf("%v, %q, %v", hosts, own, err)
	}
}
