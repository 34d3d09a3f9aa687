package tools_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scanwarden/defender"
	"scanwarden/defender/defendertest"
	"scanwarden/tools"
	"scanwarden/tools/toolstest"
)

func joinValues(list any, key string) string {
	var out []string
	for _, v := range list.([]any) {
		out = append(out, fmt.Sprint(v.(map[string]any)[key]))
	}
	return strings.Join(out, "|")
}

// TestListScansFilters by name, id, target and scanner, ignoring letter case.
func TestListScansFilters(t *testing.T) {
	s := newStack(t, defendertest.Options{AuthInLists: true})
	for filter, want := range map[string]string{
		"":                   "Branch routers|Core switches|Finance servers|Internet edge firewalls|Plant floor switches",
		"SWITCHES":           "Core switches|Plant floor switches",
		coreSwitches[:9]:     "Core switches",
		"198.51.100.65":      "Branch routers",
		"scan-PLANT":         "Plant floor switches",
		branch:               "Branch routers",
		"no scan like this ": "",
	} {
		got := s.mustCall(ada, "list_scans", fmt.Sprintf(`{"filter":%q}`, filter))
		if got := joinValues(got["scans"], "scanName"); got != want {
			t.Errorf("filter %q: %s, want %s", filter, got, want)
		}
	}
	if got := fmt.Sprint(s.mustCall(ada, "list_scans", ``)); strings.Contains(got, "authPassword") || strings.Contains(got, "privPassword") {
		t.Errorf("the list has credentials: %s", got)
	}
}

func TestListScannersFilters(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	got := s.mustCall(ada, "list_scanners", `{"filter":"Branch"}`)
	if got := joinValues(got["scanners"], "machineId"); got != branch {
		t.Errorf("scanners = %s, want %s", got, branch)
	}
	if got := s.mustCall(ada, "list_scanners", `{}`)["scanners"].([]any); len(got) != 3 {
		t.Errorf("%d scanners, want 3", len(got))
	}
}

// TestReadsHideNothing: text planted in Defender reaches a model with its invisible characters escaped.
func TestReadsHideNothing(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	s.Tenant.AddScanner("evil\u202escanner", fiveMinutesAgo())
	s.Tenant.Edit(coreSwitches, map[string]any{"scanName": "a\U000e0041b", "latestScan": map[string]any{"status": "Fail", "failureReason": "x\u200by"}})
	for _, operation := range []string{"list_scans", "list_scanners"} {
		text := fmt.Sprint(s.mustCall(ada, operation, `{}`))
		if strings.ContainsAny(text, "\u202e\u200b\U000e0041") {
			t.Errorf("%s hides something: %q", operation, text)
		}
	}
	// What was shown can be used as a name.
	s.plan("update_scan", `{"id":"a⟨U+E0041⟩b","isActive":false}`)
}

// TestHistory by scans, by id or name, and by session.
func TestHistory(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	runs := s.mustCall(ada, "scan_history", `{"scanDefinitionIds":["core switches"],"top":1}`)["runs"].([]any)
	if len(runs) != 1 || runs[0].(map[string]any)["scanDefinitionId"] != coreSwitches {
		t.Fatalf("runs = %v", runs)
	}
	all := s.mustCall(ada, "scan_history", `{"ScanDefinitionIds":["Branch routers","`+coreSwitches+`"]}`)["runs"].([]any)
	if len(all) != 4 {
		t.Errorf("%d runs, want 4", len(all))
	}
	session := s.mustCall(ada, "scan_history", `{"sessionIds":["01decc497f4b4ec49a5fc4e12597f8c8"]}`)["runs"].([]any)
	if len(session) != 1 || session[0].(map[string]any)["scannedTargets"] == nil {
		t.Errorf("runs of the session = %v", session)
	}
	gone := "11111111-2222-3333-4444-555555555555"
	if runs := s.mustCall(ada, "scan_history", `{"scanDefinitionIds":["`+gone+`"]}`)["runs"].([]any); len(runs) != 0 {
		t.Errorf("runs of a deleted scan = %v", runs)
	}
	for args, words := range map[string][]string{
		`{}`: {"either scanDefinitionIds or sessionIds"},
		`{"scanDefinitionIds":["Core switches"],"sessionIds":["x"]}`: {"either"},
		`{"scanDefinitionIds":["nowhere"]}`:                          {`name "nowhere"`},
		`{"sessionIds":["a/b"]}`:                                     {`"a/b" is not a session's id`},
		`{"sessionIds":["a"],"top":1}`:                               {"top and skip go with scanDefinitionIds only"},
		`{"scanDefinitionIds":["Core switches"],"top":0}`:            {"top must be a whole number from 1 to 4096"},
		`{"scanDefinitionIds":["Core switches"],"skip":-1}`:          {"skip must be a whole number from 0"},
		`{"sessionIds":["` + strings.Repeat(`a","`, 100) + `a"]}`:    {"at most 100"},
	} {
		_, err := s.call(ada, "scan_history", args)
		if r := (*tools.Refusal)(nil); !errors.As(err, &r) {
			t.Errorf("%.60s: %v, want a refusal", args, err)
			continue
		}
		wantWords(t, err.Error(), words...)
	}
}

// listReads returns the number of reads of the list of definitions.
func (s *stack) listReads() (n int) {
	for _, c := range s.Tenant.Calls() {
		if c.Method == "GET" && strings.HasSuffix(c.Path, collection) {
			n++
		}
	}
	return n
}

// TestListsAreFetchedOnceForConcurrentCallers, and cached for five seconds.
func TestListsAreFetchedOnceForConcurrentCallers(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := time.Now()
	s := newStack(t, defendertest.Options{}, func(cfg *tools.Config) {
		cfg.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	})
	s.Tenant.Fail(defendertest.Fault{Path: collection, Delay: 100 * time.Millisecond})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := s.Service.Call(t.Context(), tools.Caller{Principal: ada}, "list_scans", nil); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := s.listReads(); n != 1 {
		t.Errorf("20 callers made %d reads, want 1", n)
	}
	for _, step := range []struct {
		later time.Duration
		reads int
	}{{4 * time.Second, 1}, {1 * time.Second, 2}, {0, 2}} {
		mu.Lock()
		now = now.Add(step.later)
		mu.Unlock()
		s.mustCall(ada, "list_scans", ``)
		if n := s.listReads(); n != step.reads {
			t.Errorf("after %v more: %d reads, want %d", step.later, n, step.reads)
		}
	}
}

// TestInvalidatedListsAreReadAgain: the next plan sees what was just applied, even while an older read is still on
// its way.
func TestInvalidatedListsAreReadAgain(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	s.plan("update_scan", `{"id":"Core switches","isActive":false}`)
	s.Tenant.Edit(coreSwitches, map[string]any{"isActive": false})
	s.Service.InvalidateCache()
	wantWords(t, s.planRefused("update_scan", `{"id":"Core switches","isActive":false}`).Error(), "nothing would change")

	s.Service.InvalidateCache()
	s.Tenant.Fail(defendertest.Fault{Path: collection, Hang: true})
	old := make(chan error, 1)
	go func() {
		_, err := s.Service.Call(t.Context(), tools.Caller{Principal: ada}, "list_scans", nil)
		old <- err
	}()
	for s.listReads() < 3 {
		time.Sleep(time.Millisecond) // until the slow read is on its way
	}
	s.Service.InvalidateCache()
	s.plan("update_scan", `{"id":"Core switches","isActive":true}`) // would hang with the one from before
	s.Tenant.Release()
	<-old
}

// delayedTransport holds back the first answer until let is closed.
type delayedTransport struct {
	http.RoundTripper
	begun        atomic.Bool
	arrived, let chan struct{}
}

func (h *delayedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := h.RoundTripper.RoundTrip(r)
	if !h.begun.Swap(true) {
		close(h.arrived)
		<-h.let
	}
	return answer, err
}

// TestAnOldReadIsNotCached: a read from before InvalidateCache does not replace one from after.
func TestAnOldReadIsNotCached(t *testing.T) {
	now := time.Now()
	way := &delayedTransport{RoundTripper: http.DefaultTransport, arrived: make(chan struct{}), let: make(chan struct{})}
	s := newStackWith(t, toolstest.Options{
		NoGate: true, Now: func() time.Time { return now },
		Defender: func(cfg *defender.Config) { cfg.HTTP = &http.Client{Transport: way} },
	})
	s.Tenant.Fail(defendertest.Fault{Path: collection, Body: `{"value":[]}`})
	old := make(chan string, 1)
	go func() {
		answer, err := s.Service.Call(t.Context(), tools.Caller{Principal: ada}, "list_scans", nil)
		text, _ := json.Marshal(answer)
		old <- fmt.Sprint(string(text), err)
	}()
	<-way.arrived
	s.Service.InvalidateCache()
	s.plan("update_scan", `{"id":"Core switches","isActive":false}`)
	close(way.let)
	if got := <-old; got != `{"total":0,"scans":[]}<nil>` {
		t.Errorf("the old read got %v", got)
	}
	s.plan("update_scan", `{"id":"Core switches","isActive":false}`)
	if n := s.listReads(); n != 2 {
		t.Errorf("%d reads, want 2", n)
	}
}

// TestProgressEndsWithItsListener: a read that continues for others reports nothing to the caller who left.
func TestProgressEndsWithItsListener(t *testing.T) {
	queued, turn := make(chan bool, 1), make(chan bool)
	s := newStackWith(t, toolstest.Options{NoGate: true, Defender: func(cfg *defender.Config) {
		cfg.RateLimit = func(ctx context.Context, _ defender.Call) error {
			tools.Progress(ctx, "queued")
			queued <- true
			<-turn
			tools.Progress(ctx, "my turn")
			return nil
		}
	}})
	heard := make(chan string, 2)
	ctx, leave := context.WithCancel(tools.WithProgress(t.Context(), func(note string) { heard <- note }))
	first, second := make(chan error, 1), make(chan error, 1)
	ask := func(ctx context.Context, answered chan<- error) {
		_, err := s.Service.Call(ctx, tools.Caller{Principal: ada}, "list_scans", nil)
		answered <- err
	}
	go ask(ctx, first)
	<-queued
	leave()
	<-first
	go ask(t.Context(), second)
	close(turn)
	if err := <-second; err != nil {
		t.Error(err)
	}
	if len(heard) != 1 || <-heard != "queued" {
		t.Error("the one who left was told more")
	}
}

// TestACanceledCallerReturnsAtOnce, and the read continues for the others.
func TestACanceledCallerReturnsAtOnce(t *testing.T) {
	t.Parallel()
	s := newStack(t, defendertest.Options{})
	s.Tenant.Fail(defendertest.Fault{Path: collection, Hang: true})
	ctx, leave := context.WithCancel(t.Context())
	first, second := make(chan error, 1), make(chan error, 1)
	ask := func(ctx context.Context, answered chan<- error) {
		_, err := s.Service.Call(ctx, tools.Caller{Principal: ada}, "list_scans", nil)
		answered <- err
	}
	go ask(ctx, first)
	for s.listReads() < 1 {
		time.Sleep(time.Millisecond) // until the read is on its way
	}
	go ask(t.Context(), second)
	leave()
	if err := <-first; !errors.Is(err, context.Canceled) { // the read itself still hangs
		t.Errorf("the one who left got %v", err)
	}
	s.Tenant.Release() // cuts the connection, and the client tries again
	if err := <-second; err != nil {
		t.Errorf("the one who stayed got %v", err)
	}
}

// TestFailedReadsAreNotCached: the next caller reads again, and errors are Defender's own.
func TestFailedReadsAreNotCached(t *testing.T) {
	s := newStack(t, defendertest.Options{})
	s.Tenant.Fail(defendertest.Fault{Path: collection, Status: 403, Message: "Missing application roles"})
	_, err := s.Service.Plan(t.Context(), tools.Caller{}, "add_scan", json.RawMessage(labScan))
	if !errors.Is(err, defender.ErrForbidden) {
		t.Errorf("plan: %v, want forbidden", err)
	}
	wantWords(t, tools.Refused("add_scan", err).Reason, "403", "Missing application roles")
	s.plan("add_scan", labScan)
}

// TestProgressIsSilentUnlessAskedFor, and where it was silenced.
func TestProgressIsSilentUnlessAskedFor(t *testing.T) {
	tools.Progress(t.Context(), "nobody listens")
	var heard []string
	ctx := tools.WithProgress(t.Context(), func(note string) { heard = append(heard, note) })
	tools.Progress(ctx, "one")
	tools.Progress(tools.WithProgress(ctx, nil), "silenced")
	if fmt.Sprint(heard) != "[one]" {
		t.Errorf("heard %q", heard)
	}
}
