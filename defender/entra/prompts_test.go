package entra_test

import (
	"context"
	"sync"
	"testing"
)

// prompts records what users were shown.
type prompts struct {
	mu    sync.Mutex
	texts []string
}

func (p *prompts) add(_ context.Context, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.texts = append(p.texts, text)
}

// any reports whether anything was shown.
func (p *prompts) any() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.texts) > 0
}

// want compares the texts shown, which must show no secret.
func (p *prompts) want(t *testing.T, texts ...string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.texts) != len(texts) {
		t.Fatalf("shown %q, want %q", p.texts, texts)
	}
	for i, text := range texts {
		if p.texts[i] != text {
			t.Errorf("shown %q, want %q", p.texts[i], text)
		}
		wantNoSecrets(t, p.texts[i])
	}
}
