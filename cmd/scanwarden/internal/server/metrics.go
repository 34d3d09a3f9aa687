package server

import (
	"net/http"
	"scanwarden/confirm"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics is what /metrics tells: no name, address or principal is ever a label. A nil one counts nothing.
type metrics struct {
	registry *prometheus.Registry
	changes  *prometheus.CounterVec
	calls    *prometheus.CounterVec
	waits    prometheus.Histogram
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		changes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "scanwarden_changes_total", Help: "Transitions of changes made by this process, by operation and the state entered.",
		}, []string{"operation", "state"}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "scanwarden_defender_calls_total", Help: "HTTP calls to Defender, by method and outcome: a status, or error when there was no answer.",
		}, []string{"method", "outcome"}),
		waits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "scanwarden_budget_wait_seconds", Help: "How long calls waited for their turn in Defender's call budget.",
			Buckets: []float64{0.1, 1, 5, 15, 60, 300, 900},
		}),
	}
	m.registry.MustRegister(m.changes, m.calls, m.waits,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

func (m *metrics) countTransition(c confirm.Change) {
	if m == nil {
		return
	}
	m.changes.WithLabelValues(c.Operation, string(c.State)).Inc()
}

func (m *metrics) observeWait(d time.Duration) {
	if m != nil {
		m.waits.Observe(d.Seconds())
	}
}
