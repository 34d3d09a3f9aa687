package mcpserver_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"

	"scanwarden/confirm"
)

// A model that calls twelve times at once gets one change, and its user twelve prompts with the same code. The first
// answer counts for all, and one scan is added.
func TestTwelveEqualCallsAreOneChange(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	args := s.newScan("Wanted twelve times")
	answers := make([]response, 12)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = s.callTool(t, toolCall{tool: "add_scan", args: args}) })
	}
	all.Wait()
	codes := map[string]bool{}
	for _, a := range answers {
		_, code := a.wantPrompt(t)
		codes[code] = true
	}
	if kept, err := s.Store.Changes(t.Context(), confirm.Filter{}); err != nil || len(kept) != 1 || len(codes) != 1 {
		t.Fatalf("there are %d changes with %d codes (%v), want 1", len(kept), len(codes), err)
	}
	for _, a := range answers {
		_, code := a.wantPrompt(t)
		s.callTool(t, toolCall{tool: "add_scan", args: args, state: a.Result.RequestState, responses: acceptWith(code)}).wantStatus(t, "applied")
	}
	s.wantWrites(t, 1)
}

// A wrong code in one prompt uses up the round of the other prompt too.
func TestRoundsAreThoseOfTheChange(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	args := s.newScan("Asked in two places")
	first, second := s.callTool(t, toolCall{tool: "add_scan", args: args}), s.callTool(t, toolCall{tool: "add_scan", args: args})
	_, code := second.wantPrompt(t)
	s.callTool(t, toolCall{tool: "add_scan", args: args, state: first.Result.RequestState, responses: acceptWith("ZZZZZ")}).wantPrompt(t)
	s.callTool(t, toolCall{tool: "add_scan", args: args, state: second.Result.RequestState, responses: acceptWith(code)}).wantInvalidState(t)
	third := s.callTool(t, toolCall{tool: "add_scan", args: args}) // the prompt of the present round
	if _, again := third.wantPrompt(t); again != code {
		t.Errorf("the code was %s and is %s", code, again)
	}
	s.callTool(t, toolCall{tool: "add_scan", args: args, state: third.Result.RequestState, responses: acceptWith(code)}).wantStatus(t, "applied")
	s.wantWrites(t, 1)
}

// startPrompt makes a call of an initialize-era client and returns once its user is prompted. The user answers with what
// is sent to reply. The result is sent to ended.
func (s *stack) startPrompt(t *testing.T, args any) (prompt string, reply chan<- *mcp.ElicitationResult, hangUp func(), ended <-chan string) {
	t.Helper()
	prompts, answers, done := make(chan string, 4), make(chan *mcp.ElicitationResult, 4), make(chan string, 1)
	c := s.dialInitializeEra(t, func(message string) *mcp.ElicitationResult {
		prompts <- message
		return <-answers
	})
	go func() {
		res, err := s.callInitializeEra(t, c, "add_scan", args)
		if err != nil {
			done <- err.Error()
			return
		}
		text, _ := res.Content[0].(mcp.TextContent)
		done <- text.Text
	}()
	return <-prompts, answers, func() { c.Close() }, done
}

// A call whose client hangs up does not withdraw a change for which another call still prompts.
func TestAChangeStaysOpenForItsOtherPrompt(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	args := s.newScan("Asked in two windows")
	_, first, hangUp, firstEnded := s.startPrompt(t, args)
	prompt, second, _, secondEnded := s.startPrompt(t, args)
	hangUp()
	first <- &mcp.ElicitationResult{} // nobody hears it
	<-firstEnded
	second <- acceptCode(codeLine.FindStringSubmatch(prompt)[1])
	if got := <-secondEnded; !strings.Contains(got, `"status":"applied"`) {
		t.Error(got)
	}
	s.wantWrites(t, 1)
}

// A wrong code in one prompt makes a waiting call prompt again in the next round, once its user has answered.
func TestAnOvertakenPromptIsRepeated(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	args := s.newScan("Answered in two windows")
	_, first, _, firstEnded := s.startPrompt(t, args)
	prompt, second, _, secondEnded := s.startPrompt(t, args)
	code := codeLine.FindStringSubmatch(prompt)[1]
	first <- acceptCode("ZZZZZ")
	for c := range s.transitions {
		if c.Round == 1 {
			break
		}
	}
	second <- acceptCode(code) // of the round before
	second <- acceptCode(code)
	if got := <-secondEnded; !strings.Contains(got, `"status":"applied"`) {
		t.Error(got)
	}
	first <- acceptCode(code)
	if got := <-firstEnded; !strings.Contains(got, `"status":"applied"`) {
		t.Error(got)
	}
	s.wantWrites(t, 1)
}
