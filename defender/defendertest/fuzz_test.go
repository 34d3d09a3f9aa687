package defendertest_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"scanwarden/defender/defendertest"
)

// FuzzRefusalChangesNothing checks that each response has a documented form, whatever the request. A refused request must
// leave the tenant unchanged and not be among the writes, and each of the writes must have been accepted.
func FuzzRefusalChangesNothing(f *testing.F) {
	methods := []string{"GET", "POST", "PATCH", "DELETE", "PUT"}
	for _, name := range []string{"add-network-authpriv.new-page.request.json", "add-windows.2022-page.request.json",
		"add-network-keyvault.request.derived-keyVaultUri-spelling.json", "update-network.2022-page.request.contradictory.json"} {
		f.Add(uint8(1), definitions, fixture(f, name), false)
		f.Add(uint8(2), definitions+"/"+switches, fixture(f, name), true)
	}
	f.Add(uint8(1), batchDelete, fixture(f, "batch-delete.request.repaired.json"), false)
	f.Add(uint8(1), byScan+"?$top=1&$skip=1", fixture(f, "history-by-definition.request.json"), false)
	f.Add(uint8(0), definitions+"?$skiptoken=4", "", false)
	f.Add(uint8(0), "/api/$metadata", "", true)
	f.Fuzz(func(t *testing.T, method uint8, target, body string, lenient bool) {
		sim := defendertest.New(defendertest.Options{IgnoreUnknownFields: lenient, AuthInLists: lenient, PageSize: 2})
		before := sim.Scans()
		r := serveDirectly(sim, methods[int(method)%len(methods)], target, body, "application/json")
		ok := r.status >= 200 && r.status < 300
		changed, writes := !reflect.DeepEqual(before, sim.Scans()), len(sim.Writes())
		if !ok {
			r.wantError(t, r.status, r.object(t)["error"].(map[string]any)["code"].(string))
		}
		if !ok && (changed || writes > 0) {
			t.Errorf("refused with %d, and yet changed: %v, writes: %d", r.status, changed, writes)
		}
		if changed && writes == 0 {
			t.Error("the tenant changed without a write")
		}
		if len(r.body) > 0 && r.header.Get("Content-Type") != "application/xml" && !json.Valid(r.body) {
			t.Errorf("answered %q", r.body)
		}
	})
}
