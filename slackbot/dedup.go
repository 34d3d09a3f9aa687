package slackbot

import "sync"

// remembered bounds the memory of deliveries. Slack repeats within minutes, and no workspace gives thousands of
// commands in that time.
const remembered = 4096

// memory knows what was delivered already. Slack may deliver the same request twice, on two sockets or again
// over HTTP, and whoever has seen a signed request can send it once more.
type memory struct {
	mu    sync.Mutex
	byKey map[string]*delivery
	ring  [remembered]string
	next  int
}

// delivery is the first of equal requests; the others get its answer.
type delivery struct {
	answered chan struct{}
	answer   any
}

func newMemory() *memory { return &memory{byKey: map[string]*delivery{}} }

// once returns what handle answers. Of all calls with the same key only the first one calls it.
func (m *memory) once(key string, handle func() any) any {
	d, first := m.enter(key)
	if !first {
		<-d.answered
		return d.answer
	}
	defer close(d.answered)
	d.answer = handle()
	return d.answer
}

func (m *memory) enter(key string) (d *delivery, first bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if d, ok := m.byKey[key]; ok {
		return d, false
	}
	delete(m.byKey, m.ring[m.next])
	m.ring[m.next] = key
	m.next = (m.next + 1) % remembered
	d = &delivery{answered: make(chan struct{})}
	m.byKey[key] = d
	return d, true
}
