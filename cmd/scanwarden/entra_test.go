package main

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"scanwarden/defender/defendertest"
	"scanwarden/defender/entra/entratest"
)

const (
	serverApp   = "11112222-bbbb-3333-cccc-4444dddd5555"
	otherApp    = "33334444-dddd-5555-eeee-6666ffff7777"
	entraSecret = "canary-entra-Secret~8Q_client"
	adaID       = "aaaaaaaa-0000-0000-0000-000000000001"
)

// entraStack is an installation with Entra ID. Its callers sign in there, and its Defender accepts only tokens of the
// same Entra ID for Defender.
type entraStack struct {
	*stack
	entra    *entratest.Server
	url      string
	ada, bob entratest.User
}

// newServingEntraStack returns a stack with a running server.
func newServingEntraStack(t *testing.T, env ...string) *entraStack {
	t.Helper()
	s := newEntraStack(t, entratest.Defender)
	s.url = s.serve(t, env...).url
	return s
}

// newEntraStack returns a stack in which no server runs yet. resource is the resource that tokens for its Defender
// need.
func newEntraStack(t *testing.T, resource string) *entraStack {
	t.Helper()
	fake := entratest.New(entratest.Options{Resources: []string{resource, entratest.KeyVault}})
	t.Cleanup(fake.Close)
	fake.AddApp(entratest.App{
		ClientID: serverApp, Secret: entraSecret,
		Roles:     []string{resource + "/Machine.ReadWrite.All"},
		Consented: []string{resource + "/Machine.ReadWrite"},
	})
	s := &entraStack{stack: newStack(t), entra: fake}
	s.ada = fake.AddUser(entratest.User{ObjectID: adaID, Name: "Ada"})
	s.bob = fake.AddUser(entratest.User{ObjectID: "bbbbbbbb-0000-0000-0000-000000000002", Name: "Bob"})
	api := httptest.NewServer(requireEntraToken(fake, s.tenant, resource))
	t.Cleanup(func() { s.tenant.Close(); api.Close() })
	s.env = append(s.env, "SCANWARDEN_DEFENDER_URL="+api.URL, "SSL_CERT_FILE="+fake.CAFile(t),
		"AZURE_AUTHORITY_HOST="+fake.Authority(), "AZURE_TENANT_ID="+fake.Tenant(),
		"AZURE_CLIENT_ID="+serverApp, "AZURE_CLIENT_SECRET="+entraSecret,
		"SCANWARDEN_HTTP_AUTH=entra", "SCANWARDEN_APPROVERS=entra-role:Scans.Approver", "SCANWARDEN_SELF_APPROVAL=true")
	return s
}

// requireEntraToken returns a Defender that accepts only tokens of Entra ID.
func requireEntraToken(fake *entratest.Server, tenant *defendertest.Server, resource string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := fake.Valid(bearerOf(r.Header), resource); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		tenant.ServeHTTP(w, r)
	})
}

func bearerOf(h http.Header) string {
	token, _ := strings.CutPrefix(h.Get("Authorization"), "Bearer ")
	return token
}

// userToken returns a token of a user with these roles, and with changes to its claims.
func (s *entraStack) userToken(u entratest.User, changes map[string]any, roles ...string) string {
	claims := s.entra.UserClaims(u, serverApp, []string{"Scans.Use"}, roles)
	maps.Copy(claims, changes)
	return s.entra.Sign(claims)
}

// connect returns a foreign client that sends a token.
func (s *entraStack) connect(t *testing.T, token, era string, person promptHandler) *mcp.ClientSession {
	t.Helper()
	return connectClient(t, &mcp.StreamableClientTransport{
		Endpoint: s.url, HTTPClient: &http.Client{Transport: tokenTransport(token)}, DisableStandaloneSSE: true,
	}, era, person)
}

// tokenTransport adds the token to each request.
type tokenTransport string

func (token tokenTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(token))
	return http.DefaultTransport.RoundTrip(r)
}

// writerNames returns, for each write to Defender, the user or application of its token.
func (s *entraStack) writerNames() (list []string) {
	for _, w := range s.tenant.Writes() {
		claims, err := s.entra.Valid(bearerOf(w.Header), entratest.Defender)
		if err != nil {
			s.t.Error(err)
		}
		name, _ := claims["upn"].(string)
		list = append(list, cmp.Or(name, fmt.Sprint(claims["idtyp"])))
	}
	return list
}

// TestEntraApprover: a user with the scope and the role requests and confirms; the application writes.
func TestEntraApprover(t *testing.T) {
	t.Parallel()
	for era := range protocolVersions {
		t.Run(era, func(t *testing.T) {
			s := newServingEntraStack(t)
			c := s.connect(t, s.userToken(s.ada, nil, "Scans.Requester", "Scans.Approver"), era, typeCode)
			listsTools(t, c)
			if got := callTool(t, c, "list_scans", nil); len(got.Scans) == 0 {
				t.Errorf("list_scans: %+v", got)
			}
			added := callTool(t, c, "add_scan", documentedScan(t, "add.json"))
			who := "entra:" + s.entra.Tenant() + "/" + s.ada.ObjectID
			if added.Status != "applied" || added.DecidedBy != who {
				t.Errorf("add_scan: %+v, want it applied and decided by %s", added, who)
			}
			if got := s.writerNames(); len(got) != 1 || got[0] != "app" {
				t.Errorf("written in the names %q, want the application's", got)
			}
			if n := s.entra.Count("/token"); n != 1 {
				t.Errorf("%d token requests, want 1", n)
			}
			if logs := s.logs.String(); strings.Contains(logs, entraSecret) {
				t.Error("the log holds the client secret")
			}
		})
	}
}

// TestCallersWithoutTheRoleOnlyRead: callers that are not approvers in person may read. Their own client is not asked,
// because the answer would be their own, and nothing is written.
func TestCallersWithoutTheRoleOnlyRead(t *testing.T) {
	t.Parallel()
	s := newServingEntraStack(t)
	all := []string{"Scans.Use.All", "Scans.Requester", "Scans.Approver"}
	for name, tt := range map[string]struct{ token, reason string }{
		"a person without a role":      {s.userToken(s.ada, nil), "Scans.Requester"},
		"a person who may not confirm": {s.userToken(s.ada, nil, "Scans.Requester"), "not among the approvers"},
		"an agent for a person":        {s.userToken(s.ada, map[string]any{"xms_act_fct": "3 11"}, all...), "its own client cannot confirm"},
		"an agent's own account":       {s.userToken(s.bob, map[string]any{"xms_sub_fct": "13"}, all...), "its own client cannot confirm"},
		"an application":               {s.entra.Sign(s.entra.AppClaims(otherApp, serverApp, all)), "its own client cannot confirm"},
	} {
		for era := range protocolVersions {
			t.Run(name+"/"+era, func(t *testing.T) {
				c := s.connect(t, tt.token, era, func(message string) *mcp.ElicitResult {
					t.Errorf("asked: %s", message)
					return typeCode(message)
				})
				if got := callTool(t, c, "list_scans", nil); len(got.Scans) == 0 {
					t.Errorf("list_scans: %+v", got)
				}
				if got := callTool(t, c, "add_scan", documentedScan(t, "add.json")); got.Status != "refused" || !strings.Contains(got.Reason, tt.reason) {
					t.Errorf("add_scan: %+v, want it refused for %q", got, tt.reason)
				}
				if got := s.writerNames(); len(got) != 0 {
					t.Errorf("written in the names %q", got)
				}
			})
		}
	}
}

// TestOnBehalfOf: Defender is called on behalf of each caller.
func TestOnBehalfOf(t *testing.T) {
	t.Parallel()
	s := newServingEntraStack(t, "SCANWARDEN_AUTH=on-behalf-of")
	for _, u := range []entratest.User{s.ada, s.bob} {
		c := s.connect(t, s.userToken(u, nil, "Scans.Requester", "Scans.Approver"), "modern", typeCode)
		if got := callTool(t, c, "list_scans", nil); len(got.Scans) == 0 {
			t.Errorf("list_scans: %+v", got)
		}
		scan := documentedScan(t, "add.json")
		scan["scanName"] = u.Name
		if added := callTool(t, c, "add_scan", scan); added.Status != "applied" {
			t.Errorf("add_scan: %+v", added)
		}
	}
	if got := s.writerNames(); len(got) != 2 || got[0] != s.ada.Username || got[1] != s.bob.Username {
		t.Errorf("written in the names %q, want those of Ada and Bob", got)
	}
	for _, r := range s.entra.Tokens() {
		if r.Grant == "client_credentials" {
			t.Errorf("the application itself signed in: %+v", r)
		}
	}
}

// TestOnBehalfOfRefusesAgents: an agent with Ada's principal cannot use Ada's sign-in, even while it is held.
func TestOnBehalfOfRefusesAgents(t *testing.T) {
	t.Parallel()
	s := newServingEntraStack(t, "SCANWARDEN_AUTH=on-behalf-of")
	ada := s.connect(t, s.userToken(s.ada, nil, "Scans.Requester"), "modern", typeCode)
	if got := callTool(t, ada, "list_scans", nil); len(got.Scans) == 0 {
		t.Errorf("list_scans: %+v", got)
	}
	before := len(s.entra.Tokens())
	agent := s.connect(t, s.userToken(s.ada, map[string]any{"xms_act_fct": "3 11"}, "Scans.Requester"), "modern", typeCode)
	for tool, args := range map[string]map[string]any{"list_scans": nil, "add_scan": documentedScan(t, "add.json")} {
		got, err := agent.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: args})
		if told := transcript(t, got, err); err == nil && !got.IsError || len(s.tenant.Writes()) != 0 {
			t.Errorf("%s by an agent: %s", tool, told)
		}
	}
	if n := len(s.entra.Tokens()); n != before {
		t.Errorf("%d tokens were got for an agent", n-before)
	}
}

// TestEntraRefuses: a caller receives Entra ID's refusal of the server with the next step and without secrets.
func TestEntraRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		env, says string
		trouble   func(*entratest.Server)
	}{
		"the secret was renewed": {"SCANWARDEN_AUTH=client", "AZURE_CLIENT_SECRET", func(f *entratest.Server) {
			f.AddApp(entratest.App{ClientID: serverApp, Secret: "renewed"})
		}},
		"the secret has expired": {"SCANWARDEN_AUTH=client", "expired", func(f *entratest.Server) {
			f.AddApp(entratest.App{ClientID: serverApp, Secret: entraSecret, ExpiredSecret: true})
		}},
		"nobody has consented": {"SCANWARDEN_AUTH=on-behalf-of", "consent to Machine.ReadWrite", func(f *entratest.Server) {
			f.AddApp(entratest.App{ClientID: serverApp, Secret: entraSecret})
		}},
		"conditional access": {"SCANWARDEN_AUTH=on-behalf-of", "multi-factor", func(f *entratest.Server) {
			f.Fail(entratest.Fault{Code: 50076, SubError: "basic_action", Claims: `{"access_token":{"acrs":{"essential":true,"value":"c1"}}}`})
		}},
		"a portal answers": {"SCANWARDEN_AUTH=client", "something other than Entra ID", func(f *entratest.Server) {
			f.Fail(entratest.Fault{Times: -1, Body: "<html>Sign in to the guest network</html>"})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServingEntraStack(t, tt.env)
			tt.trouble(s.entra)
			token := s.userToken(s.ada, nil, "Scans.Requester", "Scans.Approver")
			c := s.connect(t, token, "modern", typeCode)
			got, err := c.CallTool(t.Context(), &mcp.CallToolParams{Name: "list_scans"})
			told := transcript(t, got, err)
			if !strings.Contains(told, tt.says) {
				t.Errorf("told %s, want %q in it", told, tt.says)
			}
			for _, hidden := range []string{entraSecret, token, "guest network"} {
				if strings.Contains(told, hidden) || strings.Contains(s.logs.String(), hidden) {
					t.Errorf("the answer or the log holds %q", hidden)
				}
			}
		})
	}
}
