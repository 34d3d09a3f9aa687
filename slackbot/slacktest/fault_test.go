package slacktest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"scanwarden/slackbot/slacktest"
)

func client(s *slacktest.Server) *slack.Client {
	return slack.New("xoxb-test-token", slack.OptionAPIURL(s.API()), slack.OptionAppLevelToken("xapp-test"),
		slack.OptionHTTPClient(&http.Client{Timeout: time.Minute}))
}

func postText(s *slacktest.Server) error {
	_, _, err := client(s).PostMessage("C1", slack.MsgOptionText("x", false))
	return err
}

func TestFaultsAffectTheNextCall(t *testing.T) {
	limited := func(err error) bool {
		var e *slack.RateLimitedError
		return errors.As(err, &e) && e.RetryAfter == 7*time.Second
	}
	status := func(err error) bool {
		var e slack.StatusCodeError
		return errors.As(err, &e) && e.Code == http.StatusServiceUnavailable
	}
	code := func(err error) bool { return err != nil && err.Error() == "fatal_error" }
	cut := func(err error) bool { return err != nil && strings.Contains(err.Error(), "EOF") }
	fine := func(err error) bool { return err == nil }
	tests := []struct {
		name  string
		fault slacktest.Fault
		want  func(error) bool
		shown int
	}{
		{"throttled", slacktest.Fault{RetryAfter: 7}, limited, 0},
		{"status", slacktest.Fault{Status: 503}, status, 0},
		{"error", slacktest.Fault{Error: "fatal_error"}, code, 0},
		{"error after applying", slacktest.Fault{Error: "fatal_error", AfterApply: true}, code, 1},
		{"cut", slacktest.Fault{Drop: true}, cut, 0},
		{"cut after applying", slacktest.Fault{Drop: true, AfterApply: true}, cut, 1},
		{"slow", slacktest.Fault{Delay: time.Millisecond}, fine, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := workspace(t, slacktest.Options{})
			s.Fail("chat.postMessage", test.fault)
			if _, err := client(s).AuthTest(); err != nil {
				t.Errorf("another method failed: %v", err)
			}
			if err := postText(s); !test.want(err) {
				t.Errorf("got %v", err)
			}
			if n := len(s.Messages("C1")); n != test.shown {
				t.Errorf("%d messages are shown, want %d", n, test.shown)
			}
			if err := postText(s); err != nil {
				t.Errorf("the fault affected a second call: %v", err)
			}
		})
	}
}

func TestAFaultAffectsAGivenNumberOfCallsOrAll(t *testing.T) {
	s := workspace(t, slacktest.Options{})
	s.Fail("", slacktest.Fault{Error: "a", Times: 2})
	s.Fail("chat.postMessage", slacktest.Fault{Error: "b", Times: -1})
	for _, want := range []string{"a", "a", "b", "b"} {
		if err := postText(s); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	s.ClearFaults()
	if err := postText(s); err != nil {
		t.Errorf("after ClearFaults: %v", err)
	}
}

func TestAHungCallEndsWithItsCallerOrWithClearFaults(t *testing.T) {
	s := workspace(t, slacktest.Options{})
	s.Fail("auth.test", slacktest.Fault{Hang: true, Times: 2})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	over := make(chan error)
	call := func(ctx context.Context) { _, err := client(s).AuthTestContext(ctx); over <- err }
	go call(ctx)
	s.Wait("the first call", func() bool { return len(s.Calls()) == 1 })
	cancel()
	if err := <-over; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	go call(t.Context())
	s.Wait("the second call", func() bool { return len(s.Calls()) == 2 })
	s.ClearFaults()
	if err := <-over; err == nil {
		t.Error("a hung call that was let go succeeded")
	}
}

func TestResponseURLsFailToo(t *testing.T) {
	s := workspace(t, slacktest.Options{})
	serveApp(t, s, respondWith(""))
	link := s.Command("U1", "C1", "/x", "").ResponseURL
	s.Fail("response_url", slacktest.Fault{Status: 500})
	for _, want := range []int{500, 200} {
		response, err := http.Post(link, "application/json", strings.NewReader(`{"text":"x"}`))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("status %d, want %d", response.StatusCode, want)
		}
	}
}
