package defender_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"scanwarden/defender"
)

// BenchmarkDefinitions decodes a list of 1,000 definitions with their canonical forms. For comparison, encoding/json
// decodes the same bytes into any.
func BenchmarkDefinitions(b *testing.B) {
	one := fixture(b, "definition.response.derived-from-metadata")
	list := []byte("[" + strings.Repeat(one+",", 999) + one + "]")
	start := time.Now()
	const rounds = 20
	for range rounds {
		var bare any
		if err := json.Unmarshal(list, &bare); err != nil {
			b.Fatal(err)
		}
	}
	bare := time.Since(start) / rounds
	b.ReportAllocs()
	for b.Loop() {
		var all []defender.Definition
		if err := json.Unmarshal(list, &all); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(bare), "x-bare")
}
