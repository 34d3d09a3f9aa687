package tools_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"scanwarden/defender"
	"scanwarden/defender/defendertest"
	"scanwarden/tools"
	"scanwarden/tools/toolstest"
)

// callLog records the calls that ask for a turn, and holds the reads back until let is closed.
type callLog struct {
	mu      sync.Mutex
	calls   []defender.Call
	waiting chan bool
	let     chan struct{}
}

func (l *callLog) wait(_ context.Context, c defender.Call) error {
	l.mu.Lock()
	l.calls = append(l.calls, c)
	l.mu.Unlock()
	if c.Kind == defender.ReadCall && l.let != nil {
		l.waiting <- true
		<-l.let
	}
	return nil
}

func (l *callLog) kinds() (kinds []defender.CallKind) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.calls {
		kinds = append(kinds, c.Kind)
	}
	l.calls = nil
	return kinds
}

// TestEachCallNamesItsPurpose: a question, a plan and a confirmed change wait in queues of their own.
func TestEachCallNamesItsPurpose(t *testing.T) {
	log := &callLog{}
	s := newStackWith(t, toolstest.Options{NoGate: true, Defender: func(cfg *defender.Config) { cfg.RateLimit = log.wait }})
	by := tools.Caller{Principal: ada}
	if _, err := s.Service.Call(t.Context(), by, "scan_history", []byte(`{"scanDefinitionIds":["`+coreSwitches+`"]}`)); err != nil {
		t.Fatal(err)
	}
	for _, c := range log.calls {
		if c != (defender.Call{Actor: defender.Actor{User: string(ada)}}) {
			t.Errorf("the history is read as %+v", c)
		}
	}
	log.kinds()
	s.Service.InvalidateCache()
	p := s.plan("update_scan", `{"id":"Core switches","isActive":false}`)
	if got := log.kinds(); len(got) == 0 || slices.ContainsFunc(got, func(k defender.CallKind) bool { return k != defender.PlanCall }) {
		t.Errorf("the kinds of a plan's calls are %v", got)
	}
	s.wantState(s.Executor.Execute(t.Context(), executingChange(p), noCheck), "applied")
	if got := log.kinds(); len(got) != 2 || got[0] != defender.WriteCall || got[1] != defender.WriteCall {
		t.Errorf("the kinds of a confirmed change's calls are %v", got)
	}
}

// TestAPlanDoesNotJoinARead: a read that waits for its turn does not keep a plan waiting that needs the same list.
func TestAPlanDoesNotJoinARead(t *testing.T) {
	log := &callLog{waiting: make(chan bool, 1), let: make(chan struct{})}
	s := newStackWith(t, toolstest.Options{NoGate: true, Tenant: defendertest.Options{}, Defender: func(cfg *defender.Config) { cfg.RateLimit = log.wait }})
	read := make(chan error, 1)
	go func() {
		_, err := s.Service.Call(t.Context(), tools.Caller{Principal: ada}, "list_scans", nil)
		read <- err
	}()
	<-log.waiting
	s.plan("delete_scans", `{"scanDefinitionIds":["Core switches"]}`) // would hang
	close(log.let)
	if err := <-read; err != nil {
		t.Error(err)
	}
}
