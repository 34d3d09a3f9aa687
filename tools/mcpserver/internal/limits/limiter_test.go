package limits

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// clock is a clock that only a test moves.
type clock struct{ time time.Time }

func (c *clock) now() time.Time { return c.time }

func newTestLimiter(b Bounds) (*Limiter, *clock, map[Limit]int) {
	c, counts := &clock{time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)}, map[Limit]int{}
	return New(b, func(l Limit) { counts[l]++ }, c.now), c, counts
}

// wantRefused checks the limit that refused, and whether it is the one of all callers.
func wantRefused(t *testing.T, err error, limit Limit, all bool) *Error {
	t.Helper()
	refused, ok := errors.AsType[*Error](err)
	if !ok || refused.Limit != limit || refused.All != all {
		t.Fatalf("got %v, want a refusal of %s (all callers: %v)", err, limit, all)
	}
	return refused
}

func TestAQuotaBoundsEachCallerAndAllCallers(t *testing.T) {
	l, c, counts := newTestLimiter(Bounds{Quotas: map[Limit]Scoped[Quota]{Requests: {Quota{2, 10 * time.Second}, Quota{3, 30 * time.Second}}}})
	for range 2 {
		if err := l.Take("ada", Requests, 1); err != nil {
			t.Fatal(err)
		}
	}
	if got := wantRefused(t, l.Take("ada", Requests, 1), Requests, false); got.RetryAfter != 5*time.Second || got.Seconds() != 5 {
		t.Errorf("try again after %v, want 5 s", got.RetryAfter)
	}
	if err := l.Take("bob", Requests, 1); err != nil {
		t.Errorf("another caller: %v", err)
	}
	if got := wantRefused(t, l.Take("bob", Requests, 1), Requests, true); got.RetryAfter != 10*time.Second {
		t.Errorf("try again after %v, want 10 s", got.RetryAfter)
	}
	c.time = c.time.Add(10 * time.Second)
	if err := l.Take("bob", Requests, 1); err != nil {
		t.Errorf("after the time that the refusal named: %v", err)
	}
	if counts[Requests] != 2 {
		t.Errorf("%d refusals were reported, want 2", counts[Requests])
	}
}

// A refusal of all callers together must not use up the caller's own quota.
func TestARefusalUsesNothing(t *testing.T) {
	l, c, _ := newTestLimiter(Bounds{Quotas: map[Limit]Scoped[Quota]{Requests: {Quota{2, time.Hour}, Quota{1, time.Second}}}})
	for i := range 2 {
		if err := l.Take("ada", Requests, 1); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		for range 10 {
			if l.Take("ada", Requests, 1) == nil {
				t.Fatal("not refused")
			}
		}
		c.time = c.time.Add(time.Second)
	}
	wantRefused(t, l.Take("ada", Requests, 1), Requests, false)
}

// A caller that has the server for itself is not refused, and has used up its quota when another one comes.
func TestASharedQuotaBoundsCallersWhileThereAreOthers(t *testing.T) {
	l, c, counts := newTestLimiter(Bounds{Quotas: map[Limit]Scoped[Quota]{Requests: {Quota{2, time.Hour}, Quota{100, time.Second}}}})
	for range 10 {
		if err := l.TakeShared("ada", Requests, 1); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := l.TakeShared("bob", Requests, 1); err != nil {
			t.Fatal(err)
		}
		wantRefused(t, l.TakeShared("ada", Requests, 1), Requests, false)
	}
	c.time = c.time.Add(sharedFor)
	if err := l.TakeShared("ada", Requests, 1); err != nil {
		t.Errorf("alone again: %v", err)
	}
	if counts[Requests] != 2 {
		t.Errorf("%d refusals were reported, want 2", counts[Requests])
	}
}

// What is known only afterwards is charged afterwards. The debt must be refilled first.
func TestAChargeCanExceedTheQuota(t *testing.T) {
	l, c, _ := newTestLimiter(Bounds{Quotas: map[Limit]Scoped[Quota]{ProposalBytes: {Quota{100, 100 * time.Second}, Quota{1000, time.Second}}}})
	if err := l.Check("ada", ProposalBytes); err != nil {
		t.Fatal(err)
	}
	l.Charge("ada", ProposalBytes, 350)
	if got := wantRefused(t, l.Check("ada", ProposalBytes), ProposalBytes, false); got.Seconds() != 251 {
		t.Errorf("try again after %d s, want 251", got.Seconds())
	}
	c.time = c.time.Add(251 * time.Second)
	if err := l.Check("ada", ProposalBytes); err != nil {
		t.Error(err)
	}
	if err := l.Check("bob", ProposalBytes); err != nil {
		t.Errorf("another caller: %v", err)
	}
}

func TestSlotsBoundEachCallerAndAllCallers(t *testing.T) {
	l, _, counts := newTestLimiter(Bounds{Slots: map[Limit]Scoped[int]{Running: {2, 3}, Waiting: {0, 0}}})
	var releases []func()
	for _, caller := range []string{"ada", "ada", "bob"} {
		release, err := l.Acquire(caller, Running, 1)
		if err != nil {
			t.Fatal(err)
		}
		releases = append(releases, release)
	}
	_, err := l.Acquire("ada", Running, 1)
	wantRefused(t, err, Running, false)
	_, err = l.Acquire("bob", Running, 1)
	wantRefused(t, err, Running, true)
	_, err = l.Acquire("eve", Waiting, 1)
	if got := wantRefused(t, err, Waiting, false); got.Seconds() != 10 {
		t.Errorf("try again after %d s, want 10", got.Seconds())
	}
	releases[0]()
	releases[0]() // a second call must free nothing
	release, err := l.Acquire("bob", Running, 1)
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.Acquire("ada", Running, 1)
	wantRefused(t, err, Running, true)
	for _, free := range append(releases[1:], release) {
		free()
	}
	if len(l.busy) != 0 || l.all.slots[Running] != 0 {
		t.Errorf("%d callers occupy %d slots after all were released", len(l.busy), l.all.slots[Running])
	}
	if counts[Running] != 3 || counts[Waiting] != 1 {
		t.Errorf("reported %v", counts)
	}
}

// A million callers must not fill the memory, and none of them may forget what another one occupies.
func TestTheMemoryOfALimiterIsBounded(t *testing.T) {
	l, _, _ := newTestLimiter(ForCallers())
	if _, err := l.Acquire("ada", Running, 20); err != nil {
		t.Fatal(err)
	}
	for i := range 20 * recentCallers {
		_ = l.Take(fmt.Sprint(i), Requests, 1)
		l.RefusalDelay(fmt.Sprint(i))
	}
	if known := l.idle.Len() + len(l.busy); known > recentCallers+1 {
		t.Errorf("%d callers are known", known)
	}
	_, err := l.Acquire("ada", Running, 1)
	wantRefused(t, err, Running, false)
}

// Answers to refused requests slow down, up to the point where connections are closed.
func TestAnswersToRefusedRequestsAreDelayed(t *testing.T) {
	l, c, _ := newTestLimiter(ForCallers())
	var last time.Duration
	answered := 0
	for range 5000 {
		delay, ok := l.RefusalDelay("ada")
		if !ok {
			break
		}
		answered++
		if delay < last || delay > maxDelay {
			t.Fatalf("delay %v after %v", delay, last)
		}
		last = delay
	}
	if answered < 500 || answered > 2000 {
		t.Errorf("%d refusals were answered at once or within %v", answered, maxDelay)
	}
	if delay, ok := l.RefusalDelay("bob"); !ok || delay > 2*time.Second {
		t.Errorf("another caller waits %v, %v", delay, ok)
	}
	c.time = c.time.Add(time.Minute)
	if delay, ok := l.RefusalDelay("ada"); !ok || delay != 0 {
		t.Errorf("after a minute: %v, %v", delay, ok)
	}
}

func TestEveryRefusalSaysWhatAndWhen(t *testing.T) {
	for _, b := range []Bounds{ForCallers(), ForAddresses()} {
		for limit := range b.Quotas {
			if limit != refusals && limit != logLines {
				checkTexts(t, limit)
			}
		}
		for limit := range b.Slots {
			checkTexts(t, limit)
		}
	}
	if text := (&Error{Limit: Handshake}).Error(); !strings.Contains(text, "64 KiB") || strings.Contains(text, "again") {
		t.Error(text)
	}
}

func checkTexts(t *testing.T, limit Limit) {
	t.Helper()
	for wait, want := range map[time.Duration]string{
		time.Millisecond: "; try again in a second", 1500 * time.Millisecond: "; try again in 2 seconds",
		10 * time.Minute: "; try again in 10 minutes",
	} {
		for _, all := range []bool{false, true} {
			text := (&Error{Limit: limit, All: all, RetryAfter: wait}).Error()
			if !strings.HasSuffix(text, want) || len(text) < len(want)+20 {
				t.Errorf("%s: %q", limit, text)
			}
		}
	}
}

func TestALimitIsLoggedOnceAMinute(t *testing.T) {
	l, c, _ := newTestLimiter(ForCallers())
	logged := 0
	for range 120 {
		if l.MayLog("ada") {
			logged++
		}
		c.time = c.time.Add(time.Second)
	}
	if logged != 2 {
		t.Errorf("logged %d times in two minutes", logged)
	}
}
