package keyvault_test

import (
	"fmt"
	"strings"
	"testing"
)

// listedVersion returns a version as a vault lists it.
func listedVersion(id string, created int, enabled bool) map[string]any {
	return map[string]any{"id": coreID + "/" + id, "attributes": map[string]any{"created": created, "enabled": enabled}}
}

// TestExistsLooksAtTheVersionThatWouldBeRead checks that Exists finds it on every page, and never reads a value.
func TestExistsLooksAtTheVersionThatWouldBeRead(t *testing.T) {
	old, newest := strings.Repeat("0", 32), strings.Repeat("a", 32)
	many := func(n int) (all []map[string]any) {
		for i := range n {
			all = append(all, listedVersion(fmt.Sprintf("%032x", i), i, true))
		}
		return all
	}
	for name, c := range map[string]struct {
		versions []map[string]any
		page     int
		id       string
		words    string
	}{
		"newest is enabled":   {[]map[string]any{listedVersion(old, 1, false), listedVersion(newest, 2, true)}, 1, coreID, ""},
		"newest is disabled":  {[]map[string]any{listedVersion(newest, 2, false), listedVersion(old, 1, true)}, 1, coreID, "disabled"},
		"named is enabled":    {[]map[string]any{listedVersion(newest, 2, false), listedVersion(old, 1, true)}, 1, coreID + "/" + old, ""},
		"named is disabled":   {[]map[string]any{listedVersion(newest, 2, false), listedVersion(old, 1, true)}, 0, coreID + "/" + strings.ToUpper(newest), "disabled"},
		"named is not there":  {[]map[string]any{listedVersion(old, 1, true)}, 0, coreID + "/" + newest, "(version " + newest + ") in snmp.vault.azure.net: there is no such secret"},
		"none":                {[]map[string]any{}, 0, coreID, "there is no such secret"},
		"no properties":       {[]map[string]any{{}}, 0, coreID, ""},
		"on the last page":    {many(20), 1, coreID, ""},
		"on too many pages":   {many(21), 1, coreID, "too many versions"},
		"nothing but a null":  {[]map[string]any{nil}, 0, coreID, "there is no such secret"},
		"named but a null":    {[]map[string]any{nil}, 0, coreID + "/" + newest, "there is no such secret"},
		"named among nothing": {[]map[string]any{{}}, 0, coreID + "/" + newest, "there is no such secret"},
	} {
		t.Run(name, func(t *testing.T) {
			a := startFake(t)
			a.secrets["snmp.vault.azure.net/core"] = secret{value: canary, versions: c.versions, page: c.page}
			err := a.newClient(t).Exists(t.Context(), c.id)
			if c.words == "" && err != nil {
				t.Error(err)
			} else if c.words != "" {
				wantError(t, err, c.words)
			}
			for _, r := range a.received() {
				if r.path != "/secrets/core/versions" {
					t.Errorf("requested %s", r.path)
				}
			}
		})
	}
}

// TestTheNextPageIsOnTheSameHost checks that a next link never sends the token to another host.
func TestTheNextPageIsOnTheSameHost(t *testing.T) {
	for _, link := range []string{"https://evil.example/secrets/core/versions", "http://snmp.vault.azure.net/secrets/core/versions", "https://edge.vault.azure.net/secrets/core/versions"} {
		a := startFake(t)
		a.answerNext(response{status: 200, body: `{"value":[],"nextLink":"` + link + `"}`})
		err := a.newClient(t).Exists(t.Context(), coreID)
		wantError(t, err)
		for _, r := range a.received() {
			if r.host != "snmp.vault.azure.net" {
				t.Errorf("a request with %q went to %s", r.token, r.host)
			}
		}
	}
}
