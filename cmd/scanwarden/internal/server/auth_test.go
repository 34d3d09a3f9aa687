package server

import (
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/cmd/scanwarden/internal/config/configtest"
	"scanwarden/tools/mcpserver"
)

func TestHTTPAuthentication(t *testing.T) {
	t.Parallel()
	loopback, everywhere := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8484}, &net.TCPAddr{IP: net.IPv4zero, Port: 8484}
	for name, tt := range map[string]struct {
		file      string
		env       config.Environment
		simulator bool
		address   *net.TCPAddr
		want      string // the accepted caller, or a part of the error
	}{
		"nothing":                        {address: loopback, want: "set SCANWARDEN_HTTP_TOKEN"},
		"simulator on loopback":          {simulator: true, address: loopback, want: string(LocalUser(nil))},
		"simulator everywhere":           {simulator: true, address: everywhere, want: "set SCANWARDEN_HTTP_TOKEN"},
		"simulator, token asked for":     {simulator: true, env: config.Environment{"SCANWARDEN_HTTP_AUTH": "token"}, address: loopback, want: "set SCANWARDEN_HTTP_TOKEN"},
		"none on loopback":               {env: config.Environment{"SCANWARDEN_HTTP_AUTH": "none"}, address: loopback, want: string(LocalUser(nil))},
		"none behind a proxy":            {env: config.Environment{"SCANWARDEN_HTTP_AUTH": "none", "SCANWARDEN_PUBLIC_URL": "https://scans.example.com"}, address: loopback, want: "accepts every caller while http.auth is none"},
		"a simulator behind a proxy":     {simulator: true, env: config.Environment{"SCANWARDEN_PUBLIC_URL": "https://scans.example.com"}, address: loopback, want: "accepts every caller while http.auth is none"},
		"none everywhere":                {env: config.Environment{"SCANWARDEN_HTTP_AUTH": "none"}, address: everywhere, want: "none accepts every caller"},
		"none everywhere, simulated too": {simulator: true, env: config.Environment{"SCANWARDEN_HTTP_AUTH": "none"}, address: everywhere, want: "none accepts every caller"},
		"entra and a token": {
			env:     config.Environment{"SCANWARDEN_HTTP_AUTH": "entra", "AZURE_TENANT_ID": "11111111-2222-3333-4444-555555555555", "AZURE_CLIENT_ID": testAppID, "SCANWARDEN_HTTP_TOKEN": "0123456789abcdef"},
			address: loopback, want: "which would be ignored",
		},
		"a token":                {env: config.Environment{"SCANWARDEN_HTTP_TOKEN": "0123456789abcdef"}, address: everywhere, want: "token:default"},
		"a token, simulated too": {simulator: true, env: config.Environment{"SCANWARDEN_HTTP_TOKEN": "0123456789abcdef"}, address: loopback, want: "token:default"},
		"fifteen characters":     {env: config.Environment{"SCANWARDEN_HTTP_TOKEN": "0123456789abcde"}, address: loopback, want: "fewer than 16"},
		"a named token":          {file: "http: {tokens: {ada: {env: ADA}}}", env: config.Environment{"ADA": "0123456789abcdef"}, address: everywhere, want: "token:ada"},
		"the same token twice":   {file: "http: {tokens: {ada: {env: ADA}}}", env: config.Environment{"ADA": "0123456789abcdef", "SCANWARDEN_HTTP_TOKEN": "0123456789abcdef"}, address: loopback, want: "the same as that of token:default"},
	} {
		t.Run(name, func(t *testing.T) {
			c := configtest.Load(t, tt.file, tt.env)
			c.Simulator = tt.simulator
			var httpConfig mcpserver.HTTPConfig
			b := &Builder{cfg: c, env: tt.env}
			tokens, err := b.ReadTokenHashes(t.Context())
			if err == nil {
				httpConfig, err = b.newHTTPConfig(t.Context(), tt.address, tokens)
			}
			got := fmt.Sprint(err)
			if err == nil {
				r := httptest.NewRequest("POST", "/mcp", nil)
				r.Header.Set("Authorization", "Bearer 0123456789abcdef")
				caller, err := httpConfig.Authenticator.Authenticate(r, nil)
				if err != nil {
					t.Fatal(err)
				}
				got = string(caller.Principal)
			}
			if err == nil && got != tt.want || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

const testAppID = "11112222-bbbb-3333-cccc-4444dddd5555"
