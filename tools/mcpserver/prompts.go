package mcpserver

import "sync"

// openPrompts counts the prompts of waiting calls by change. Two calls with the same arguments prompt for the same
// change, and it must stay open until the last of them has ended.
type openPrompts struct {
	mu    sync.Mutex
	count map[string]int
}

// open counts a prompt for the change until close is called. close reports whether it was the last one.
func (p *openPrompts) open(change string) (close func() (last bool)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count == nil {
		p.count = map[string]int{}
	}
	p.count[change]++
	return sync.OnceValue(func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.count[change]--
		last := p.count[change] == 0
		if last {
			delete(p.count, change)
		}
		return last
	})
}
