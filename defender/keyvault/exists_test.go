package keyvault_test

import (
	"fmt"
	"strings"
	"testing"
)

// listed is a version as a vault lists it.
func listed(id string, created int, enabled bool) map[string]any {
	return map[string]any{"id": core + "/" + id, "attributes": map[string]any{"created": created, "enabled": enabled}}
}

// TestExistsLooksAtTheVersionThatWouldBeRead, on whatever page it stands, and never asks for a value.
func TestExistsLooksAtTheVersionThatWouldBeRead(t *testing.T) {
	old, newest := strings.Repeat("0", 32), strings.Repeat("a", 32)
	many := func(n int) (all []map[string]any) {
		for i := range n {
			all = append(all, listed(fmt.Sprintf("%032x", i), i, true))
		}
		return all
	}
	for name, c := range map[string]struct {
		versions []map[string]any
		page     int
		id       string
		words    string
	}{
		"newest is enabled":   {[]map[string]any{listed(old, 1, false), listed(newest, 2, true)}, 1, core, ""},
		"newest is disabled":  {[]map[string]any{listed(newest, 2, false), listed(old, 1, true)}, 1, core, "disabled"},
		"named is enabled":    {[]map[string]any{listed(newest, 2, false), listed(old, 1, true)}, 1, core + "/" + old, ""},
		"named is disabled":   {[]map[string]any{listed(newest, 2, false), listed(old, 1, true)}, 0, core + "/" + strings.ToUpper(newest), "disabled"},
		"named is not there":  {[]map[string]any{listed(old, 1, true)}, 0, core + "/" + newest, "(version " + newest + ") in snmp.vault.azure.net: there is no such secret"},
		"none":                {[]map[string]any{}, 0, core, "there is no such secret"},
		"nothing is told":     {[]map[string]any{{}}, 0, core, ""},
		"on the last page":    {many(20), 1, core, ""},
		"on too many pages":   {many(21), 1, core, "more versions than are looked through"},
		"nothing but a null":  {[]map[string]any{nil}, 0, core, "there is no such secret"},
		"named but a null":    {[]map[string]any{nil}, 0, core + "/" + newest, "there is no such secret"},
		"named among nothing": {[]map[string]any{{}}, 0, core + "/" + newest, "there is no such secret"},
	} {
		t.Run(name, func(t *testing.T) {
			a := startAzure(t)
			a.secrets["snmp.vault.azure.net/core"] = secret{value: canary, versions: c.versions, page: c.page}
			err := a.vaults(t).Exists(t.Context(), c.id)
			if c.words == "" && err != nil {
				t.Error(err)
			} else if c.words != "" {
				wantTrouble(t, err, c.words)
			}
			for _, r := range a.seen() {
				if r.path != "/secrets/core/versions" {
					t.Errorf("asked for %s", r.path)
				}
			}
		})
	}
}

// TestTheNextPageIsOnTheSameHost, or the token would go elsewhere.
func TestTheNextPageIsOnTheSameHost(t *testing.T) {
	for _, link := range []string{"https://evil.example/secrets/core/versions", "http://snmp.vault.azure.net/secrets/core/versions", "https://edge.vault.azure.net/secrets/core/versions"} {
		a := startAzure(t)
		a.answerNext(answer{status: 200, body: `{"value":[],"nextLink":"` + link + `"}`})
		err := a.vaults(t).Exists(t.Context(), core)
		wantTrouble(t, err)
		for _, r := range a.seen() {
			if r.host != "snmp.vault.azure.net" {
				t.Errorf("a request with %q went to %s", r.token, r.host)
			}
		}
	}
}
