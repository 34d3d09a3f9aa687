package defendertest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"scanwarden/defender/defendertest"

	"github.com/google/go-cmp/cmp"
)

// object is a part of a request body.
type object = map[string]any

func TestAddRefusals(t *testing.T) {
	c := startSimulator(t, defendertest.Options{})
	add := fixture(t, "add-network-authpriv.request.derived.json")
	before := c.sim.Scans()
	for _, test := range []struct {
		fields object
		code   string
	}{
		{object{"scanType": nil}, "MissingRequiredParameter"},
		{object{"scanName": nil}, "MissingRequiredParameter"},
		{object{"isActive": nil}, "MissingRequiredParameter"},
		{object{"target": nil}, "MissingRequiredParameter"},
		{object{"intervalInHours": nil}, "MissingRequiredParameter"},
		{object{"scannerAgent": nil}, "MissingRequiredParameter"},
		{object{"scanAuthenticationParams": nil}, "MissingRequiredParameter"},
		{object{"scanName": ""}, "MissingRequiredParameter"},
		{object{"target": ""}, "MissingRequiredParameter"},
		{object{"scannerAgent": object{"machineName": "scan-hq-01.contoso.example"}}, "MissingRequiredParameter"},
		{object{"scannerAgent": object{"machineId": ""}}, "MissingRequiredParameter"},
		{object{"scannerAgent": object{"machineId": strings.Repeat("0", 40)}}, "InvalidInput"},
		{object{"scannerAgent": object{"machineId": "0335a792-18d2-424b-aeed-559567054570_" + machine}}, "InvalidInput"},
		{object{"scannerAgent": object{"machineId": 7}}, "InvalidRequestBody"},
		{object{"scannerAgent": object{"machineId": machine, "MachineId": machine}}, "InvalidRequestBody"},
		{object{"scannerAgent": machine}, "InvalidRequestBody"},
		{object{"scanType": "network"}, "InvalidRequestBody"},
		{object{"scanType": 0}, "InvalidRequestBody"},
		{object{"targetType": "IP Address"}, "InvalidRequestBody"},
		{object{"targetType": "IP-cím"}, "InvalidRequestBody"},
		{object{"isActive": "True"}, "InvalidRequestBody"},
		{object{"scanName": 7}, "InvalidRequestBody"},
		{object{"target": []string{"192.0.2.1"}}, "InvalidRequestBody"},
		{object{"intervalInHours": "4"}, "InvalidRequestBody"},
		{object{"intervalInHours": 4.5}, "InvalidRequestBody"},
		{object{"intervalInHours": -1}, "InvalidRequestBody"},
		{object{"intervalInHours": 1 << 31}, "InvalidRequestBody"},
		{object{"createdBy": "me"}, "InvalidRequestBody"},
		{object{"scan_name": "x"}, "InvalidRequestBody"},
		{object{"scanType": "Windows"}, "InvalidRequestBody"}, // with SNMP credentials
		{object{"scanType": "Linux"}, "InvalidRequestBody"},
		{object{"scanAuthenticationParams": "public"}, "InvalidRequestBody"},
	} {
		c.call("POST", definitions, withFields(t, add, test.fields)).wantError(t, 400, test.code)
	}
	for _, body := range []string{"", "{", "[]", "null", `"x"`, add + "}", add + add} {
		c.call("POST", definitions, body).wantError(t, 400, "InvalidRequestBody")
	}
	if diff := cmp.Diff(before, c.sim.Scans()); diff != "" || len(c.sim.Writes()) != 0 {
		t.Errorf("a refusal changed the tenant (-before +after):\n%s", diff)
	}
	c.call("POST", definitions, withFields(t, add, object{"targetType": nil})).want(t, 200) // documented as defaulted
	c.call("POST", definitions, withFields(t, add, object{"scanType": "AdvancedActive"})).want(t, 200)
	if got := c.sim.Scans()[len(before)]["targetType"]; got != "Ip" {
		t.Errorf("targetType %v; want Ip", got)
	}
}

func TestContentType(t *testing.T) {
	c := startSimulator(t, defendertest.Options{})
	for contentType, status := range map[string]int{"application/json; charset=utf-8": 200, "text/plain": 400, "": 400, "application/x-www-form-urlencoded": 400} {
		r := serveDirectly(c.sim, "PATCH", definitions+"/"+switches, `{}`, contentType)
		if r.status != status {
			t.Errorf("%q: %d %s", contentType, r.status, r.body)
		}
	}
}

func TestTargets(t *testing.T) {
	c := startSimulator(t, defendertest.Options{})
	for kind, cases := range map[string]struct{ good, bad []string }{
		"Ip": {
			[]string{"192.0.2.1", "192.0.2.1,198.51.100.7", "10.20.30.0/24", "2001:db8::1", "192.0.2.1-192.0.2.9", "192.0.2.1-9", "2001:db8::1-2001:db8::9"},
			[]string{"10.0.0.999", "sw-01", "192.0.2.1,", "192.0.2.1, 192.0.2.2", "192.0.2.9-1", "192.0.2.9-192.0.2.1", "192.0.2.1-256",
				"192.0.2.1-2001:db8::1", "2001:db8::1-9", "10.0.0.0/33", "192.0.2.1;192.0.2.2", "192.0.2.1-", " "},
		},
		"Hostname": {
			[]string{"sw-01", "sw-01.contoso.example,sw_02", "3com.example"},
			[]string{"192.0.2.1", "10.0.0.999", "-sw", "sw-", "sw..example", "sw 01", "sw.", "a/b", strings.Repeat("a", 64), strings.Repeat("a.", 127) + "aa", "sw-01,192.0.2.1", "192.0.2.1-9"},
		},
		"Combined": {[]string{"sw-01,192.0.2.1"}, []string{"10.0.0.999", "-"}},
	} {
		for _, target := range cases.good {
			body, _ := json.Marshal(object{"target": target, "targetType": kind})
			c.call("PATCH", definitions+"/"+switches, string(body)).want(t, 200)
		}
		for _, target := range cases.bad {
			body, _ := json.Marshal(object{"target": target, "targetType": kind})
			c.call("PATCH", definitions+"/"+switches, string(body)).wantError(t, 400, "InvalidInput")
		}
	}
	// Each is held against the other's stored value.
	c.call("PATCH", definitions+"/"+routers, `{"targetType":"Hostname"}`).wantError(t, 400, "InvalidInput")
	c.call("PATCH", definitions+"/"+routers, `{"target":"sw-01"}`).wantError(t, 400, "InvalidInput")
}

func TestCredentials(t *testing.T) {
	const snmp, windows, linux = "#microsoft.windowsDefenderATP.api.SnmpAuthParams",
		"#microsoft.windowsDefenderATP.api.WindowsAuthParams", "#microsoft.windowsDefenderATP.api.LinuxAuthParams"
	full := map[string]object{
		"AuthPriv":        {"@odata.type": snmp, "username": "u", "authProtocol": "SHA1", "authPassword": "p", "privProtocol": "AES", "privPassword": "q"},
		"AuthNoPriv":      {"@odata.type": snmp, "username": "u", "authProtocol": "SHA1", "authPassword": "p"},
		"NoAuthNoPriv":    {"@odata.type": snmp, "username": "u"},
		"CommunityString": {"@odata.type": snmp, "communityString": "c"},
		"Kerberos":        {"@odata.type": windows, "username": "u", "domain": "d", "isGmsaUser": true},
		"Negotiate":       {"@odata.type": windows, "username": "u", "domain": "d", "isGmsaUser": true},
		"Password":        {"@odata.type": linux, "username": "u", "password": "p"},
		"PrivateKey":      {"@odata.type": linux, "username": "u", "privateKey": "k"},
	}
	c := startSimulator(t, defendertest.Options{})
	try := func(auth object, changes object) reply {
		t.Helper()
		one := object{}
		for _, fields := range []object{auth, changes} {
			for name, v := range fields {
				if one[name] = v; v == nil {
					delete(one, name)
				}
			}
		}
		kind := map[any]string{windows: "Windows", linux: "Linux"}[auth["@odata.type"]]
		if kind == "" {
			kind = "Network"
		}
		body := withFields(t, fixture(t, "add-network-authpriv.request.derived.json"), object{"scanType": kind, "scanAuthenticationParams": one})
		return c.call("POST", definitions, body)
	}
	vault := object{"keyVaultUri": "https://example.vault.azure.net/", "keyVaultSecretName": "snmp-core"}
	for name, auth := range full {
		auth["type"] = name
		try(auth, nil).want(t, 200)
		try(auth, vault).want(t, 200)
		try(object{"@odata.type": auth["@odata.type"], "type": name}, vault).want(t, 200)
		for part := range auth {
			code := "MissingRequiredParameter"
			if part == "@odata.type" {
				code = "InvalidRequestBody"
			}
			try(auth, object{part: nil}).wantError(t, 400, code)
			try(auth, object{part: 7}).wantError(t, 400, "InvalidRequestBody")
		}
		try(auth, object{"@odata.type": "#microsoft.windowsDefenderATP.api.AuthParamsBase"}).wantError(t, 400, "InvalidRequestBody")
		try(auth, object{"type": "None of these"}).wantError(t, 400, "InvalidRequestBody")
		try(auth, object{"Type": name}).wantError(t, 400, "InvalidRequestBody")
		try(auth, object{"keyVaultUri": vault["keyVaultUri"]}).wantError(t, 400, "MissingRequiredParameter")
		try(auth, object{"keyVaultSecretName": "x"}).wantError(t, 400, "MissingRequiredParameter")
		try(auth, object{"keyVaultUri": "http://example.vault.azure.net/", "keyVaultSecretName": "x"}).wantError(t, 400, "InvalidUrl")
	}
	try(full["AuthPriv"], object{"authPassword": ""}).wantError(t, 400, "MissingRequiredParameter")
	try(full["Kerberos"], object{"isGmsaUser": false}).wantError(t, 400, "InvalidInput")
	try(full["Kerberos"], object{"isGmsaUser": "true"}).wantError(t, 400, "InvalidRequestBody")

	// Credentials of another kind cannot slip in by an update either.
	body, _ := json.Marshal(object{"scanAuthenticationParams": full["Kerberos"]})
	c.call("PATCH", definitions+"/"+switches, string(body)).wantError(t, 400, "InvalidRequestBody")
	c.call("PATCH", definitions+"/"+switches, `{"scanType":"Windows"}`).wantError(t, 400, "InvalidRequestBody")
	c.call("PATCH", definitions+"/"+switches, `{"scanAuthenticationParams":null}`).wantError(t, 400, "InvalidRequestBody")
	body, _ = json.Marshal(object{"scanType": "Windows", "scanAuthenticationParams": full["Kerberos"]})
	c.call("PATCH", definitions+"/"+switches, string(body)).want(t, 200)
}

// TestRefusalsQuoteNoCredential checks that no error repeats a value: a password may be in any member.
func TestRefusalsQuoteNoCredential(t *testing.T) {
	const canary = "hunter2-canary"
	c := startSimulator(t, defendertest.Options{})
	for _, member := range []string{"type", "@odata.type", "username", "authPassword", "keyVaultUri", "keyVaultSecretName", "isGmsaUser", "communityString"} {
		auth := object{"@odata.type": "#microsoft.windowsDefenderATP.api.SnmpAuthParams", "type": "AuthPriv", member: canary}
		body, _ := json.Marshal(object{"scanAuthenticationParams": auth})
		if r := c.call("PATCH", definitions+"/"+switches, string(body)); r.status != 400 || strings.Contains(string(r.body), canary) {
			t.Errorf("%s: %d %s", member, r.status, r.body)
		}
	}
}

func TestBatchBodies(t *testing.T) {
	c := startSimulator(t, defendertest.Options{})
	ids := func(n int) string {
		list := make([]string, n)
		for i := range list {
			list[i] = c.sim.AddScan(nil)
		}
		data, _ := json.Marshal(list)
		return string(data)
	}
	for path, name := range map[string]string{batchDelete: "ScanDefinitionIds", byScan: "ScanDefinitionIds", bySession: "SessionIds"} {
		for body, code := range map[string]string{
			`{}`:                           "MissingRequiredParameter",
			`{"` + name + `":[]}`:          "InvalidInput",
			`{"` + name + `":"x"}`:         "InvalidRequestBody",
			`{"` + name + `":null}`:        "InvalidRequestBody",
			`{"` + name + `":[1]}`:         "InvalidRequestBody",
			`{"` + name + `":[""]}`:        "InvalidRequestBody",
			`{"` + name + `":["x"],"y":1}`: "InvalidRequestBody",
			`["x"]`:                        "InvalidRequestBody",
		} {
			c.call("POST", path, body).wantError(t, 400, code)
		}
	}
	c.call("POST", batchDelete, `{"ScanDefinitionIds":`+ids(501)+`}`).wantError(t, 400, "MaximumBatchSizeExceeded")
	before := len(c.sim.Scans())
	c.call("POST", batchDelete, `{"ScanDefinitionIds":`+ids(500)+`}`).want(t, 200)
	if got := len(c.sim.Scans()); got != before {
		t.Errorf("%d definitions; want %d", got, before)
	}
}
