package config

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestServiceVariables: Kubernetes gives every container variables of each Service of its namespace. Those of a Service
// named scanwarden, or scanwarden-mcp, have our prefix, and nobody can unset them.
func TestServiceVariables(t *testing.T) {
	t.Parallel()
	made := Environment{
		"SCANWARDEN_SERVICE_HOST": "10.96.12.7", "SCANWARDEN_SERVICE_PORT": "8484", "SCANWARDEN_SERVICE_PORT_HTTP": "8484",
		"SCANWARDEN_PORT": "tcp://10.96.12.7:8484", "SCANWARDEN_PORT_8484_TCP": "tcp://10.96.12.7:8484",
		"SCANWARDEN_PORT_8484_TCP_PROTO": "tcp", "SCANWARDEN_PORT_8484_TCP_PORT": "8484", "SCANWARDEN_PORT_8484_TCP_ADDR": "10.96.12.7",
		"SCANWARDEN_PORT_53_UDP": "udp://[fd00::1]:53", "SCANWARDEN_PORT_53_UDP_ADDR": "fd00::1", "SCANWARDEN_PORT_7_SCTP_PROTO": "sctp",
		"SCANWARDEN_MCP_SERVICE_HOST": "10.96.12.8", "SCANWARDEN_MCP_PORT": "tcp://10.96.12.8:80",
	}
	env := maps.Clone(made)
	env["SCANWARDEN_APPROVERS"], env["HOME"] = "token:ada", "/home/ada"
	c, err := Load(env, nil)
	if err != nil || len(c.Policy.Approvers) != 1 {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, name := range env.ServiceVariables() {
		names[name] = true
	}
	for name := range made {
		if !names[name] {
			t.Errorf("%s is not reported", name)
		}
	}
	if diff := cmp.Diff(len(made), len(names)); diff != "" {
		t.Errorf("%v: %s", names, diff)
	}
	for name, value := range map[string]string{
		"SCANWARDEN_PORT": "8484", "SCANWARDEN_SERVICE_HOST": "", "SCANWARDEN_SERVICE_PORT": "http", "SCANWARDEN_SERVICE_PORTS": "1",
		"SCANWARDEN_PORT_8484": "tcp://10.0.0.1:8484", "SCANWARDEN_PORT_8484_TCP_NAME": "tcp", "SCANWARDEN_SERVICE": "x",
		"SCANWARDEN_PORT_HTTP_TCP": "tcp://10.0.0.1:1", "SCANWARDEN_HOST": "10.0.0.1", "SCANWARDENSERVICE_HOST": "10.0.0.1",
	} {
		if err := (Environment{name: value}).checkNames(); err == nil == strings.HasPrefix(name, envPrefix) {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
}
