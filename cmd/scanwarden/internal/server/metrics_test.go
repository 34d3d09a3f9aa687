package server

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"scanwarden/confirm"
)

// TestMetricsHoldTheirNames: dashboards depend on the names, labels, types and buckets of what is counted here.
func TestMetricsHoldTheirNames(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	m.countTransition(confirm.Change{Proposal: confirm.Proposal{Operation: "add_scan"}, State: confirm.Applied, Requester: "entra:t/ada"})
	m.observeWait(2 * time.Second)
	m.measureLedger(func(context.Context) (int64, error) { return 4096, nil })
	m.countLimited("waiting")
	(*metrics)(nil).countLimited("waiting") // over stdio nothing is counted
	answering := httptest.NewServer(http.NotFoundHandler())
	for range 2 { // the second call finds nothing that listens
		if response, err := m.newHTTPClient(false).Get(answering.URL); err == nil {
			response.Body.Close()
		}
		answering.Close()
	}
	var page bytes.Buffer
	m.write(&page)
	for _, line := range strings.Split(strings.TrimSpace(`
# TYPE scanwarden_changes_total counter
scanwarden_changes_total{operation="add_scan",state="applied"} 1
# TYPE scanwarden_defender_calls_total counter
scanwarden_defender_calls_total{method="GET",outcome="404"} 1
scanwarden_defender_calls_total{method="GET",outcome="error"} 1
# TYPE scanwarden_callers_limited_total counter
scanwarden_callers_limited_total{limit="waiting"} 1
# TYPE scanwarden_budget_wait_seconds histogram
scanwarden_budget_wait_seconds_bucket{le="0.1"} 0
scanwarden_budget_wait_seconds_bucket{le="1"} 0
scanwarden_budget_wait_seconds_bucket{le="5"} 1
scanwarden_budget_wait_seconds_bucket{le="15"} 1
scanwarden_budget_wait_seconds_bucket{le="60"} 1
scanwarden_budget_wait_seconds_bucket{le="300"} 1
scanwarden_budget_wait_seconds_bucket{le="900"} 1
scanwarden_budget_wait_seconds_bucket{le="+Inf"} 1
scanwarden_budget_wait_seconds_sum 2
scanwarden_budget_wait_seconds_count 1
# TYPE scanwarden_ledger_bytes gauge
scanwarden_ledger_bytes 4096`), "\n") {
		if !strings.Contains(page.String(), line+"\n") {
			t.Errorf("/metrics lacks %s", line)
		}
	}
	for _, name := range []string{"go_goroutines ", "go_gc_gogc_percent ", "process_resident_memory_bytes ", "process_open_fds "} {
		if !strings.Contains(page.String(), "\n"+name) {
			t.Errorf("/metrics lacks %s", name)
		}
	}
	if strings.Contains(page.String(), "ada") {
		t.Error("/metrics names a principal")
	}
}
