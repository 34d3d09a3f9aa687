package tools_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"scanwarden/defender/defendertest"
	"scanwarden/tools"
)

// TestTheRefusalOfALongListNamesTheLimitThatMatters: as many addresses as the policy allows by default are accepted as
// ranges. Single ones are refused by their bytes, with the advice to write ranges, and not by the policy's number.
func TestTheRefusalOfALongListNamesTheLimitThatMatters(t *testing.T) {
	t.Parallel()
	s := newStack(t, defendertest.Options{})
	plan := func(target string) error {
		_, err := s.Service.Plan(t.Context(), tools.Caller{Principal: ada}, "update_scan", json.RawMessage(fmt.Sprintf(`{"id":"Core switches","target":%q}`, target)))
		return err
	}
	single := make([]string, 4096)
	for i := range single {
		single[i] = fmt.Sprintf("203.113.%d.%d", 100+i/256, i%256)
	}
	for want, target := range map[string]string{
		"": "203.113.96.0/20", "4,097": "203.113.96.0/20, 203.113.1.1", "max_addresses_per_scan": "203.113.96.0/20, 203.113.1.1",
		"this limit holds whatever max_addresses_per_scan is": strings.Join(single[:3000], ", "),
		"as a CIDR or a range, or split the call":             strings.Join(single, ", "),
	} {
		if err := plan(target); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %.300v", want, err)
		}
	}
}
