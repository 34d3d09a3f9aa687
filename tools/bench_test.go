package tools_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"scanwarden/defender"
	"scanwarden/defender/defendertest"
	"scanwarden/tools"
)

// BenchmarkPlan plans the update of one scan among others, with the lists already read. lists/op is how many bare
// reads of the list over loopback HTTP take the same time: the share of planning in the call that it needs anyway.
func BenchmarkPlan(b *testing.B) {
	for _, scans := range []int{5, 500} {
		b.Run(fmt.Sprintf("scans=%d", scans), func(b *testing.B) {
			s := newStack(b, defendertest.Options{Empty: true}, fixedClock(time.Now()))
			scanner := s.Tenant.AddScanner("scanner", fiveMinutesAgo())
			for i := range scans {
				s.Tenant.AddScan(map[string]any{
					"scanName": fmt.Sprintf("Scan %d", i), "scannerAgent": map[string]any{"machineId": scanner},
					"target": fmt.Sprintf("10.%d.%d.0/28,10.%d.%d.32-10.%d.%d.40,10.%d.%d.77", i/250, i%250, i/250, i%250, i/250, i%250, i/250, i%250),
				})
			}
			args := json.RawMessage(`{"id":"Scan 3","target":"10.0.3.0/27,10.0.3.77","intervalInHours":8}`)
			s.plan("update_scan", string(args))
			const reads = 20
			start := time.Now()
			for range reads {
				if _, err := s.Client.Definitions(b.Context(), defender.Actor{}); err != nil {
					b.Fatal(err)
				}
			}
			bare := time.Since(start) / reads
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Service.Plan(b.Context(), tools.Caller{}, "update_scan", args); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(bare), "lists/op")
		})
	}
}

// BenchmarkCatalogue measures the schemas, which are made once, before the first handshake.
func BenchmarkCatalogue(b *testing.B) {
	for b.Loop() {
		toolsList(b, "core-snmp")
	}
}
