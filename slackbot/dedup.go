package slackbot

import lru "github.com/hashicorp/golang-lru/v2"

// dedupSize bounds the deliveries that are remembered. Slack repeats a request within minutes, and no workspace sends
// thousands of commands in that time.
const dedupSize = 4096

// dedup answers repeated deliveries of a request with the answer to the first one. Slack may deliver a request twice,
// on two sockets or again over HTTP, and a signed request can be replayed by anyone with a copy of it.
type dedup struct {
	entries *lru.Cache[string, *dedupEntry]
}

// dedupEntry is the first of several deliveries with the same key.
type dedupEntry struct {
	done   chan struct{} // closed when answer is set
	answer any
}

func newDedup() *dedup { return &dedup{entries: newCache[*dedupEntry](dedupSize)} }

// newCache returns an empty cache that drops its least recently used entry when it has size entries.
func newCache[V any](size int) *lru.Cache[string, V] {
	cache, err := lru.New[string, V](size)
	if err != nil {
		panic(err) // only for a size below one
	}
	return cache
}

// once returns what handle returns. Of all calls with the same key only the first one calls handle; the others wait
// for it.
func (d *dedup) once(key string, handle func() any) any {
	entry := &dedupEntry{done: make(chan struct{})}
	if first, repeated, _ := d.entries.PeekOrAdd(key, entry); repeated {
		<-first.done
		return first.answer
	}
	defer close(entry.done)
	entry.answer = handle()
	return entry.answer
}
