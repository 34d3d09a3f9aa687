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
)

func names(list any, key string) string {
	var out []string
	for _, v := range list.([]any) {
		out = append(out, fmt.Sprint(v.(map[string]any)[key]))
	}
	return strings.Join(out, "|")
}

// TestListScansFilters by name, id, target and scanner, letter case aside.
func TestListScansFilters(t *testing.T) {
	h := build(t, defendertest.Options{AuthInLists: true})
	for filter, want := range map[string]string{
		"":                   "Branch routers|Core switches|Finance servers|Internet edge firewalls|Plant floor switches",
		"SWITCHES":           "Core switches|Plant floor switches",
		coreSwitches[:9]:     "Core switches",
		"198.51.100.65":      "Branch routers",
		"scan-PLANT":         "Plant floor switches",
		branch:               "Branch routers",
		"no scan like this ": "",
	} {
		got := h.mustCall(ada, "list_scans", fmt.Sprintf(`{"filter":%q}`, filter))
		if got := names(got["scans"], "scanName"); got != want {
			t.Errorf("filter %q: %s, want %s", filter, got, want)
		}
	}
	if got := fmt.Sprint(h.mustCall(ada, "list_scans", ``)); strings.Contains(got, "authPassword") || strings.Contains(got, "privPassword") {
		t.Errorf("the list has credentials: %s", got)
	}
}

func TestListScannersFilters(t *testing.T) {
	h := build(t, defendertest.Options{})
	got := h.mustCall(ada, "list_scanners", `{"filter":"Branch"}`)
	if got := names(got["scanners"], "machineId"); got != branch {
		t.Errorf("scanners = %s, want %s", got, branch)
	}
	if got := h.mustCall(ada, "list_scanners", `{}`)["scanners"].([]any); len(got) != 3 {
		t.Errorf("%d scanners, want 3", len(got))
	}
}

// TestReadsHideNothing: text planted in Defender reaches a model with its invisible characters spelt out.
func TestReadsHideNothing(t *testing.T) {
	h := build(t, defendertest.Options{})
	h.sim.AddScanner("evil\u202escanner", recently())
	h.sim.Edit(coreSwitches, map[string]any{"scanName": "a\U000e0041b", "latestScan": map[string]any{"status": "Fail", "failureReason": "x\u200by"}})
	for _, operation := range []string{"list_scans", "list_scanners"} {
		text := fmt.Sprint(h.mustCall(ada, operation, `{}`))
		if strings.ContainsAny(text, "\u202e\u200b\U000e0041") {
			t.Errorf("%s hides something: %q", operation, text)
		}
	}
	// What was shown can be used as a name.
	h.plan("update_scan", `{"id":"a⟨U+E0041⟩b","isActive":false}`)
}

// TestHistory by scans, named or not, and by session.
func TestHistory(t *testing.T) {
	h := build(t, defendertest.Options{})
	runs := h.mustCall(ada, "scan_history", `{"scanDefinitionIds":["core switches"],"top":1}`)["runs"].([]any)
	if len(runs) != 1 || runs[0].(map[string]any)["scanDefinitionId"] != coreSwitches {
		t.Fatalf("runs = %v", runs)
	}
	all := h.mustCall(ada, "scan_history", `{"ScanDefinitionIds":["Branch routers","`+coreSwitches+`"]}`)["runs"].([]any)
	if len(all) != 4 {
		t.Errorf("%d runs, want 4", len(all))
	}
	session := h.mustCall(ada, "scan_history", `{"sessionIds":["01decc497f4b4ec49a5fc4e12597f8c8"]}`)["runs"].([]any)
	if len(session) != 1 || session[0].(map[string]any)["scannedTargets"] == nil {
		t.Errorf("runs of the session = %v", session)
	}
	gone := "11111111-2222-3333-4444-555555555555"
	if runs := h.mustCall(ada, "scan_history", `{"scanDefinitionIds":["`+gone+`"]}`)["runs"].([]any); len(runs) != 0 {
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
		_, err := h.call(ada, "scan_history", args)
		if r := (*tools.Refusal)(nil); !errors.As(err, &r) {
			t.Errorf("%.60s: %v, want a refusal", args, err)
			continue
		}
		wantWords(t, err.Error(), words...)
	}
}

// counting counts the reads of the list of definitions.
func (h *house) lists() (n int) {
	for _, c := range h.sim.Calls() {
		if c.Method == "GET" && strings.HasSuffix(c.Path, collection) {
			n++
		}
	}
	return n
}

// TestListsAreFetchedOnceHoweverManyAsk, and kept for five seconds.
func TestListsAreFetchedOnceHoweverManyAsk(t *testing.T) {
	var mu sync.Mutex
	now := time.Now()
	h := build(t, defendertest.Options{}, func(cfg *tools.Config) {
		cfg.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	})
	h.sim.Fail(defendertest.Fault{Path: collection, Delay: 100 * time.Millisecond})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := h.desk.Call(t.Context(), tools.Caller{Principal: ada}, "list_scans", nil); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := h.lists(); n != 1 {
		t.Errorf("20 callers made %d reads, want 1", n)
	}
	for _, step := range []struct {
		later time.Duration
		reads int
	}{{4 * time.Second, 1}, {1 * time.Second, 2}, {0, 2}} {
		mu.Lock()
		now = now.Add(step.later)
		mu.Unlock()
		h.mustCall(ada, "list_scans", ``)
		if n := h.lists(); n != step.reads {
			t.Errorf("after %v more: %d reads, want %d", step.later, n, step.reads)
		}
	}
}

// TestForgetMakesPlansFresh: what was just applied is seen by the next plan, also when a read from before is
// still on its way.
func TestForgetMakesPlansFresh(t *testing.T) {
	h := build(t, defendertest.Options{})
	h.plan("update_scan", `{"id":"Core switches","isActive":false}`)
	h.sim.Edit(coreSwitches, map[string]any{"isActive": false})
	h.desk.InvalidateCache()
	wantWords(t, h.refused("update_scan", `{"id":"Core switches","isActive":false}`).Error(), "nothing would change")

	h.desk.InvalidateCache()
	h.sim.Fail(defendertest.Fault{Path: collection, Hang: true})
	old := make(chan error, 1)
	go func() {
		_, err := h.desk.Call(t.Context(), tools.Caller{Principal: ada}, "list_scans", nil)
		old <- err
	}()
	for h.lists() < 3 {
		time.Sleep(time.Millisecond) // until the slow read is on its way
	}
	h.desk.InvalidateCache()
	h.plan("update_scan", `{"id":"Core switches","isActive":true}`) // would hang with the one from before
	h.sim.Release()
	<-old
}

// heldBack is a way to Defender on which the first answer is held back until it is let go.
type heldBack struct {
	http.RoundTripper
	begun        atomic.Bool
	arrived, let chan struct{}
}

func (h *heldBack) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := h.RoundTripper.RoundTrip(r)
	if !h.begun.Swap(true) {
		close(h.arrived)
		<-h.let
	}
	return answer, err
}

// TestAnOldReadIsNotKept: what was on its way before Forget does not replace what was read after.
func TestAnOldReadIsNotKept(t *testing.T) {
	now := time.Now()
	h := build(t, defendertest.Options{}, func(cfg *tools.Config) { cfg.Now = func() time.Time { return now } })
	way := &heldBack{RoundTripper: http.DefaultTransport, arrived: make(chan struct{}), let: make(chan struct{})}
	h.api.HTTP = &http.Client{Transport: way}
	var err error
	if h.cfg.Reader, err = defender.New(h.api); err != nil {
		t.Fatal(err)
	}
	h.desk = tools.NewService(h.cfg)
	h.sim.Fail(defendertest.Fault{Path: collection, Body: `{"value":[]}`})
	old := make(chan any, 1)
	go func() {
		answer, err := h.desk.Call(t.Context(), tools.Caller{Principal: ada}, "list_scans", nil)
		old <- fmt.Sprint(answer, err)
	}()
	<-way.arrived
	h.desk.InvalidateCache()
	h.plan("update_scan", `{"id":"Core switches","isActive":false}`)
	close(way.let)
	if got := <-old; got != "{[]} <nil>" {
		t.Errorf("the old read got %v", got)
	}
	h.plan("update_scan", `{"id":"Core switches","isActive":false}`)
	if n := h.lists(); n != 2 {
		t.Errorf("%d reads, want 2", n)
	}
}

// TestProgressEndsWithItsListener: a read that goes on for others tells nothing to the one who left.
func TestProgressEndsWithItsListener(t *testing.T) {
	h := build(t, defendertest.Options{})
	queued, turn := make(chan bool, 1), make(chan bool)
	h.api.RateLimit = func(ctx context.Context, _ bool) error {
		tools.Progress(ctx, "queued")
		queued <- true
		<-turn
		tools.Progress(ctx, "my turn")
		return nil
	}
	var err error
	if h.cfg.Reader, err = defender.New(h.api); err != nil {
		t.Fatal(err)
	}
	h.desk = tools.NewService(h.cfg)
	heard := make(chan string, 2)
	ctx, leave := context.WithCancel(tools.WithProgress(t.Context(), func(note string) { heard <- note }))
	first, second := make(chan error, 1), make(chan error, 1)
	ask := func(ctx context.Context, answered chan<- error) {
		_, err := h.desk.Call(ctx, tools.Caller{Principal: ada}, "list_scans", nil)
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

// TestACallerMayLeave: they are answered at once, and the read goes on for the others.
func TestACallerMayLeave(t *testing.T) {
	h := build(t, defendertest.Options{})
	h.sim.Fail(defendertest.Fault{Path: collection, Hang: true})
	ctx, leave := context.WithCancel(t.Context())
	first, second := make(chan error, 1), make(chan error, 1)
	ask := func(ctx context.Context, answered chan<- error) {
		_, err := h.desk.Call(ctx, tools.Caller{Principal: ada}, "list_scans", nil)
		answered <- err
	}
	go ask(ctx, first)
	for h.lists() < 1 {
		time.Sleep(time.Millisecond) // until the read is on its way
	}
	go ask(t.Context(), second)
	leave()
	if err := <-first; !errors.Is(err, context.Canceled) { // the read itself still hangs
		t.Errorf("the one who left got %v", err)
	}
	h.sim.Release() // cuts the connection, and the client tries again
	if err := <-second; err != nil {
		t.Errorf("the one who stayed got %v", err)
	}
}

// TestFailedReadsAreNotKept: the next caller asks again, and errors come as Defender's own.
func TestFailedReadsAreNotKept(t *testing.T) {
	h := build(t, defendertest.Options{})
	h.sim.Fail(defendertest.Fault{Path: collection, Status: 403, Message: "Missing application roles"})
	_, err := h.desk.Plan(t.Context(), tools.Caller{}, "add_scan", json.RawMessage(lab))
	if !errors.Is(err, defender.ErrForbidden) {
		t.Errorf("plan: %v, want forbidden", err)
	}
	wantWords(t, tools.Refused("add_scan", err).Reason, "403", "Missing application roles")
	h.plan("add_scan", lab)
}

// TestProgressIsSilentUnlessAskedFor, and after its listener has left.
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
