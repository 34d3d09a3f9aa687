package store_test

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"scanwarden/confirm"
)

// BenchmarkChange takes changes through their life (propose, decide, claim, finish: four durable transitions, each
// with its audit entry, and with the key of what it writes). In the same rounds, on the same database, it makes as many bare commits of one row. The
// metric ratio is the rate of transitions over the rate of bare commits.
func BenchmarkChange(b *testing.B) {
	for _, writers := range []int{1, 16} {
		b.Run(fmt.Sprintf("sqlite/writers=%d", writers), func(b *testing.B) {
			benchmarkChange(b, newSQLiteDatabase(b), writers)
		})
		b.Run(fmt.Sprintf("postgres/writers=%d", writers), func(b *testing.B) {
			server := os.Getenv("SCANWARDEN_TEST_POSTGRES")
			if server == "" {
				b.Skip("SCANWARDEN_TEST_POSTGRES is not set")
			}
			benchmarkChange(b, newPostgresDatabase(b, server), writers)
		})
	}
}

func benchmarkChange(b *testing.B, l testDatabase, writers int) {
	const each = 8 // changes that a writer takes through their life in one round
	s := l.openStore(b)
	_, err := l.raw.Exec(`CREATE TABLE bare (id BIGINT PRIMARY KEY, v TEXT NOT NULL)`)
	must(b, err)
	bare, err := l.raw.Prepare(`INSERT INTO bare (id, v) VALUES ($1, $2)`)
	must(b, err)
	var ids, transitions int64
	var transitionTime, bareTime time.Duration
	changes := make([]confirm.Change, writers*each)
	for b.Loop() {
		b.StopTimer()
		for i := range changes {
			changes[i] = mustNewChange(b)
			changes[i].Fingerprint = changes[i].ID
		}
		b.StartTimer()
		transitionTime += runTimed(b, writers, func(i int) error {
			for _, c := range changes[i*each:][:each] {
				err := s.Insert(b.Context(), c)
				if err == nil {
					_, err = moveAll(b.Context(), s, c, approval("ada"), claimKeys(c.ID), finish(confirm.Applied))
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		b.StopTimer()
		row := strings.Repeat("x", 100)
		bareTime += runTimed(b, writers, func(int) error {
			for range 4 * each {
				if _, err := bare.Exec(atomic.AddInt64(&ids, 1), row); err != nil {
					return err
				}
			}
			return nil
		})
		transitions += int64(4 * len(changes))
		b.StartTimer()
	}
	mustVerify(b, s)
	ratio := bareTime.Seconds() / transitionTime.Seconds()
	b.ReportMetric(float64(transitionTime.Nanoseconds())/float64(transitions), "ns/transition")
	b.ReportMetric(float64(bareTime.Nanoseconds())/float64(transitions), "ns/bare-commit")
	b.ReportMetric(ratio, "ratio")
	b.Logf("COMPARE %s: %.0f transitions/s beside %.0f bare commits/s, ratio %.2f", b.Name(),
		float64(transitions)/transitionTime.Seconds(), float64(transitions)/bareTime.Seconds(), ratio)
}

// runTimed runs do n times concurrently and returns how long it took.
func runTimed(b *testing.B, n int, do func(i int) error) time.Duration {
	began := time.Now()
	inParallel(n, func(i int) {
		if err := do(i); err != nil {
			b.Error(err)
		}
	})
	return time.Since(began)
}
