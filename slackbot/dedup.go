package slackbot

import "sync"

// dedupSize bounds the memory of deliveries. Slack repeats within minutes, and no workspace gives thousands of
// commands in that time.
const dedupSize = 4096

// dedup knows what was delivered already. Slack may deliver the same request twice, on two sockets or again
// over HTTP, and whoever has seen a signed request can send it once more.
type dedup struct {
	mu    sync.Mutex
	byKey map[string]*dedupEntry
	ring  [dedupSize]string
	next  int
}

// dedupEntry is the first of equal requests; the others get its answer.
type dedupEntry struct {
	answered chan struct{}
	answer   any
}

func newDedup() *dedup { return &dedup{byKey: map[string]*dedupEntry{}} }

// once returns what handle answers. Of all calls with the same key only the first one calls it.
func (m *dedup) once(key string, handle func() any) any {
	d, first := m.entryFor(key)
	if !first {
		<-d.answered
		return d.answer
	}
	defer close(d.answered)
	d.answer = handle()
	return d.answer
}

func (m *dedup) entryFor(key string) (d *dedupEntry, first bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if d, ok := m.byKey[key]; ok {
		return d, false
	}
	delete(m.byKey, m.ring[m.next])
	m.ring[m.next] = key
	m.next = (m.next + 1) % dedupSize
	d = &dedupEntry{answered: make(chan struct{})}
	m.byKey[key] = d
	return d, true
}
