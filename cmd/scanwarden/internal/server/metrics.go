package server

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	runtimemetrics "runtime/metrics"
	"time"

	vm "github.com/VictoriaMetrics/metrics"

	"scanwarden/confirm"
)

// metrics counts what /metrics returns. No name, address or principal is ever a label. A nil *metrics counts nothing.
//
//   - scanwarden_changes_total: transitions of changes made by this process, by operation and the state entered.
//   - scanwarden_defender_calls_total: HTTP calls to Defender, by method and outcome: a status, or "error" if no response
//     came.
//   - scanwarden_budget_wait_seconds: how long calls waited for Defender's rate limit.
//   - scanwarden_ledger_bytes: the size of the ledger on disk.
//   - scanwarden_callers_limited_total: refusals of MCP callers, by the limit that was reached.
type metrics struct {
	set   *vm.Set
	waits *vm.PrometheusHistogram
}

// waitBuckets are the upper bounds of scanwarden_budget_wait_seconds. Dashboards depend on them.
var waitBuckets = []float64{0.1, 1, 5, 15, 60, 300, 900}

// goSettings are gauges of Go's runtime that the library does not write, by the name that client_golang gave them.
var goSettings = map[string]string{
	"go_gc_gogc_percent":          "/gc/gogc:percent",
	"go_gc_gomemlimit_bytes":      "/gc/gomemlimit:bytes",
	"go_sched_gomaxprocs_threads": "/sched/gomaxprocs:threads",
}

func readGoSetting(source string) float64 {
	sample := []runtimemetrics.Sample{{Name: source}}
	runtimemetrics.Read(sample)
	return float64(sample[0].Value.Uint64())
}

// newMetrics returns metrics that have counted nothing yet.
func newMetrics() *metrics {
	vm.ExposeMetadata(true) // the type of each metric, for dashboards
	set := vm.NewSet()
	for name, source := range goSettings {
		set.NewGauge(name, func() float64 { return readGoSetting(source) })
	}
	return &metrics{set: set, waits: set.NewPrometheusHistogramExt("scanwarden_budget_wait_seconds", waitBuckets)}
}

// handler returns the page in the Prometheus text format, with the metrics of the process and of Go's runtime.
func (m *metrics) handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		m.write(w)
	})
}

func (m *metrics) write(w io.Writer) {
	m.set.WritePrometheus(w)
	vm.WriteProcessMetrics(w)
	vm.WriteFDMetrics(w)
}

// countTransition counts a change that entered its state.
func (m *metrics) countTransition(c confirm.Change) {
	if m == nil {
		return
	}
	m.set.GetOrCreateCounter(fmt.Sprintf(`scanwarden_changes_total{operation=%q,state=%q}`, c.Operation, c.State)).Inc()
}

// countCall counts a response from Defender, or that none came.
func (m *metrics) countCall(method, outcome string) {
	m.set.GetOrCreateCounter(fmt.Sprintf(`scanwarden_defender_calls_total{method=%q,outcome=%q}`, method, outcome)).Inc()
}

// sizeTimeout bounds one measurement of the ledger, so that a database that hangs does not delay the page.
const sizeTimeout = 2 * time.Second

// measureLedger lets the page show the size that the function returns, and NaN while it returns an error.
func (m *metrics) measureLedger(size func(context.Context) (int64, error)) {
	if m == nil {
		return
	}
	m.set.GetOrCreateGauge("scanwarden_ledger_bytes", func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), sizeTimeout)
		defer cancel()
		bytes, err := size(ctx)
		if err != nil {
			return math.NaN()
		}
		return float64(bytes)
	})
}

// countLimited counts a caller that was refused by a limit.
func (m *metrics) countLimited(limit string) {
	if m != nil {
		m.set.GetOrCreateCounter(fmt.Sprintf(`scanwarden_callers_limited_total{limit=%q}`, limit)).Inc()
	}
}

// observeWait records how long a call waited for the rate limit.
func (m *metrics) observeWait(d time.Duration) {
	if m != nil {
		m.waits.Update(d.Seconds())
	}
}
