package store_test

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkChange takes changes through their life (propose, decide, claim, finish: four durable transitions,
// each with its audit entry) and, in the same rounds and on the same ledger, makes as many bare commits of
// one row. The metric ratio is the rate of transitions over the rate of bare commits.
func BenchmarkChange(b *testing.B) {
	for _, writers := range []int{1, 16} {
		b.Run(fmt.Sprintf("sqlite/writers=%d", writers), func(b *testing.B) {
			benchmarkChange(b, sqliteLedger(b), writers)
		})
		b.Run(fmt.Sprintf("postgres/writers=%d", writers), func(b *testing.B) {
			server := os.Getenv("SCANWARDEN_TEST_POSTGRES")
			if server == "" {
				b.Skip("SCANWARDEN_TEST_POSTGRES is not set")
			}
			benchmarkChange(b, postgresLedger(b, server), writers)
		})
	}
}

func benchmarkChange(b *testing.B, l ledger, writers int) {
	const commits, perRound = 4, 16
	s := l.open(b)
	_, err := l.raw.Exec(`CREATE TABLE bare (id BIGINT PRIMARY KEY, v TEXT NOT NULL)`)
	must(b, err)
	bare, err := l.raw.Prepare(`INSERT INTO bare (id, v) VALUES ($1, $2)`)
	must(b, err)
	var id atomic.Int64
	var ours, theirs time.Duration
	var made int
	for b.Loop() {
		began := time.Now()
		inParallel(writers, func(int) {
			for range perRound / min(writers, 4) {
				c := fresh(b)
				if err := s.Insert(b.Context(), c); err != nil {
					b.Error(err)
				}
				if _, err := walk(b.Context(), s, c, approval("ada"), claim("me"), finish("applied")); err != nil {
					b.Error(err)
				}
			}
		})
		ours += time.Since(began)
		b.StopTimer()
		began = time.Now()
		inParallel(writers, func(int) {
			for range commits * (perRound / min(writers, 4)) {
				if _, err := bare.Exec(id.Add(1), strings.Repeat("x", 100)); err != nil {
					b.Error(err)
				}
			}
		})
		theirs += time.Since(began)
		made += writers * commits * (perRound / min(writers, 4))
		b.StartTimer()
	}
	ratio := theirs.Seconds() / ours.Seconds()
	b.ReportMetric(float64(ours.Nanoseconds())/float64(made), "ns/transition")
	b.ReportMetric(float64(theirs.Nanoseconds())/float64(made), "ns/bare-commit")
	b.ReportMetric(ratio, "ratio")
	b.Logf("COMPARE %s: %.0f transitions/s beside %.0f bare commits/s, ratio %.2f",
		b.Name(), float64(made)/ours.Seconds(), float64(made)/theirs.Seconds(), ratio)
	if _, err := s.Verify(b.Context()); err != nil {
		b.Error(err)
	}
}
