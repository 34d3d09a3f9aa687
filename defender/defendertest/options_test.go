package defendertest_test

import (
	"encoding/xml"
	"io"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"scanwarden/defender/defendertest"

	"github.com/google/go-cmp/cmp"
)

func TestAuthInLists(t *testing.T) {
	for _, shown := range []bool{false, true} {
		c := startSimulator(t, defendertest.Options{AuthInLists: shown})
		for _, row := range c.call("GET", definitions, "").rows(t) {
			if got := row["scanAuthenticationParams"] != nil; got != shown {
				t.Errorf("AuthInLists %v: %s shows %v", shown, row["scanName"], row["scanAuthenticationParams"])
			}
		}
		if got := c.call("PATCH", definitions+"/"+switches, `{}`).object(t); got["scanAuthenticationParams"] != nil {
			t.Errorf("AuthInLists %v: an update answers with credentials", shown)
		}
	}
}

func TestPascalCaseAgents(t *testing.T) {
	for pascal, name := range map[bool]string{false: "assignedApplicationId", true: "AssignedApplicationId"} {
		c := startSimulator(t, defendertest.Options{PascalCaseAgents: pascal})
		for _, path := range []string{agents, agents + "/" + machine} {
			if row := c.call("GET", path, "").rows(t)[0]; row[name] == nil {
				t.Errorf("%s has no %s: %v", path, name, row)
			}
		}
		if agent := c.call("GET", definitions, "").rows(t)[0]["scannerAgent"].(map[string]any); agent[name] == nil {
			t.Errorf("a listed definition's agent has no %s: %v", name, agent)
		}
		answer := c.call("PATCH", definitions+"/"+switches, `{}`).object(t)
		if agent := answer["scannerAgent"].(map[string]any); agent["assignedApplicationId"] == nil {
			t.Errorf("an updated definition's agent is not in camelCase: %v", agent)
		}
	}
}

// TestKeyVaultField checks that the declared spelling is accepted and the other refused, or dropped if unknown fields are
// ignored.
func TestKeyVaultField(t *testing.T) {
	uri := fixture(t, "add-network-keyvault.request.derived-keyVaultUri-spelling.json")
	url := fixture(t, "add-network-keyvault.request.derived-keyVaultUrl-spelling.json")
	for field, bodies := range map[string][2]string{"": {uri, url}, "keyVaultUri": {uri, url}, "keyVaultUrl": {url, uri}} {
		c := startSimulator(t, defendertest.Options{KeyVaultField: field})
		c.call("POST", definitions, bodies[0]).want(t, 200)
		c.call("POST", definitions, bodies[1]).wantError(t, 400, "InvalidRequestBody")

		c = startSimulator(t, defendertest.Options{KeyVaultField: field, IgnoreUnknownFields: true})
		c.call("POST", definitions, bodies[1]).wantError(t, 400, "MissingRequiredParameter")
	}
}

func TestMetadata(t *testing.T) {
	for field, declared := range map[string]string{"": "keyVaultUri", "keyVaultUrl": "keyVaultUrl"} {
		c := startSimulator(t, defendertest.Options{KeyVaultField: field})
		got := c.call("GET", "/api/$metadata", "").want(t, 200)
		properties := map[string]bool{}
		for d := xml.NewDecoder(strings.NewReader(string(got.body))); ; {
			token, err := d.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if e, ok := token.(xml.StartElement); ok && e.Name.Local == "Property" {
				properties[e.Attr[0].Value] = true
			}
		}
		if !properties[declared] || properties["keyVaultUri"] && properties["keyVaultUrl"] || !properties["isTroubleshootMode"] {
			t.Errorf("KeyVaultField %q: properties %v", field, properties)
		}
		if !strings.HasPrefix(got.header.Get("Content-Type"), "application/xml") {
			t.Errorf("Content-Type %s", got.header.Get("Content-Type"))
		}
	}
}

func TestStatuses(t *testing.T) {
	add := fixture(t, "add-network-authpriv.new-page.request.json")
	for _, want := range []struct{ create, remove int }{{200, 200}, {201, 202}, {200, 204}} {
		c := startSimulator(t, defendertest.Options{CreateStatus: want.create, DeleteStatus: want.remove})
		c.call("POST", definitions, add).want(t, want.create)
		if r := c.call("POST", batchDelete, `{"ScanDefinitionIds":["`+switches+`"]}`).want(t, want.remove); len(r.body) > 0 {
			t.Errorf("delete answered %s", r.body)
		}
	}
}

func TestIgnoreUnknownFields(t *testing.T) {
	ignoring := startSimulator(t, defendertest.Options{IgnoreUnknownFields: true})
	strict := startSimulator(t, defendertest.Options{})
	before, _ := ignoring.sim.Scan(switches)
	for _, body := range []string{`{"IsActive":false}`, `{"surprise":1}`, `{"id":"other"}`, `{"scannerAgent":{"machineId":"` + machine + `","MachineName":"x"}}`} {
		ignoring.call("PATCH", definitions+"/"+switches, body).want(t, 200)
		strict.call("PATCH", definitions+"/"+switches, body).wantError(t, 400, "InvalidRequestBody")
	}
	after, _ := ignoring.sim.Scan(switches)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("an ignored field had an effect (-want +got):\n%s", diff)
	}
	// Ignored, the misspelt member is missing.
	body := `{"scanDefinitionIds":["` + switches + `"]}`
	ignoring.call("POST", batchDelete, body).wantError(t, 400, "MissingRequiredParameter")
	strict.call("POST", batchDelete, body).wantError(t, 400, "InvalidRequestBody")
}

func TestOtherIDOnUpdate(t *testing.T) {
	c := startSimulator(t, defendertest.Options{OtherIDOnUpdate: true})
	if id := c.call("PATCH", definitions+"/"+switches, `{"isActive":false}`).object(t)["id"].(string); id == switches || len(id) != 36 {
		t.Errorf("answered with id %q", id)
	}
	if scan, ok := c.sim.Scan(switches); !ok || scan["isActive"] != false {
		t.Errorf("stored %v", scan)
	}
}

func TestWrapEntities(t *testing.T) {
	c := startSimulator(t, defendertest.Options{WrapEntities: true})
	for _, r := range []reply{
		c.call("POST", definitions, fixture(t, "add-network-authpriv.new-page.request.json")),
		c.call("PATCH", definitions+"/"+switches, `{}`),
	} {
		if rows := r.want(t, 200).rows(t); len(rows) != 1 || rows[0]["scanName"] == nil {
			t.Errorf("answered %s", r.body)
		}
	}
}

func TestPaging(t *testing.T) {
	for _, list := range []struct {
		path string
		size int
		rows int
	}{{definitions, 2, 5}, {definitions, 5, 5}, {"/api/v1.0/DeviceAuthenticatedScanAgents", 1, 3}} {
		c := startSimulator(t, defendertest.Options{PageSize: list.size})
		seen, pages := map[any]bool{}, 0
		for next := list.path; next != "" && pages < 10; pages++ {
			page := c.call("GET", next, "").want(t, 200)
			if rows := page.rows(t); len(rows) > list.size {
				t.Errorf("a page of %d rows", len(rows))
			}
			for _, row := range page.rows(t) {
				seen[row["id"]] = true
			}
			link, _ := page.object(t)["@odata.nextLink"].(string)
			next = strings.TrimPrefix(link, c.url)
		}
		if want := (list.rows + list.size - 1) / list.size; len(seen) != list.rows || pages != want {
			t.Errorf("%s by %d: %d rows on %d pages; want %d on %d", list.path, list.size, len(seen), pages, list.rows, want)
		}
	}
}

// TestRefuseWindows checks that Windows scans can still be listed and deleted.
func TestRefuseWindows(t *testing.T) {
	c := startSimulator(t, defendertest.Options{RefuseWindows: true})
	c.call("POST", definitions, fixture(t, "add-windows.old-page.request.repaired.json")).wantError(t, 400, "InvalidInput")
	c.call("PATCH", definitions+"/"+servers, `{"isActive":false}`).wantError(t, 400, "InvalidInput")
	c.call("POST", definitions, fixture(t, "add-network-authpriv.new-page.request.json")).want(t, 200)
	if got := len(c.call("GET", definitions, "").rows(t)); got != 6 {
		t.Errorf("%d definitions listed; want 6", got)
	}
	c.call("POST", batchDelete, `{"ScanDefinitionIds":["`+servers+`"]}`).want(t, 200)
}

func TestRoles(t *testing.T) {
	const read, write = "Machine.Read.All", "Machine.ReadWrite.All"
	for _, test := range []struct {
		roles                       []string
		list, history, add, declare int
	}{
		{nil, 200, 200, 200, 200},
		{[]string{}, 403, 403, 403, 200},
		{[]string{read}, 200, 200, 403, 200},
		{[]string{write}, 403, 403, 200, 200},
		{[]string{read, write}, 200, 200, 200, 200},
	} {
		c := startSimulator(t, defendertest.Options{Roles: test.roles})
		c.call("GET", definitions, "").want(t, test.list)
		c.call("POST", byScan, `{"ScanDefinitionIds":["x"]}`).want(t, test.history)
		c.call("POST", definitions, fixture(t, "add-network-authpriv.new-page.request.json")).want(t, test.add)
		c.call("GET", "/api/$metadata", "").want(t, test.declare)
	}
	c := startSimulator(t, defendertest.Options{Roles: []string{read, "Machine.Scan"}})
	got := c.call("POST", batchDelete, `{}`).wantError(t, 403, "Forbidden")
	if want := "Missing application roles. API required roles: Machine.ReadWrite.All, application roles: Machine.Read.All,Machine.Scan."; got != want {
		t.Errorf("message %q; want %q", got, want)
	}
}

func TestToken(t *testing.T) {
	for _, test := range []struct {
		accepted, sent string
		status         int
	}{
		{"", "", 401}, {"", "any", 200}, {"right", "right", 200}, {"right", "wrong", 401}, {"right", "", 401}, {"right", "rightx", 401},
	} {
		c := startSimulator(t, defendertest.Options{Token: test.accepted})
		c.token = test.sent
		for _, path := range []string{definitions, "/api/$metadata", "/api/nowhere"} {
			got := c.call("GET", path, "")
			if test.status == 401 {
				got.wantError(t, 401, "Unauthorized")
			} else if got.status == 401 {
				t.Errorf("%+v: %s is refused", test, path)
			}
		}
	}
}

// TestTokenHasToBeABearer checks that no other scheme is accepted.
func TestTokenHasToBeABearer(t *testing.T) {
	sim := defendertest.New(defendertest.Options{})
	for _, header := range []string{"any", "Basic any", "bearer any", "Bearer ", "Bearer"} {
		r := httptest.NewRequest("GET", definitions, nil)
		r.Header.Set("Authorization", header)
		w := httptest.NewRecorder()
		if sim.ServeHTTP(w, r); w.Code != 401 {
			t.Errorf("%q: %d", header, w.Code)
		}
	}
}

// TestLimits runs in a synctest bubble, where the windows pass without waiting.
func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := defendertest.New(defendertest.Options{PerMinute: 3, PerHour: 5})
		call := func() (status, wait int) {
			r := httptest.NewRequest("GET", definitions, nil)
			r.Header.Set("Authorization", "Bearer any")
			w := httptest.NewRecorder()
			sim.ServeHTTP(w, r)
			wait, _ = strconv.Atoi(w.Header().Get("Retry-After"))
			return w.Code, wait
		}
		expect := func(status, wait int) {
			t.Helper()
			if gotStatus, gotWait := call(); gotStatus != status || gotWait != wait {
				t.Errorf("got %d, Retry-After %d; want %d, %d", gotStatus, gotWait, status, wait)
			}
		}
		expect(200, 0)
		time.Sleep(20500 * time.Millisecond)
		expect(200, 0)
		expect(200, 0)
		expect(429, 40) // 39.5 s, rounded up
		time.Sleep(40 * time.Second)
		expect(200, 0)
		expect(429, 20)
		time.Sleep(time.Minute)
		expect(200, 0)
		time.Sleep(time.Minute)
		expect(429, 3600-20-40-120) // the hour is the tighter one now
		time.Sleep(3600*time.Second - 181*time.Second)
		expect(429, 1)
		time.Sleep(time.Second)
		expect(200, 0)
	})
}
