package slackbot_test

import (
	"testing"
	"time"

	"scanwarden/slackbot"
)

func TestThePausesBetweenSocketsGrowUpToABound(t *testing.T) {
	t.Parallel()
	next := slackbot.NewSocketPauses()
	now := time.Unix(1_800_000_000, 0)
	if pause, _ := next(0, now); pause != 0 {
		t.Errorf("the first connection waits %v", pause)
	}
	want := time.Second
	for range 40 {
		pause, spare := next(0, now)
		if pause < want/2 || pause > want || spare {
			t.Fatalf("the pause is %v, spare %v; want %v to %v", pause, spare, want/2, want)
		}
		now, want = now.Add(pause), min(2*want, 5*time.Minute)
	}
	if pause, spare := next(1, now); pause != 0 || spare {
		t.Errorf("the second socket waits %v before it was ever opened", pause)
	}
	if pause, spare := next(1, now.Add(time.Second)); !spare || pause < 5*time.Minute {
		t.Errorf("beside a first socket in trouble the second one waits %v, spare %v", pause, spare)
	}
	now = now.Add(time.Hour)
	if pause, _ := next(0, now); pause != 0 {
		t.Errorf("after a connection that lasted, the next one waits %v", pause)
	}
	if pause, _ := next(0, now.Add(time.Second)); pause > time.Second {
		t.Errorf("the pauses begin again with %v", pause)
	}
}
