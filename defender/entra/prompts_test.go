package entra_test

import (
	"context"
	"sync"
	"testing"
)

// prompts keeps what people were told.
type prompts struct {
	mu    sync.Mutex
	texts []string
}

func (p *prompts) add(_ context.Context, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.texts = append(p.texts, text)
}

// any reports whether anybody was told anything.
func (p *prompts) any() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.texts) > 0
}

// want wants these texts, which give nothing away.
func (p *prompts) want(t *testing.T, texts ...string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.texts) != len(texts) {
		t.Fatalf("told %q, want %q", p.texts, texts)
	}
	for i, text := range texts {
		if p.texts[i] != text {
			t.Errorf("told %q, want %q", p.texts[i], text)
		}
		wantClean(t, p.texts[i])
	}
}
